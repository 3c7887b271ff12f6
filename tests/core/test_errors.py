"""Every error is told in one line with its place, and has an exit code of its own."""

import pytest

from seodang.core import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SeodangError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_renders_as_error_where_what_and_hint(kind: type[errors.SeodangError]) -> None:
    error = kind("no such key", where="recipe.yaml:3", hint="remove it")
    assert error.render() == "error: recipe.yaml:3: no such key\nhint: remove it"
    assert str(error) == "recipe.yaml:3: no such key"


def test_without_a_place_or_a_next_step_there_is_still_a_hint() -> None:
    first, second = errors.InputError("empty").render().split("\n")
    assert first == "error: empty"
    assert second.startswith("hint: ")


def test_an_error_stays_on_its_line_whatever_stands_in_a_files_name() -> None:
    rendered = errors.InputError("not\x1b[31m text", where="a\nb.md", hint="rename\r\nit").render()
    assert len(rendered.splitlines()) == 2
    assert all(line.isprintable() for line in rendered.split("\n"))


def test_every_kind_has_its_own_exit_code_and_none_means_success() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes
