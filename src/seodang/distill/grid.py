"""One student at each of several learning rates, of which the best is kept.

Arms that are compared get the same grid, and all are judged by the same measure, the cross-entropy of the held-out verified answers,
whatever their own loss is: an arm whose rate alone was tuned would win for the wrong reason.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json, storage_errors, write_json
from seodang.core.progress import Progress
from seodang.distill.packing import Example
from seodang.distill.parallel import Team
from seodang.distill.raise_student import EVENTS, PARTIAL, raise_student
from seodang.distill.section import DistillSection
from seodang.distill.students.section import StudentSection
from seodang.distill.train import Diverged

_SUMMARY = "summary.json"


def raise_best(
    start: Path,
    folder: Path,
    examples: Sequence[Example],
    student: StudentSection,
    section: DistillSection,
    *,
    progress: Progress,
    team: Team | None = None,
    **more: Any,
) -> dict[str, Any]:
    """`raise_student` at each rate of `section.learning_rate`; the student with the lowest held-out cross-entropy stays in `folder`.

    Returns its summary and, where there are several rates, `grid`: a row for each with its rate, `held_out_cross_entropy`, `train_loss`
    (mean of the last tenth of the steps), `num_steps`, `chosen` and, where the loss ceased to be a number, `fault`. An interrupted call
    goes on at the rate it was at. At most two students are on the disk at once. InputError where nothing is held out, `Diverged` where
    no rate gives a number.
    """
    team = team or Team()
    if len(section.rates) == 1:
        return raise_student(start, folder, examples, student, section, progress=progress, team=team, **more)
    if int(len(examples) * section.held_out) == 0:
        raise InputError(
            f"the rates of a grid are compared on held-out records, and {section.held_out:g} of {len(examples)} is none",
            where="distill.held_out",
            hint="raise it, or give one learning rate",
        )
    places = [folder / PARTIAL / f"rate-{number}" for number in range(len(section.rates))]
    found = [_finished(place) for place in places]
    team.wait()  # so that all have looked before the first process writes
    unit = progress.unit
    for number, (rate, place) in enumerate(zip(section.rates, places, strict=True)):
        if found[number] is None:
            progress.unit = f"{unit} at rate {rate:g}, {number + 1} of {len(places)}"
            found[number] = _raised(start, place, examples, student, section, rate, progress=progress, team=team, **more)
        if team.first:
            _tidy(folder, places, found)
    best = _best(found)
    if best is None:
        raise Diverged(
            f"the loss did not stay a number at any of the rates {', '.join(f'{rate:g}' for rate in section.rates)}",
            hint="lower `distill.learning_rate`, or raise `distill.warmup`, and run the recipe again",
        )
    if team.first:
        _move(places[best], folder)
    team.wait()  # so that none goes on before the student is where it belongs
    summary = dict(found[best] or {})
    return {
        **summary,
        "grid": [_row(rate, row or {}, number == best) for number, (rate, row) in enumerate(zip(section.rates, found, strict=True))],
    }


def _raised(
    start: Path,
    place: Path,
    examples: Sequence[Example],
    student: StudentSection,
    section: DistillSection,
    rate: float,
    *,
    progress: Progress,
    team: Team,
    **more: Any,
) -> dict[str, Any]:
    """The summary of the student at one rate, which is on disk when this returns."""
    try:
        own = section.model_copy(update={"learning_rate": rate})
        summary = raise_student(start, place, examples, student, own, progress=progress, team=team, **more)
    except Diverged as error:
        summary = {"fault": str(error), "held_out_cross_entropy": None, "loss_curve": []}
    if team.first:
        write_json(place / _SUMMARY, summary)
    return summary


def _finished(place: Path) -> dict[str, Any] | None:
    return read_json(place / _SUMMARY) if (place / _SUMMARY).is_file() else None


def _best(found: Sequence[dict[str, Any] | None]) -> int | None:
    """The place of the lowest held-out cross-entropy, the first one where several are; None where there is no number."""
    numbers = [
        (row["held_out_cross_entropy"], place) for place, row in enumerate(found) if row and row["held_out_cross_entropy"] is not None
    ]
    return min(numbers)[1] if numbers else None


def _tidy(folder: Path, places: Sequence[Path], found: Sequence[dict[str, Any] | None]) -> None:
    """Removes what is no longer needed of finished rates: the training's state, and every student but the best so far. Curves stay."""
    best = _best(found)
    with storage_errors(folder):
        for number, (place, row) in enumerate(zip(places, found, strict=True)):
            if row is None:
                continue
            if (place / EVENTS).is_dir():
                _replace(place / EVENTS, folder / EVENTS / place.name)
            for path in place.iterdir():
                if path.is_dir() and (number != best or path.name == PARTIAL):
                    shutil.rmtree(path)


def _move(place: Path, folder: Path) -> None:
    """Puts the student where one that is trained alone would stand. What a killed process has moved already is left there."""
    with storage_errors(folder):
        for path in sorted(place.iterdir()):
            if path.is_dir():
                _replace(path, folder / path.name)


def _replace(old: Path, new: Path) -> None:
    if new.is_dir():
        shutil.rmtree(new)
    new.parent.mkdir(parents=True, exist_ok=True)
    old.replace(new)


def _row(rate: float, summary: dict[str, Any], chosen: bool) -> dict[str, Any]:
    curve: list[list[float]] = summary.get("loss_curve", [])
    last = [loss for _, loss in curve[-max(1, len(curve) // 10) :]]
    row = {
        "learning_rate": rate,
        "held_out_cross_entropy": summary["held_out_cross_entropy"],
        "train_loss": sum(last) / len(last) if last else None,
        "num_steps": summary.get("num_steps"),
        "chosen": chosen,
    }
    return row | ({"fault": summary["fault"]} if "fault" in summary else {})
