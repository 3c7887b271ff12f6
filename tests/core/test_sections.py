"""A fault in a recipe is told with its file, line, key and a near match."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field, ValidationError, model_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section, load_section


class Inner(Section):
    """A part."""

    epochs: float = Field(default=1.0, gt=0, description="passes")
    names: tuple[str, ...] = Field(default=(), description="some names")


class Outer(Section):
    """A whole."""

    name: str = Field(description="its name")
    distill: Inner = Inner(epochs=1.0, names=())


def fault(folder: Path, text: str) -> RecipeError:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_section(Outer, path)
    assert caught.value.hint
    assert str(caught.value.where).startswith(str(path))
    return caught.value


def test_a_whole_recipe_is_read_and_cannot_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: 요금\ndistill:\n  epochs: 2\n  names: [a, b]\n", encoding="utf-8")
    section = load_section(Outer, path)
    assert section == Outer(name="요금", distill=Inner(epochs=2.0, names=("a", "b")))
    with pytest.raises(ValidationError):
        section.name = "other"


def test_an_unknown_key_is_told_with_its_line_and_a_near_match(tmp_path: Path) -> None:
    error = fault(tmp_path, "name: a\n# a comment\ndistill:\n  epoch: 2\n")
    assert str(error).endswith("recipe.yaml:4: `distill.epoch`: unknown key")
    assert error.hint == "did you mean `epochs`?"


def test_a_key_like_no_other_gets_another_hint(tmp_path: Path) -> None:
    assert "seodang explain" in str(fault(tmp_path, "name: a\nzzzzzz: 2\n").hint)


def test_a_key_that_is_misspelt_is_told_before_the_one_that_it_leaves_missing(tmp_path: Path) -> None:
    error = fault(tmp_path, "nmae: a\n")
    assert "`nmae`: unknown key" in error.what
    assert error.hint == "did you mean `name`?"


class Other(Section):
    """A file of another kind."""

    kind_of_file: ClassVar[str] = "a gate"
    example: ClassVar[str] = "packs/gate.yaml"
    guide: ClassVar[str] = "docs/gates.md"

    name: str = Field(description="its name")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (None, "name a gate, such as packs/gate.yaml"),
        ("[1]", "start from packs/gate.yaml"),
        ("zzzzzz: 2\n", "docs/gates.md lists the keys"),
        ("{}", "add this key; docs/gates.md lists what each one means"),
        ("name: [1]", "docs/gates.md lists each key with its unit and range"),
    ],
)
def test_hints_are_about_the_kind_of_file_that_is_read(tmp_path: Path, text: str | None, hint: str) -> None:
    path = tmp_path / "file.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_section(Other, path)
    assert caught.value.hint == hint


def test_a_wrong_type_is_told_with_what_was_given(tmp_path: Path) -> None:
    error = fault(tmp_path, "name: a\ndistill:\n  names: [a]\n  epochs: many\n")
    assert str(error.where).endswith("recipe.yaml:4")
    assert "`distill.epochs`" in error.what
    assert "'many'" in error.what


def test_a_value_out_of_range_in_a_list_names_its_place(tmp_path: Path) -> None:
    error = fault(tmp_path, "name: a\ndistill:\n  names:\n    - a\n    - [b]\n")
    assert str(error.where).endswith("recipe.yaml:5")
    assert "`distill.names.1`" in error.what


def test_a_missing_key_is_told_by_name(tmp_path: Path) -> None:
    assert "`name`: missing" in fault(tmp_path, "distill: {}\n").what


def test_what_is_not_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    error = fault(tmp_path, 'name: a\ndistill: {epochs: 1\nnames: "x\n')
    assert error.what.startswith("not YAML")
    assert str(error.where).rsplit(":", 1)[-1].isdigit()


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "only words\n", "3\n"])
def test_what_is_not_a_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "mapping" in fault(tmp_path, text).what


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="a folder, not a recipe"):
        load_section(Outer, tmp_path)


def test_a_file_that_is_not_there_gets_a_near_match(tmp_path: Path) -> None:
    (tmp_path / "telecom.yaml").write_text("name: a\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="file not found") as caught:
        load_section(Outer, tmp_path / "telcom.yaml")
    assert "telecom.yaml" in str(caught.value.hint)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="UTF-8"):
        load_section(Outer, path)


class Checked(Outer):
    """A whole whose parts have to go together."""

    @model_validator(mode="after")
    def _fits(self) -> "Checked":
        raise RecipeError("`distill.names`: they do not fit `name`", hint="leave them out")


@pytest.mark.parametrize(("text", "line"), [("name: a\ndistill:\n  epochs: 2\n  names: [b]\n", 4), ("name: a\ndistill:\n  epochs: 2\n", 2)])
def test_a_check_of_several_keys_is_told_with_the_line_of_the_one_to_change(tmp_path: Path, text: str, line: int) -> None:
    """Or of the section that it is not in."""
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_section(Checked, path)
    assert caught.value.where == f"{path}:{line}"
