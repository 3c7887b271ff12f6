"""A judge held against a labelled set: how far it agrees with people, what it lets through, and which of the known biases it shows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seodang.core.files import write_json
from seodang.core.hashing import digest
from seodang.core.records import Record
from seodang.data.verify.context import bare_context
from seodang.data.verify.judged import ask, material
from seodang.data.verify_audit.audit import Rate
from seodang.models.chat_model import ChatModel
from seodang.statistics.agreement import alpha_with_interval, cohen_kappa
from seodang.statistics.intervals import wilson


@dataclass(frozen=True, slots=True)
class Calibration:
    """A judge on `n` labelled records. Kappa and alpha are over those that it decided; undecided ones stay in the rates' n."""

    judge: str  # digest of its identity
    name: str
    labelled: str  # digest of the labelled set
    n: int
    num_undecided: int
    kappa: float | None
    alpha: float | None
    alpha_interval: tuple[float, float] | None
    false_accept: Rate | None  # of the wrong answers, those it passed
    false_reject: Rate | None  # of the right answers, those it failed
    caught: Rate | None  # of the wrong answers, those it failed
    rejected_rightly: Rate | None  # of the answers it failed, the wrong ones
    order_flips: Rate  # votes that changed with the order of the choices: preference for a position
    wording_flips: Rate
    passed_characters: float | None  # mean length of wrong answers that it passed; long ones pass more easily with most judges
    failed_characters: float | None  # mean length of wrong answers that it failed


def calibrate(judge: ChatModel, labelled: Sequence[tuple[Record, bool]], *, seed: int = 0, store: Path | None = None) -> Calibration:
    """Asks the judge about records of which people said whether they are right; writes the result to `store` where one is given.

    ValueError for an empty set.
    """
    if not labelled:
        raise ValueError("a judge cannot be calibrated on no records")
    with bare_context() as context:
        opinions = ask(judge, [(record, material(record, context)) for record, _ in labelled])
    said = [opinion.outcome for opinion in opinions]
    decided = [(right, outcome == "pass") for (_, right), outcome in zip(labelled, said, strict=True) if outcome != "undecided"]
    people, model = [right for right, _ in decided], [outcome for _, outcome in decided]
    agreement = alpha_with_interval([people, model], seed=seed) if decided else None
    pairs = [pair for opinion in opinions for pair in opinion.votes]
    wrong = [(len(record.answer), outcome) for (record, right), outcome in zip(labelled, said, strict=True) if not right]
    found = Calibration(
        judge=digest(judge.identity),
        name=judge.name,
        labelled=digest([[record.id, right] for record, right in labelled]),
        n=len(labelled),
        num_undecided=said.count("undecided"),
        kappa=_number(cohen_kappa(people, model)) if decided else None,
        alpha=_number(agreement.alpha) if agreement else None,
        alpha_interval=agreement.interval if agreement and _number(agreement.alpha) is not None else None,
        false_accept=_rate(outcome == "pass" for _, outcome in wrong),
        false_reject=_rate(outcome == "fail" for (_, right), outcome in zip(labelled, said, strict=True) if right),
        caught=_rate(outcome == "fail" for _, outcome in wrong),
        rejected_rightly=_rate(not right for (_, right), outcome in zip(labelled, said, strict=True) if outcome == "fail"),
        order_flips=_sure(_rate(first != second for first, second in pairs)),
        wording_flips=_sure(_rate(len({pair[0] for pair in opinion.votes}) > 1 for opinion in opinions)),
        passed_characters=_mean([size for size, outcome in wrong if outcome == "pass"]),
        failed_characters=_mean([size for size, outcome in wrong if outcome == "fail"]),
    )
    if store is not None:
        write_json(store, asdict(found))
    return found


def _rate(flags: Any) -> Rate | None:
    seen = list(flags)
    return Rate(sum(seen), len(seen), sum(seen) / len(seen), wilson(sum(seen), len(seen))) if seen else None


def _sure(rate: Rate | None) -> Rate:
    assert rate is not None
    return rate


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _number(value: float) -> float | None:
    """None for NaN, which JSON does not hold."""
    return value if value == value else None
