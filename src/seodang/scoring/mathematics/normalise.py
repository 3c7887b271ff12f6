"""An answer's text in one notation, with its unit apart: what both engines are given. It changes how an answer is written, not its value.

`Normalised.text` is LaTeX without fonts and spacing. What reads two ways (삼십이다 is 30 or 32) stays as it was, and no engine reads it.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from seodang.scoring.mathematics import korean_phrases
from seodang.scoring.mathematics.notation import closing, fold, plain_latex, plain_text
from seodang.scoring.mathematics.units import AT_END, SIGNS, UNITS, Unit, as_unit

MAX_CHARACTERS = 2000
_APPROXIMATE = re.compile(r"^(?:약|대략|about|approximately|approx\.?|roughly|\\approx|~)\s*", re.IGNORECASE)
_ABOUT = re.compile(r"^(?P<name>[a-zA-Z])\s*\\approx\s*")
_WRAPPED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"), ('"', '"'), ("'", "'"))
_UNIT_NOTATION = re.compile(r"(?P<base>mm|cm|km|m)\s*\^\s*\{?(?P<power>[23])\}?$")
_PART = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>시간|시|분|초|days?|hours?|minutes?|seconds?|km|m|cm|mm|kg|g|L|mL|주|일)(?=\s|\d|$|,)"
)
_COUNTED = re.compile(
    r"(?P<number>-?(?:\d[\d.,]*(?:/\d+)?|\\frac\{\d+\}\{\d+\}))\s+(?P<thing>(?!or |and )[a-zA-Z]{3,}(?: [a-zA-Z]+){0,2})$"
)
_MIXED = re.compile(r"^(?P<sign>-?)(?P<whole>\d+)\s+(?P<above>\d+)/(?P<below>\d+)(?=\s*(?:[a-zA-Z가-힣]|$))")
_CHOICE = re.compile(r"^\(\s*(?P<label>[a-zA-Z가-하])\s*\)\.?$|^(?P<other>[A-Z])[.)]$")


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text` in canonical notation; `unit` where one was written; whether it says that it is rounded (약, ≈); whether a list has no order.

    `glued` marks a unit of one letter right behind its number, `5m`, which may be a product.
    """

    text: str
    unit: Unit | None = None
    approximate: bool = False
    unordered: bool = False
    glued: bool = False


def normalise(text: str) -> Normalised:
    """The canonical form of a final answer. An empty text, or one of more than 2,000 characters, has an empty one."""
    if len(text) > MAX_CHARACTERS:
        return Normalised("")
    text = _unwrapped(fold(text))
    text = korean_phrases.without_lead(text)
    text = korean_phrases.without_ending(_unwrapped(text))
    text = plain_latex(_unwrapped(text))
    approximate = bool(_APPROXIMATE.match(text) or _ABOUT.match(text))
    text = _APPROXIMATE.sub("", _ABOUT.sub(r"\g<name> = ", text))
    text = korean_phrases.in_digits(korean_phrases.without_ending(text))
    text, unit, glued = _without_unit(_MIXED.sub(_mixed, text))
    text = plain_text(text)
    text, unordered = _lists(text)
    choice = _CHOICE.match(text)
    if choice:
        text = choice["label"] or choice["other"]
    return Normalised(text.strip(), unit, approximate, unordered, glued)


def _mixed(found: re.Match[str]) -> str:
    """`1 19/40` as one fraction, if its own is a proper one."""
    whole, above, below = (int(found[name]) for name in ("whole", "above", "below"))
    return rf"{found['sign']}\frac{{{whole * below + above}}}{{{below}}}" if above < below else found[0]


def _unwrapped(text: str) -> str:
    """Without the marks around the whole of it: dollars, `\\boxed{}`, bold, quotation marks, `####`."""
    before = None
    while text != before:
        before = text
        text = re.sub(r"^\s*#{2,}\s*", "", text).strip()
        for opening, end in _WRAPPED:
            inner = text[len(opening) : -len(end)]
            if text.startswith(opening) and text.endswith(end) and len(text) > len(opening) + len(end) and opening not in inner:
                text = inner.strip()
        if text.startswith((r"\boxed{", r"\fbox{")) and closing(text, text.index("{")) == len(text) - 1:
            text = text[text.index("{") + 1 : -1].strip()
    return text


def _without_unit(text: str) -> tuple[str, Unit | None, bool]:
    """The text before its unit, the unit, and whether it is one letter right behind the number."""
    if parts := _compound(text):
        return *parts, False
    if speed := re.match(r"시속\s*(?P<number>[\d.,]+)\s*(?:km|킬로미터|킬로)?$", text):
        return speed["number"], as_unit("km/h"), False
    signed = re.match(r"^(?P<minus>-?)\s*(?P<sign>[$₩€¥£])\s*(?P<amount>[\d.,]+(?:\s*(?:\\frac.*))?)$", text)
    if signed:
        return signed["minus"] + signed["amount"], SIGNS[signed["sign"]], False
    raised = _UNIT_NOTATION.search(text)
    if raised and re.search(r"[\d}\s]$", text[: raised.start()]):
        return text[: raised.start()].strip(), as_unit(f"{raised['base']}^{raised['power']}"), False
    if (counted := _COUNTED.match(text)) and counted["thing"].lower() not in UNITS:
        return counted["number"], as_unit(counted["thing"]), False
    found = AT_END.search(text.replace("° C", "°C"))
    if not found or found["unit"] == "t" or not re.search(r"[\d})%]\s*$", text[: found.start("unit")]):
        return text, None, False
    before = text[: found.start("unit")]
    glued = not before.endswith(" ") and re.fullmatch("[a-zA-Z]", found["unit"]) is not None
    return before.strip(), as_unit(found["unit"]), glued


def _compound(text: str) -> tuple[str, Unit] | None:
    """A quantity in several units of one dimension, `1시간 30분`, as a sum in the smallest; a clock's time in minutes."""
    parts = list(_PART.finditer(text))
    if len(parts) < 2 or re.sub(r"[\s,]", "", _PART.sub("", text)):
        return None
    units = [as_unit(part["unit"]) for part in parts]
    if units[0].name == "시":
        return (f"60\\cdot {parts[0]['number']}+{parts[1]['number']}", as_unit("시")) if len(parts) == 2 else None
    falling = all(a.factor > b.factor for a, b in pairwise(units))
    if len({unit.dimension for unit in units}) != 1 or not falling:
        return None
    terms = [f"{unit.factor / units[-1].factor}\\cdot {part['number']}" for unit, part in zip(units, parts, strict=True)]
    return "+".join(terms), units[-1]


def _lists(text: str) -> tuple[str, bool]:
    """Lists with commas; whether they are alternatives ("or"), which have no order."""
    unordered = bool(re.search(r"\\lor(?![a-z])|(?<![a-zA-Z])or(?![a-zA-Z])", text))
    text = re.sub(r"\s*,?\s*(?:\\lor(?![a-z])|(?<![a-zA-Z])(?:or|and)(?![a-zA-Z]))\s*", ", ", text)
    text = re.sub(r"\s*;\s*", ", ", text)
    return re.sub(r"\s*,\s*", ", ", text), unordered
