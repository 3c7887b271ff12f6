"""Licences are SPDX expressions; what SPDX does not have is told with a near match, and what says nothing is unknown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import sampled_from, text
from pydantic_core import PydanticCustomError

from seodang.core.errors import RecipeError
from seodang.core.licenses import UNKNOWN, License, check_license, join_licenses
from seodang.core.sections import Section, load_section

KNOWN = ["MIT", "Apache-2.0", "CC-BY-4.0", "GPL-3.0-or-later", "LicenseRef-own", "MIT OR Apache-2.0"]


class Named(Section):
    """A section with a licence."""

    license: License


@pytest.mark.parametrize(
    ("given_text", "read"),
    [
        ("apache-2.0", "Apache-2.0"),
        (" MIT ", "MIT"),
        ("mit and cc-by-4.0", "MIT AND CC-BY-4.0"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("LicenseRef-gemma-terms", "LicenseRef-gemma-terms"),
        ("MIT AND LicenseRef-own", "MIT AND LicenseRef-own"),
    ],
)
def test_an_expression_is_read_in_the_spelling_of_spdx(given_text: str, read: str) -> None:
    assert check_license(given_text) == read
    assert check_license(read) == read


@pytest.mark.parametrize("given_text", ["", "  ", "unknown", "UNKNOWN", "NOASSERTION", "none", "MIT AND NOASSERTION"])
def test_what_says_nothing_is_unknown(given_text: str) -> None:
    assert check_license(given_text) == UNKNOWN


@pytest.mark.parametrize(
    ("given_text", "hint"),
    [
        ("Apach-2.0", "did you mean `Apache-2.0`?"),
        ("Apache 2.0", "did you mean `Apache-2.0`?"),
        ("MIT AND CC-BY-4", "did you mean `CC-BY-4.0`?"),
        ("gemma", "LicenseRef-NAME"),
        ("licenseref-own", "LicenseRef-NAME"),
        ("MIT OR", "LicenseRef-NAME"),
        ("(MIT", "LicenseRef-NAME"),
        ("MIT Apache-2.0", "LicenseRef-NAME"),
        ("MIT WITH Apache-2.0", "LicenseRef-NAME"),
        ("Classpath-exception-2.0", "LicenseRef-NAME"),
        ("https://example.org/terms", "LicenseRef-NAME"),
        ("(" * 5_000, "LicenseRef-NAME"),
    ],
)
def test_what_is_no_expression_is_refused_with_a_hint(given_text: str, hint: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        check_license(given_text)
    assert hint in (caught.value.context or {})["hint"]


@given(text(max_size=40))
def test_any_text_is_an_expression_or_a_refusal(given_text: str) -> None:
    try:
        read = check_license(given_text)
    except PydanticCustomError:
        return
    assert check_license(read) == read


@given(sampled_from(KNOWN), sampled_from(KNOWN), sampled_from(KNOWN))
def test_joining_binds_by_all_terms_in_any_order(a: str, b: str, c: str) -> None:
    joined = join_licenses([a, b, c])
    assert joined == join_licenses([c, a, b, a])
    assert check_license(joined) == joined
    assert join_licenses([a, UNKNOWN, b]) == UNKNOWN


def test_terms_that_can_be_chosen_stay_a_choice() -> None:
    assert join_licenses(["MIT OR GPL-2.0-only", "CC-BY-4.0"]) == "CC-BY-4.0 AND (GPL-2.0-only OR MIT)"
    assert join_licenses([]) == UNKNOWN


def test_a_misspelt_licence_is_told_with_file_line_key_and_near_match(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("# a comment\nlicense: CC-BY-4\n", encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_section(Named, path)
    assert str(caught.value) == f"{path}:2: `license`: `CC-BY-4` is not on the SPDX list of licences"
    assert caught.value.hint == "did you mean `CC-BY-4.0`?"
