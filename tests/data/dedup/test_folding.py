"""Folding agrees with the standard library, text by text, however texts are batched."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.data.dedup.folding import CJK, OTHER, WORD, fold, kinds, only

ANY_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cf", "Cc", "Cn", "Co")), max_size=30)


def fold_texts(*texts: str) -> list[str]:
    found = fold(texts)
    whole = found.codes.astype("<u4").tobytes().decode("utf-32-le")
    return [whole[start:end] for start, end in zip(found.offsets, found.offsets[1:], strict=False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("   ", ""),
        (" a\t b\n\u3000c ", "a b c"),
        ("ＡＢＣ　１２３！", "abc 123!"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("ﾡ", "ᄀ"),
        (unicodedata.normalize("NFD", "회선 정지"), "회선 정지"),
        ("회\u200b선\ufeff 정\u00ad지", "회선 정지"),
        ("e\u0301\u0301", "é\u0301"),
        ("STRASSE Straße", "strasse straße"),
        ("x² ½", "x² ½"),  # another number is another wording
        ("𝒳 \U0001f600 \U00020000", "𝒳 \U0001f600 \U00020000"),
        ("\u3164채움\u3164", "채움"),
        ("☎\ufe0f 114", "☎ 114"),
    ],
)
def test_what_does_not_change_the_wording_is_folded(text: str, expected: str) -> None:
    assert fold_texts(text) == [expected]


@settings(deadline=None)
@given(st.lists(ANY_TEXT, max_size=6))
def test_a_text_is_folded_alike_alone_and_among_others(texts: list[str]) -> None:
    assert fold_texts(*texts) == [fold_texts(text)[0] for text in texts]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", include_characters="가각ABß éñ１Ａ\u3000", categories=("Lu", "Ll", "Nd", "Zs")), max_size=40))
def test_composed_and_decomposed_narrow_and_wide_text_is_one(text: str) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)
    assert fold_texts(unicodedata.normalize("NFD", text)) == fold_texts(text) == fold_texts(wide)


def test_kinds_of_characters() -> None:
    letters = "aé1가漢かカ.!- \U00020000\U0001f600"
    folded = np.asarray([ord(letter) for letter in letters], np.uint32)
    assert kinds(folded).tolist() == [WORD, WORD, WORD, CJK, CJK, CJK, CJK, OTHER, OTHER, OTHER, OTHER, CJK, OTHER]


def test_only_keeps_texts_apart() -> None:
    found = fold(["a-b", "", "--", "c"])
    kept = only(found, kinds(found.codes) == WORD)
    assert (bytes(kept.codes.astype(np.uint8)), kept.offsets.tolist()) == (b"abc", [0, 2, 2, 2, 3])
