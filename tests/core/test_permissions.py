"""Permissions: the most restrictive holds over any lineage, choices are recorded, and every row of the table says where it comes from."""

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis.strategies import builds, lists, sampled_from
from license_expression import get_spdx_licensing

from seodang.core.licenses import UNKNOWN, check_license
from seodang.core.permissions import (
    ALL_ALLOWED,
    ALL_UNKNOWN,
    GENERATED,
    Duty,
    Permission,
    Permissions,
    combine,
    duties,
    judge,
    release_blocks,
    table,
)

ANY = builds(Permissions, *[sampled_from(Permission)] * 4, *[sampled_from(Duty)] * 2)
STRICTNESS = {"allow": 0, "not_required": 0, "unknown": 1, "deny": 2, "required": 2}


def granted(expression: str) -> dict[str, str]:
    return judge(check_license(expression)).permissions.row()


@given(ANY, ANY, ANY)
def test_joining_is_associative_commutative_and_idempotent(a: Permissions, b: Permissions, c: Permissions) -> None:
    assert combine([combine([a, b]), c]) == combine([a, combine([b, c])]) == combine([c, b, a])
    assert combine([a, a]) == combine([a]) == combine([a, ALL_ALLOWED]) == a


@given(lists(ANY, min_size=1))
def test_joining_is_never_laxer_than_a_part_and_never_stricter_than_all(parts: list[Permissions]) -> None:
    joined = combine(parts).row()
    for name, value in joined.items():
        assert STRICTNESS[value] == max(STRICTNESS[part.row()[name]] for part in parts)


def test_of_nothing_everything_is_unknown() -> None:
    assert combine([]) == judge(UNKNOWN).permissions == ALL_UNKNOWN


@pytest.mark.parametrize(
    ("expression", "train", "redistribute", "commercial", "derive", "attribution"),
    [
        ("MIT", "allow", "allow", "allow", "allow", "required"),
        ("CC0-1.0", "allow", "allow", "allow", "allow", "not_required"),
        ("CC-BY-NC-4.0", "allow", "allow", "deny", "allow", "required"),
        ("CC-BY-ND-4.0", "allow", "allow", "allow", "deny", "required"),
        ("CC-BY-NC-ND-3.0", "allow", "allow", "deny", "deny", "required"),
        ("PDDL-1.0", "allow", "allow", "allow", "allow", "not_required"),
        ("LicenseRef-KOGL-0", "allow", "allow", "allow", "allow", "not_required"),
        ("LicenseRef-KOGL-1", "allow", "allow", "allow", "allow", "required"),
        ("LicenseRef-KOGL-2", "allow", "allow", "deny", "allow", "required"),
        ("LicenseRef-KOGL-3", "unknown", "allow", "allow", "deny", "required"),
        ("LicenseRef-KOGL-4", "unknown", "allow", "deny", "deny", "required"),
        ("LicenseRef-KOGL-AI", "allow", "deny", "allow", "allow", "required"),
        ("LicenseRef-somebody", "unknown", "unknown", "unknown", "unknown", "unknown"),
    ],
)
def test_a_licence_is_judged_by_the_table(
    expression: str, train: str, redistribute: str, commercial: str, derive: str, attribution: str
) -> None:
    found = granted(expression)
    assert (found["train"], found["redistribute"], found["commercial"]) == (train, redistribute, commercial)
    assert (found["derive"], found["attribution"]) == (derive, attribution)


def test_type_4_is_types_2_and_3_together() -> None:
    assert granted("LicenseRef-KOGL-2 AND LicenseRef-KOGL-3") == granted("LicenseRef-KOGL-4")


def test_the_letters_of_a_creative_commons_licence_say_what_it_allows() -> None:
    """The oracle is the id itself: NC forbids profit, ND passing on what is derived, BY asks for the name."""
    ids = [name for name in table() if re.match(r"CC-BY", name)]
    assert len(ids) > 40
    for name in ids:
        row = table()[name][0]
        assert (row.commercial is Permission.DENY) == ("-NC" in name)
        assert (row.derive is Permission.DENY) == ("-ND" in name)
        assert row.attribution is Duty.REQUIRED


def test_every_row_names_a_listed_licence_its_source_and_a_day() -> None:
    listed = get_spdx_licensing().known_symbols
    for name, (_, source) in table().items():
        assert name in listed or name.startswith("LicenseRef-")
        assert re.search(r"\(judged \d{4}-\d{2}-\d{2}\)$", source)
        assert source.startswith(("http://", "https://")) or name == "LicenseRef-own"


def test_and_joins_or_chooses_the_laxest_and_says_so_with_keeps_its_licence() -> None:
    both = judge(check_license("MIT AND CC-BY-NC-4.0"))
    assert both.permissions == combine([table()["MIT"][0], table()["CC-BY-NC-4.0"][0]])
    assert (len(both.sources), both.chosen) == (2, ())
    either = judge(check_license("CC-BY-NC-4.0 OR MIT"))
    assert (either.permissions, either.chosen) == (table()["MIT"][0], ("MIT",))
    assert judge(check_license("MIT OR Apache-2.0")).chosen == ("MIT",)
    nested = judge(check_license("CC-BY-ND-4.0 AND (CC-BY-NC-4.0 OR LicenseRef-KOGL-0)"))
    assert nested.chosen == ("LicenseRef-KOGL-0",)
    assert nested.permissions == table()["CC-BY-ND-4.0"][0]
    assert granted("GPL-2.0-only WITH Classpath-exception-2.0") == granted("GPL-2.0-only")
    assert judge(check_license("MIT AND LicenseRef-x")).unlisted == ("LicenseRef-x",)


def test_the_ai_type_beside_another_is_a_choice_that_allows_teaching_and_no_data() -> None:
    found = judge(check_license("LicenseRef-KOGL-4 OR LicenseRef-KOGL-AI"))
    assert found.chosen == ("LicenseRef-KOGL-AI",)
    assert release_blocks(found.permissions, "model") == []
    assert release_blocks(found.permissions, "data") == ["redistribute: deny"]


@given(ANY)
def test_a_release_is_blocked_by_all_that_is_not_allowed_and_by_nothing_else(permissions: Permissions) -> None:
    row = permissions.row()
    for what, needed in (("data", "redistribute"), ("model", "train")):
        for commercial in (True, False):
            names = {needed, "derive"} | ({"commercial"} if commercial else set())
            blocks = release_blocks(permissions, what, commercial=commercial)  # pyright: ignore[reportArgumentType]
            assert blocks == [f"{name}: {row[name]}" for name in row if name in names and row[name] != "allow"]


def test_unknown_blocks_a_release_and_duties_are_told() -> None:
    assert release_blocks(ALL_UNKNOWN, "model") == ["train: unknown", "commercial: unknown", "derive: unknown"]
    assert duties(ALL_ALLOWED) == []
    assert len(duties(ALL_UNKNOWN)) == 2
    assert duties(GENERATED) == ["mark it as made by a machine"]
    assert {field.name for field in fields(Permissions)} == set(ALL_ALLOWED.row())
