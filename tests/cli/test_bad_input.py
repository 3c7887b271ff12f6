"""Bad input of many kinds ends in one error line, a hint and an exit code."""

from pathlib import Path

import pytest

import bad_input
from small_project import write_project

MUTATIONS = 40


@pytest.fixture
def project(random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good recipe, in a folder of its own, where a fault's traceback would be written too."""
    monkeypatch.chdir(tmp_path)
    return write_project(tmp_path / "project", random_model)


def test_the_unharmed_recipe_is_valid(project: Path, tmp_path: Path) -> None:
    code, said = bad_input.seodang(["run", str(project), "--runs", str(tmp_path / "runs")])
    assert (code, bad_input.fault_of(code, said)) == (0, None)


def test_a_mutated_recipe_is_refused_in_one_line_or_valid(project: Path, random_model: Path) -> None:
    found = list(bad_input.check_mutations(project.parent, random_model, MUTATIONS, seed=1))
    assert [(data, said) for _, data, _, said, fault in found if fault] == []
    assert {code for _, _, code, _, _ in found} >= {0, 2}


def test_other_bad_input_ends_with_its_exit_code(project: Path, tmp_path: Path) -> None:
    for name, expected, call in bad_input.scenarios(tmp_path, project):
        code, said = call()
        assert (name, code, bad_input.fault_of(code, said)) == (name, expected, None)


def test_an_endpoint_that_dies_half_way_ends_the_run_in_one_line(project: Path, random_model: Path, tmp_path: Path) -> None:
    code, said = bad_input.dying_endpoint(tmp_path, project, random_model)
    assert (code, bad_input.fault_of(code, said)) == (5, None)


def test_a_fault_of_our_own_is_told_in_one_line_with_its_traceback_in_a_file(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> None:
        raise AssertionError("two and two\nare five")

    monkeypatch.setattr("seodang.pipeline.recipe.load_recipe", broken)
    code, said = bad_input.seodang_whole(["run", str(project)])
    (written,) = tmp_path.glob("seodang-fault-*.txt")
    assert code == 70
    assert said.splitlines()[0] == "error: internal fault: AssertionError: two and two are five"
    assert written.name in said
    assert "Traceback" in written.read_text(encoding="utf-8")
    assert "Traceback" not in said
