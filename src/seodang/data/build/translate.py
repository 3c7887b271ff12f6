"""Translation pairs between Korean and English: the teacher translates and translates back, and both ways are held against the original.

The way back is compared with the original by character trigrams (as round trips are by BLEU in Moon et al. 2020, arXiv 2004.13937).
Numbers and codes must come through: Korean counts in 만 and 억, so that numbers are compared by their values.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.asking import answer
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import Dropped, in_units
from seodang.data.language import guess_language
from seodang.models.chat_model import ChatModel
from seodang.scoring.similarity import trigrams

NEEDS = ()
NEEDS_SOURCES = ("passages",)
SOURCE = "round-trip translation, arXiv 2004.13937"
VERSION = 1

_TEXTS_A_UNIT = 12
_SPELLED = 12  # a number up to this may be written as a word on the other side
_KOREAN_UNITS = {"십": 10, "백": 100, "천": 10**3, "만": 10**4, "억": 10**8, "조": 10**12}
_ENGLISH_UNITS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PLAIN = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_NUMBER = re.compile(
    rf"((?:(?:{_PLAIN})\s?[십백천만억조]+\s?)+(?:{_PLAIN})?(?![\d.])|{_PLAIN})(?:\s?({'|'.join(_ENGLISH_UNITS)}))?", re.IGNORECASE
)
_PART = re.compile(rf"({_PLAIN})\s?([십백천만억조]*)")
_CODE = re.compile(
    r"https?://[A-Za-z0-9_./-]+[A-Za-z0-9_/]|(?<![A-Za-z0-9_.-])(?:[A-Za-z]+_[A-Za-z0-9_]+|[A-Za-z][A-Za-z.-]*\d[A-Za-z0-9_.-]*|[A-Z]{2,})(?![A-Za-z0-9_])"
)


class TranslateSection(GeneratorSection):
    """Knobs of translation pairs."""

    texts: int = Field(default=128, ge=1, description="most texts that are translated, spread over the passages")
    min_similarity: float = Field(
        default=0.3, ge=0, le=1, description="Jaccard similarity of character trigrams between the original and its way back"
    )


SECTION = TranslateSection


def translate(
    sources: BuildSources, section: TranslateSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "translate" in both directions, Korean texts to English and English ones to Korean. The unit of work is twelve texts.

    `truth` has the way back, its similarity with the original, and the numbers and codes that came through.
    """
    text = load_texts("translate", section.prompts)
    total = len(sources.passages)
    chosen = [sources.passages[number * total // min(section.texts, total)] for number in range(min(section.texts, total))]
    given = [(passage.statement, passage.id) for passage in chosen]

    def write_unit(first: int, group: Sequence[tuple[str, str]], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        languages = [guess_language(original) for original, _ in group]
        others = ["en" if language == "ko" else "ko" for language in languages]
        there = answer(teacher, [text["to"][other].format(text=one) for (one, _), other in zip(group, others, strict=True)], section)
        whole = [place for place, one in enumerate(there) if isinstance(one, str)]
        back = dict(zip(whole, answer(teacher, [text["to"][languages[p]].format(text=there[p]) for p in whole], section), strict=True))
        for place, (original, source) in enumerate(group):
            forward = there[place]
            if isinstance(forward, Dropped):
                yield forward
                continue
            question = text["to"][others[place]].format(text=original)
            yield _pair(question, original, forward, back[place], others[place], source, section)

    return in_units("translate", section, given, _TEXTS_A_UNIT, write_unit, journal, progress)


def _pair(
    question: str, original: str, forward: str, back: str | Dropped, language: str, source: str, section: TranslateSection
) -> Record | Dropped:
    if isinstance(back, Dropped):
        return Dropped(f"the way back was {back.reason}")
    if guess_language(forward) != language:
        return Dropped("not in the language that was asked for")
    if fault := lost_in_translation(original, forward):
        return Dropped(fault)
    alike = similarity(original, back)
    if alike < section.min_similarity:
        return Dropped("the way back says something else")
    truth = {
        "original": original,
        "back": back,
        "similarity": round(alike, 3),
        "numbers": numbers(original),
        "codes": sorted(codes(original)),
    }
    return Record("translate", question, forward, (source,), language, truth=truth, capability="multilingual")


def similarity(one: str, other: str) -> float:
    """Shared character trigrams / all of both."""
    found, others = trigrams(one), trigrams(other)
    return len(found & others) / max(1, len(found | others))


def lost_in_translation(original: str, translated: str) -> str:
    """Which of numbers and codes did not come through; empty where all did. Small numbers may be new: a month's name is one."""
    before, after = numbers(original), numbers(translated)
    if set(before) - set(after):
        return "a number was lost"
    if {number for number in after if number > _SPELLED or number % 1} - set(before):
        return "a number was added"
    return "" if codes(original) <= codes(translated) else "a name or code was lost"


def numbers(text: str) -> list[float]:
    """The values of the numbers in digits, in order: "5만 5천 원" and "55,000 won" have 55000, "1.2 million" has 1200000."""
    found: list[float] = []
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text)):
        total = section = 0.0
        for digits, units in _PART.findall(match[1]):
            value = float(digits.replace(",", ""))
            for unit in units:
                # 십, 백 and 천 count below the next 만, 억 or 조: "3천 5백만" is 3,500 times 10,000.
                if unit in "십백천":
                    value *= _KOREAN_UNITS[unit]
                else:
                    total, section, value = total + (section + value) * _KOREAN_UNITS[unit], 0.0, 0.0
            section += value
        total += section
        found.append(total * _ENGLISH_UNITS[match[2].lower()] if match[2] else total)
    return found


def codes(text: str) -> set[str]:
    """Names of tools, model numbers, abbreviations and addresses, which stand in Latin letters on both sides, in lower case."""
    return {code.lower() for code in _CODE.findall(unicodedata.normalize("NFKC", text))}
