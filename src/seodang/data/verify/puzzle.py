"""The answer to a generated puzzle is right, by the generator's own oracle, and by our engines too where it is a number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seodang.core.errors import InputError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, broken, failed, passed, undecided
from seodang.data.verify.probe import Probe
from seodang.scoring.mathematics.final_answer import Extracted, final_answer
from seodang.scoring.mathematics.judge import judge
from seodang.scoring.puzzles import EASY, make_entry, puzzles, score

VERSION = 1
CERTIFIES = True
PER_RECORD = True
READS: tuple[str, ...] = ()


def puzzle(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Makes the puzzle again from `truth.puzzle` (`generator`, `settings`, `seed`, `index`) and asks reasoning-gym's `score_answer`.

    A number must also equal the generator's by both engines of `mathematics`. Oracle and engines that disagree leave it undecided; a
    question that is not the generator's fails.
    """
    return [_check(record) for record in records]


def _check(record: Record) -> Verdict:
    source = record.truth.get("puzzle")
    if not isinstance(source, Mapping):
        return undecided(record, "puzzle", reason="the record names no puzzle in `truth`")
    try:
        settings: dict[str, Any] = dict(source.get("settings", {}))
        made = (str(source["generator"]), settings, int(source["seed"]), int(source["index"]))
        entry = make_entry(*made)
    except (InputError, KeyError, ValueError, TypeError) as error:
        return broken(record, "puzzle", reason=f"the puzzle cannot be made again: {error}")
    if str(entry["question"]).strip() != record.question.strip():
        return failed(record, "puzzle", reason="the question is not the one that the generator makes")
    found = final_answer(record.answer)
    if not found.text and "final_answer" not in record.truth and (lines := record.answer.strip().split("\n"))[-1]:
        found = Extracted(lines[-1].strip(), "last line") if "different" not in found.how else found
    if not found.text:
        return undecided(record, "puzzle", reason="no final answer was found", how=found.how)
    given = found.text.strip().strip(".*").strip()
    oracle = score(*made, given) == 1.0
    evidence: dict[str, object] = {"answer": given, "oracle": oracle, "how": found.how}
    if "final_answer" not in record.truth:
        return (passed if oracle else failed)(record, "puzzle", **evidence)
    said = judge(str(entry["answer"]), given)
    evidence |= {"exact": said.exact.outcome, "math_verify": said.math_verify.outcome}
    if oracle and said.outcome == "equal":
        return passed(record, "puzzle", **evidence)
    if not oracle and said.outcome == "different":
        return failed(record, "puzzle", **evidence)
    return undecided(record, "puzzle", **evidence, reason="the generator's oracle and the engines do not agree")


def probes() -> list[Probe]:
    """Two puzzles of each easy generator: with the right answer, with the answer to the other one where that differs, and the right answer
    under a question that is a little different."""
    found: list[Probe] = []
    for generator in EASY:
        pair = puzzles([generator], 2, seed=7)
        for one, other in (pair, pair[::-1]):
            right = Record("worked_solution", one.question, f"#### {one.answer}", (), "en", truth=one.truth)
            found.append(Probe(right, "pass", f"{generator.name}: the generator's own answer"))
            if one.answer != other.answer:
                wrong = replace(right, answer=f"#### {other.answer}")
                found.append(Probe(wrong, "fail", f"{generator.name}: the answer to another puzzle"))
            reworded = replace(right, question=right.question[1:])
            found.append(Probe(reworded, "fail", f"{generator.name}: a question that lacks a letter", adversarial=True))
    return found
