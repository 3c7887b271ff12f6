"""What a name on the command line means: one evaluation, or an error that lists what there is."""

import unicodedata
from pathlib import Path

import pytest

from answered import evaluated, make_items
from seodang.core.errors import InputError
from seodang.core.files import write_json
from seodang.pipeline.find_evaluation import find_evaluation

ITEMS = make_items(4)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of which `base` and three seeds of one arm, and one of another, were evaluated."""
    names = ["base", "distilled.1", "distilled.2", "distilled.3", "sft.0"]
    steps = [{"name": f"evaluate.{name}", "key": f"{place}" * 16} for place, name in enumerate(names)]
    for place, name in enumerate(names):
        for suite in ("exam", "general"):
            evaluated(tmp_path / ".store" / "evaluate" / (f"{place}" * 16) / suite, ITEMS, [1.0] * 4, model=f"{name} {suite}")
    steps.append({"name": "report", "key": "r" * 16})
    write_json(
        tmp_path / "r" / "run.json", {"name": "r", "recipe": {}, "base": "", "student_source": {}, "synthetic": True, "steps": steps}
    )
    return tmp_path / "r"


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("base", "base exam"),
        ("base/general", "base general"),
        ("distilled:2", "distilled.2 exam"),
        ("sft", "sft.0 exam"),
        ("sft/general", "sft.0 general"),
    ],
)
def test_an_arm_is_found_by_its_name_and_seed(run: Path, asked: str, model: str) -> None:
    assert find_evaluation(f"{run}:{asked}", run.parent).model == model


@pytest.mark.parametrize("suite", ["", "/exam", "/general"])
def test_an_arm_of_several_seeds_is_not_taken_for_its_first_one(run: Path, suite: str) -> None:
    with pytest.raises(InputError, match="`distilled` has 3 seeds, and an evaluation is of one") as caught:
        find_evaluation(f"{run}:distilled{suite}", run.parent)
    assert "distilled:1, distilled:2, distilled:3" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("asked", "what"),
    [("", "which of its arms"), (":", "which of its arms"), (":dist", "no evaluation `dist`"), (":base/x", "no evaluation")],
)
def test_a_run_without_an_arm_of_its_own_lists_its_arms(run: Path, asked: str, what: str) -> None:
    evaluated(run.parent / "eval" / "other__sums__1", ITEMS, [1.0] * 4)
    with pytest.raises(InputError, match=what) as caught:
        find_evaluation(f"{run}{asked}", run.parent)
    hint = caught.value.hint or ""
    assert "its arms: base, distilled:1, distilled:2, distilled:3, sft:0" in hint
    assert "other__sums__1" not in hint


def test_a_model_is_found_by_its_own_name_whatever_its_folder_is_called_and_however_it_is_composed(tmp_path: Path) -> None:
    for place, name in enumerate(("한국어-선생-모형", "한국어-학생-모형", "qwen:base")):
        evaluated(tmp_path / "eval" / f"model__sums__{place}", ITEMS, [1.0] * 4, model=name)
    for name in ("한국어-학생", unicodedata.normalize("NFD", "한국어-학생")):
        assert find_evaluation(name, tmp_path).model == "한국어-학생-모형"
    assert find_evaluation("qwen:", tmp_path).model == "qwen:base"
    with pytest.raises(InputError, match="`한국어` begins 2 names"):
        find_evaluation("한국어", tmp_path)
