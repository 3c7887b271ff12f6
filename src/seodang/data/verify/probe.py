"""Probes: records of which it is known whether a check should let them through. What a check says of them is its audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from seodang.core.records import Passage, Record
from seodang.core.registry import find_function

OUTCOMES = ("pass", "fail", "undecided")


@dataclass(frozen=True, slots=True)
class Probe:
    """A record, what a check should say of it, and which kind of case it is.

    `should` is "pass" or "fail". A check that says "undecided" is counted apart: it neither lets through nor rejects. `adversarial`
    marks a record that was made to be let through, or rejected, wrongly. `about` says in a few words what it tries. Records that a
    check compares with one another (duplicates) bear one `group` and are shown to it together; others one by one are the same.
    """

    record: Record
    should: str
    about: str
    adversarial: bool = False
    group: str = ""
    passages: Mapping[str, Passage] = field(default_factory=dict[str, Passage])


def probes_of(check: str) -> list[Probe]:
    """The probes that ship with a check, in order: those of `data/verify/probes/CHECK.jsonl`, then those that the function `probes` of
    the check's module makes. None for a check without either: it is not audited, so it cannot certify."""
    import importlib
    import json

    file = resources.files("seodang.data.verify") / "probes" / f"{check}.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()] if file.is_file() else []
    module = importlib.import_module(find_function("seodang.data.verify", check).__module__)
    made: list[Probe] = module.probes() if hasattr(module, "probes") else []
    return [*map(_read, rows), *made]


def _read(row: Mapping[str, Any]) -> Probe:
    fields = {"kind": "sample", "question": "", "answer": "", "passages": (), "language": "en", **row["record"]}
    passages = {passage.id: passage for passage in (Passage(**given) for given in row.get("passages", ()))}
    if passages and not fields["passages"]:
        fields["passages"] = tuple(passages)
    return Probe(Record.from_row(fields), row["should"], row["about"], row.get("adversarial", False), row.get("group", ""), passages)
