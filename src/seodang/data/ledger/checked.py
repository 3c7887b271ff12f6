"""Checks put to records by way of the ledger: what is there is not asked again, and what is new is kept group by group."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seodang.core.records import Record, Verdict
from seodang.core.registry import find_function
from seodang.data.engine.executor import Executor
from seodang.data.ledger.check_config import CheckConfig, check_config, context_digests
from seodang.data.ledger.facts import Activity, Finding, Unit, check_stage
from seodang.data.ledger.ledger import Ledger
from seodang.data.verify.context import CheckContext, bare_context, broken
from seodang.data.verify.guard import Check, guarded
from seodang.data.verify.section import VerifySection

GROUP = 128  # records of one commit, and of one unit of the executor


@dataclass(frozen=True, slots=True)
class PutCheck:
    """A check as it was put to records: by which configuration its verdicts are found in the ledger."""

    name: str
    version: int
    config: str


class KeptChecks:
    """Puts checks to records (call it as `decide` does), and knows afterwards with which configuration each was put.

    `ids` gives the ledger's id of a record by its short one. Records are worked on in groups of `group`, cut from the whole list, so that
    shards are the same whatever was done before a kill, and at any number of workers.
    """

    def __init__(self, ledger: Ledger, executor: Executor, ids: Mapping[str, str], *, group: int = GROUP) -> None:
        self.ledger, self.executor, self.ids, self.group = ledger, executor, ids, group
        self.put: list[PutCheck] = []
        self._digests: dict[str, str] | None = None

    def __call__(self, name: str, records: Sequence[Record], context: CheckContext) -> list[Verdict]:
        self._digests = self._digests or context_digests(context)
        names = [self.ids[record.id] for record in records]
        config = check_config(name, context, self._digests, among=names)
        self.put.append(PutCheck(name, config.version, config.digest))
        done = self.ledger.done(check_stage(name), config.digest)
        if config.per_record:
            groups = [records[first : first + self.group] for first in range(0, len(records), self.group)]
        else:
            groups = [records] if records else []
        missing = [left for group in groups if (left := [record for record in group if self.ids[record.id] not in done])]
        ended: list[Sequence[Record]] = []
        began = time.time()
        for group, verdicts in zip(missing, self._verdicts(config, missing, context), strict=True):
            if verdicts is None:
                ended.append(group)
            else:
                self._keep(config, group, verdicts, began)
            began = time.time()
        for group in ended:
            self._keep(config, group, self._one_by_one(config, group, context), time.time())
        found = self.ledger.verdicts(name, config.digest)
        return [replace(found[self.ids[record.id]], record=record.id) for record in records]

    def _verdicts(
        self, config: CheckConfig, groups: Sequence[Sequence[Record]], context: CheckContext
    ) -> Iterator[Sequence[Verdict] | None]:
        """The verdicts on each group, in order; None for one that ended its worker, or ran out of time, as often as it was tried."""
        if not config.movable:
            check: Check = find_function("seodang.data.verify", config.name)
            yield from (guarded(config.name, check, group, context, per_record=config.per_record) for group in groups)
            return
        for outcome in self.executor.map_units(check_group, groups, shared=_movable(config, context)):
            yield None if outcome.error else outcome.value

    def _one_by_one(self, config: CheckConfig, group: Sequence[Record], context: CheckContext) -> list[Verdict]:
        """Each record of a group that was given up alone, so that only the one that does the harm is failed."""
        outcomes = self.executor.map_units(check_group, [[record] for record in group], shared=_movable(config, context))
        return [
            broken(record, config.name, error=outcome.error) if outcome.error else outcome.value[0]
            for record, outcome in zip(group, outcomes, strict=True)
        ]

    def _keep(self, config: CheckConfig, group: Sequence[Record], verdicts: Sequence[Verdict], began: float) -> None:
        stage = check_stage(config.name)
        used = () if config.per_record else tuple(self.ids[record.id] for record in group)
        activity = Activity(stage, str(config.version), config.digest, config.teacher, settings=config.settings, used=used)
        findings = [
            Finding(self.ids[record.id], config.name, config.version, config.digest, verdict.outcome, verdict.evidence, activity.id)
            for record, verdict in zip(group, verdicts, strict=True)
        ]
        units = [Unit(stage, config.digest, finding.record) for finding in findings]
        self.ledger.commit(units, activities=[activity], findings=findings, started=began)


def _movable(config: CheckConfig, context: CheckContext) -> tuple[str, VerifySection, dict[str, Any]]:
    return config.name, context.section, {part: getattr(context, part) for part in config.reads}


def check_group(shared: tuple[str, VerifySection, dict[str, Any]], records: Sequence[Record]) -> list[Verdict]:
    """The verdicts of a check that compares no records, wherever it runs. What the check raises fails the record that it was raised for."""
    name, section, parts = shared
    check: Check = find_function("seodang.data.verify", name)
    with bare_context(section) as bare:
        return guarded(name, check, records, replace(bare, **parts), per_record=True)
