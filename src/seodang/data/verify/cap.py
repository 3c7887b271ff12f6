"""No question is taught more often than a cap allows: of its right answers, the shortest ones that reason differently are kept."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.build.worked_solutions import cap as cap_solutions
from seodang.data.verify.context import CheckContext
from seodang.data.verify.probe import Probe

VERSION = 2
READS: tuple[str, ...] = ()


def cap(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Passes, for each question, the `max_per_question` shortest answers with different steps, and fails the others. It is the last check:
    what it is given counts as right."""
    return cap_solutions(records, frozenset(record.id for record in records), context.section.max_per_question)


def probes() -> list[Probe]:
    """Twelve questions with four answers that reason differently, a longer fifth, and one of the four in other words."""
    found: list[Probe] = []
    for first in range(2, 14):
        question = f"What is {first} + {first + 1}?"
        steps = ["", *("so " + " + ".join(["1"] * (count + 1)) + ", and " for count in range(4))]
        answers = [f"{step}the sum is {2 * first + 1}" for step in steps]
        told = [*[("pass", "one of the four shortest", False)] * 4, ("fail", "the fifth way", False)]
        told.append(("fail", "the same steps in other words", True))
        answers.append(f"{steps[1]}altogether that makes {2 * first + 1}, as anybody can see")
        for answer, (should, about, adversarial) in zip(answers, told, strict=True):
            record = Record("worked_solution", question, answer, (), "en")
            found.append(Probe(record, should, about, adversarial, group=question))
    return found
