"""Endings go, words stay."""

import pytest

from seodang.scoring.korean_endings import without_endings


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("금요일입니다.", "금요일"),
        ("회의는 느티나무실에서 합니다", "회의 느티나무실 합니다"),
        ("90분 동안 쉽니다", "90분 동안 쉽니다"),
        ("나는 간다", "나는 간다"),
        ("the library", "the library"),
        ("2만 원을", "2만 원을"),
        ("", ""),
    ],
)
def test_one_ending_a_word(text: str, bare: str):
    assert without_endings(text) == bare
