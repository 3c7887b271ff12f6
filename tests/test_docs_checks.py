"""docs/checks.md says of every check what the code says: what it reads, which keys of `truth`, what may come out, and on its examples."""

import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from seodang.core.records import Verdict
from seodang.data.records_file import record_of_row
from seodang.data.verify.context import CheckContext, bare_context
from seodang.data.verify.find import check_names, find_check
from seodang.data.verify.probe import Probe, probes_of
from seodang.data.verify.section import VerifySection
from seodang.data.verify_audit.situations import SITUATIONS, WordTeacher
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.scoring.sandbox.isolation import IsolationError

PAGE = (Path(__file__).parent.parent / "docs" / "checks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| \[(\w+)\]\(#(\w+)\) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
TABLE = {name: cells for name, _, *cells in ROW.findall(PAGE)}
EXAMPLES = [
    (name, outcome, body)
    for name, section in SECTIONS.items()
    for outcome, body in re.findall(r"^`(\w+)`:\n\n```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
]


class SeenKeys(dict[str, Any]):
    """A truth that notes which of its keys are asked for by name."""

    def __init__(self, given: Any, seen: set[str]) -> None:
        super().__init__(given)
        self.seen = seen

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.seen.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.seen.add(str(key))
        return super().__contains__(key)


class Judge(WordTeacher):
    """Finds everything right."""

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        return [[Completion("RIGHT", "stop", 1, 1)] for _ in conversations]


def make_judge() -> Judge:
    return Judge()


def ticked(text: str) -> set[str]:
    return set(re.findall(r"`([\w_]+)`", text))


def keys_of(section: str) -> set[str]:
    """The first column of a section's table of `truth`."""
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def groups(probes: Sequence[Probe]) -> list[list[Probe]]:
    """At most one probe with the same keys in truth, by groups of those that are shown together."""
    named: dict[str, list[Probe]] = {}
    for probe in probes:
        named.setdefault(probe.group or " ".join(sorted(probe.record.truth)) + probe.should, []).append(probe)
    return [group if group[0].group else group[:3] for group in named.values()][:20]


@lru_cache
def seen_by(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """The keys of truth that a check asks for on its probes, and the outcomes that it gives there."""
    check, seen, found = find_check(name), set[str](), set[str]()
    for group in groups(probes_of(name)):
        with bare_context(VerifySection(judge=f"{__name__}:make_judge")) as bare:
            passages = {key: passage for probe in group for key, passage in probe.passages.items()}
            context: CheckContext = SITUATIONS.get(name, lambda context: context)(replace(bare, passages=passages))
            records = [replace(probe.record, truth=SeenKeys(probe.record.truth, seen)) for probe in group]
            found |= {verdict.outcome for verdict in check(records, context)}
    return frozenset(seen), frozenset(found)


def judged(name: str, body: str) -> Verdict:
    """The verdict on the last row of an example, as `seodang data check` gives it."""
    records = [record_of_row(json.loads(line), f"docs/checks.md, {name}") for line in body.splitlines()]
    with bare_context(standalone=True) as context:
        return find_check(name)(records, context)[-1]


def test_every_check_has_its_section_and_its_row() -> None:
    assert set(TABLE) == set(check_names())
    assert set(SECTIONS) - {"Rows", "Outcomes"} == set(check_names())
    assert {name for name, _, _ in EXAMPLES} == set(check_names())


@pytest.mark.parametrize("name", check_names())
def test_what_a_check_declares_stands_in_the_table(name: str) -> None:
    module = inspect.getmodule(find_check(name))
    reads, compares, certifies, _ = TABLE[name]
    told = getattr(module, "READS", None)
    assert reads == ("everything" if told is None else ", ".join(f"`{part}`" for part in told) or "nothing")
    assert compares == ("no" if getattr(module, "PER_RECORD", False) else "yes")
    assert certifies == ("yes" if getattr(module, "CERTIFIES", False) else "no")


@pytest.mark.parametrize("name", check_names())
def test_every_key_of_truth_that_a_check_asks_for_is_listed_and_no_other(name: str) -> None:
    try:
        seen, outcomes = seen_by(name)
    except IsolationError as fault:
        pytest.skip(fault.what)
    assert seen == keys_of(SECTIONS[name])
    assert outcomes <= ticked(TABLE[name][3])


@pytest.mark.parametrize(("name", "outcome", "body"), EXAMPLES)
def test_every_example_gets_the_outcome_that_stands_before_it(name: str, outcome: str, body: str) -> None:
    verdict = judged(name, body)
    if verdict.outcome == "error" and "isolat" in str(verdict.evidence):
        pytest.skip(str(verdict.evidence))
    assert verdict.outcome == outcome, verdict.evidence
    assert outcome in ticked(TABLE[name][3])


def test_a_key_that_is_not_listed_would_be_noticed() -> None:
    seen: set[str] = set()
    truth = SeenKeys({"a": 1}, seen)
    assert (truth.get("b"), truth["a"], "c" in truth) == (None, 1, False)
    assert seen == {"a", "b", "c"}
