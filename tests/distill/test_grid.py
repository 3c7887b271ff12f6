"""A grid of learning rates: every rate is trained, the best is kept by one yardstick, and a kill changes nothing."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from seodang.core.errors import InputError
from seodang.core.progress import Progress
from seodang.distill import grid as module
from seodang.distill.grid import raise_best
from seodang.distill.packing import Example
from seodang.distill.raise_student import CHECKPOINT, EVENTS, PARTIAL, raise_student
from seodang.distill.section import DistillSection
from seodang.distill.students.section import StudentSection
from seodang.distill.train import Diverged, Trainer

STUDENT = StudentSection(method="lora", rank=4, alpha=8, first_layer=1)
RATES = (1e-4, 2e-2, 3e-3)


def section(rates: float | tuple[float, ...] = RATES, **given: Any) -> DistillSection:
    return DistillSection.model_validate(
        {"learning_rate": rates, "epochs": 2, "pack_tokens": 64, "held_out": 0.2, "weight": 1.0, "checkpoint_steps": 2, **given}
    )


def best(
    start: Path, folder: Path, examples: list[Example], chosen: DistillSection, divergence: str | None = "forward_kl"
) -> dict[str, Any]:
    return raise_best(start, folder, examples, STUDENT, chosen, divergence=divergence, seed=3, progress=Progress("train"))


def single(
    start: Path, folder: Path, examples: list[Example], chosen: DistillSection, divergence: str | None = "forward_kl"
) -> dict[str, Any]:
    return raise_student(start, folder, examples, STUDENT, chosen, divergence=divergence, seed=3, progress=Progress("train"))


def student_files(folder: Path) -> dict[str, bytes]:
    files = [path for name in (CHECKPOINT, "adapter") for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@dataclass(frozen=True, slots=True)
class Whole:
    """An unbroken grid: its folder, which is not to be changed, and its summary."""

    folder: Path
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def whole(tiny_model_dir: Path, examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("grid")
    return Whole(folder, best(tiny_model_dir, folder, examples, section()))


def test_the_rate_with_the_lowest_held_out_cross_entropy_is_kept_bit_for_bit(
    tiny_model_dir: Path, examples: list[Example], whole: Whole, tmp_path: Path
) -> None:
    """Though the loss is a divergence alone. Each rate alone gives the oracle."""
    alone = [single(tiny_model_dir, tmp_path / f"alone-{n}", examples, section(rate)) for n, rate in enumerate(RATES)]
    found = whole.summary
    losses = [row["held_out_cross_entropy"] for row in alone]
    chosen = losses.index(min(losses))
    assert [row["held_out_cross_entropy"] for row in found["grid"]] == losses
    for row, one in zip(found["grid"], alone, strict=True):
        last = [loss for _, loss in one["loss_curve"][-max(1, one["num_steps"] // 10) :]]
        assert (row["train_loss"], row["num_steps"]) == (sum(last) / len(last), one["num_steps"])
    assert [row["chosen"] for row in found["grid"]] == [number == chosen for number in range(3)]
    assert [row["learning_rate"] for row in found["grid"]] == list(RATES)
    assert {key: value for key, value in found.items() if key != "grid"} == alone[chosen]
    assert student_files(whole.folder) == student_files(tmp_path / f"alone-{chosen}")


def test_only_the_kept_student_stays_and_every_curve_does(whole: Whole) -> None:
    assert sorted(path.name for path in whole.folder.iterdir()) == ["adapter", CHECKPOINT, EVENTS, PARTIAL]
    assert len(list((whole.folder / EVENTS).iterdir())) == 3
    assert {path.name for path in (whole.folder / PARTIAL).rglob("*") if path.is_file()} == {"summary.json"}


def test_one_rate_is_as_without_a_grid(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    chosen = section([2e-2])  # pyright: ignore[reportArgumentType]
    assert chosen.learning_rate == 2e-2
    found = best(tiny_model_dir, tmp_path / "grid", examples, chosen)
    assert found == single(tiny_model_dir, tmp_path / "alone", examples, chosen)
    assert "grid" not in found
    assert student_files(tmp_path / "grid") == student_files(tmp_path / "alone")


class Killed(BaseException):
    """What a SIGKILL does: no handler of ours runs."""


@pytest.mark.parametrize("moment", ["in the second training", "before its summary", "in the tidying", "while the student is moved"])
def test_a_killed_grid_goes_on_and_ends_bit_equal(
    tiny_model_dir: Path, examples: list[Example], whole: Whole, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole.summary
    calls = 0

    def after(number: int, work: Any) -> Any:
        def counted(*given: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                raise Killed
            return work(*given, **named)

        return counted

    with monkeypatch.context() as patch:
        if moment == "in the second training":
            patch.setattr(Trainer, "take_step", after(expected["num_steps"] + 4, Trainer.take_step))
        elif moment == "before its summary":
            patch.setattr(module, "write_json", after(2, module.write_json))
        elif moment == "in the tidying":
            patch.setattr(module.shutil, "rmtree", after(2, module.shutil.rmtree))
        else:  # three folders of curves are moved before, and one of the student's two
            patch.setattr(module, "_replace", after(5, module._replace))
        with pytest.raises(Killed):
            best(tiny_model_dir, tmp_path / "killed", examples, section())
    assert best(tiny_model_dir, tmp_path / "killed", examples, section()) == expected
    assert student_files(tmp_path / "killed") == student_files(whole.folder)
    left = [sorted(p.name for p in folder.rglob("*") if EVENTS not in p.parts) for folder in (tmp_path / "killed", whole.folder)]
    assert [name for name in left[0] if not name.startswith("events")] == [name for name in left[1] if not name.startswith("events")]


def test_finished_rates_are_not_trained_again(
    tiny_model_dir: Path, examples: list[Example], whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole.folder, tmp_path / "again")
    monkeypatch.setattr(Trainer, "take_step", None)
    assert best(tiny_model_dir, tmp_path / "again", examples, section()) == whole.summary


def test_a_rate_that_diverges_is_told_and_another_is_kept(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.take_step

    def diverging(self: Trainer) -> Any:
        if self.peak > 1e-2 and self.step == 3:
            raise Diverged("the loss is no longer a number at step 4")
        return step(self)

    monkeypatch.setattr(Trainer, "take_step", diverging)
    found = best(tiny_model_dir, tmp_path / "some", examples, section())
    assert [row.get("fault") for row in found["grid"]] == [None, "the loss is no longer a number at step 4", None]
    assert not found["grid"][1]["chosen"]
    assert load_file(tmp_path / "some" / CHECKPOINT / "model.safetensors")
    with pytest.raises(Diverged, match=r"at any of the rates 0\.02, 0\.05"):
        best(tiny_model_dir, tmp_path / "none", examples, section((2e-2, 5e-2)))


def test_all_losses_are_held_against_the_same_answers(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    """At a rate at which nothing moves, arms of any loss and weight have one held-out cross-entropy."""
    settings: list[dict[str, Any]] = [{}, {"weight": 0.5}, {"loss": "reverse_kl"}, {"weight": 0.0}]
    found = [single(tiny_model_dir, tmp_path / str(n), examples, section(1e-9, epochs=0.2, **given)) for n, given in enumerate(settings)]
    found.append(single(tiny_model_dir, tmp_path / "sft", examples, section(1e-9, epochs=0.2), divergence=None))
    assert [row["held_out_cross_entropy"] for row in found] == pytest.approx([found[0]["held_out_cross_entropy"]] * 5, abs=1e-5)
    assert found[0]["held_out_curve"][-1][1] != pytest.approx(found[-1]["held_out_curve"][-1][1], abs=1e-2)


def test_a_share_that_holds_nothing_out_is_refused(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0\.01 of 24 is none"):
        best(tiny_model_dir, tmp_path, examples, section(held_out=0.01))
