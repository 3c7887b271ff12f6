"""One notation for what is written in many ways: widths, signs, superscripts, LaTeX's spacing and aliases, plain-text functions."""

import re
import unicodedata

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‒": "-", "﹣": "-", "×": r"\cdot ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "∗": r"\cdot ",
    "÷": "/", "⁄": "/", "∕": "/", "≤": r"\leq ", "≦": r"\leq ", "⩽": r"\leq ", "≥": r"\geq ", "≧": r"\geq ", "⩾": r"\geq ",
    "≠": r"\neq ", "≈": r"\approx ", "∞": r"\infty ", "π": r"\pi ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "±": r"\pm ",
    "∅": r"\emptyset ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "∶": ":", "…": r"\ldots ", "′": "'", "“": '"', "”": '"',
}  # fmt: skip
_SPACING = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg|displaystyle|textstyle|limits|quad|qquad)(?![a-zA-Z])|\\[,;:!\s]|~")
_ALIASES = {
    r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac", r"\times": r"\cdot", r"\ast": r"\cdot", r"\div": "/", r"\le": r"\leq",
    r"\ge": r"\geq", r"\leqslant": r"\leq", r"\geqslant": r"\geq", r"\lt": "<", r"\gt": ">", r"\ne": r"\neq", r"\%": "%", r"\$": "$",
    r"\degree": "°", r"\varnothing": r"\emptyset", r"\lbrace": r"\{", r"\rbrace": r"\}", r"\dots": r"\ldots", r"\cdots": r"\ldots",
    r"\lvert": "|", r"\rvert": "|", r"\simeq": r"\approx", r"\colon": ":", r"\ln": r"\ln", r"\exponentialE": "e",
}  # fmt: skip
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|textrm|mbox|textit|mathit|operatorname|bf|rm)\s*\{([^{}]*)\}")
_FUNCTIONS = "sinh|cosh|tanh|arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|log|ln|exp"
_THOUSANDS = re.compile(r"(?<![\d.,(\[{])\d{1,3}(?:,\d{3})+(?![\d,])")
_SCIENTIFIC = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[eE]([+-]?\d+)(?!\w)")
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"


def fold(text: str) -> str:
    """NFKC without its losses: raised digits become powers and a fraction in one character a `\\frac`. Invisible characters go."""
    folded: list[str] = []
    for raised, run in _runs(text.replace("㎠", "cm²").replace("㎡", "m²").replace("㎢", "km²").replace("㎤", "cm³").replace("㎥", "m³")):
        folded.append(f"^{{{run}}}" if raised and run else run)
    composed = unicodedata.normalize("NFKC", "".join(folded))
    seen = "".join(c for c in composed if unicodedata.category(c) != "Cf")
    return "".join(_SIGNS.get(character, character) for character in seen)


def _runs(text: str) -> list[tuple[bool, str]]:
    runs: list[tuple[bool, str]] = []
    for character in text:
        raised = character in _SUPERSCRIPTS
        if raised and runs and runs[-1][0]:
            runs[-1] = (True, runs[-1][1] + _SUPERSCRIPTS[character])
        elif raised:
            runs.append((True, _SUPERSCRIPTS[character]))
        elif character in _SUBSCRIPTS:
            runs.append((False, f"_{_SUBSCRIPTS[character]}"))
        elif character in _VULGAR:
            above, below = unicodedata.normalize("NFKC", character).split("⁄")
            runs.append((False, rf"\frac{{{above}}}{{{below}}}"))
        else:
            runs.append((False, _SIGNS.get(character, character)))  # before NFKC, which takes some of them apart
    return runs


def plain_latex(text: str) -> str:
    """LaTeX without spacing, sizes and fonts, under one name for each sign, with braces around every argument."""
    text = _SPACING.sub(" ", text.replace(r"{,}", ","))
    text = re.sub(r"\\[a-zA-Z]+|\\[%$]", lambda found: _ALIASES.get(found[0], found[0]), text)
    while (without := _TEXT.sub(r" \1 ", text)) != text:
        text = without
    text = re.sub(r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac\s*(\d)\s*\{", r"\\frac{\1}{", text)
    text = re.sub(r"(\\frac\s*\{[^{}]*\})\s*(\d)", r"\1{\2}", text)
    text = re.sub(r"\\sqrt\s*(\d|[a-z])(?![a-z])", r"\\sqrt{\1}", text)
    text = re.sub(r"\^\s*\\circ|\^\s*\{\s*\\circ\s*\}", "°", text)
    text = re.sub(r"(?<!\\)\{\s+|\s+(?<!\\)\}", lambda found: found[0].strip(), text)
    return re.sub(r"\s+", " ", text).strip()


def plain_text(text: str) -> str:
    """Plain-text notation as LaTeX: `sqrt(2)`, `pi/3`, `x**2`, `x^10`, `<=`, `1.5e3`, `1,234`."""
    text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    text = text.replace("**", "^").replace("<=", r"\leq ").replace(">=", r"\geq ").replace("!=", r"\neq ").replace("+-", r"\pm ")
    text = re.sub(r"(?<![\\\w])(?:infinity|inf|oo)(?![a-zA-Z])", r"\\infty ", text)
    text = re.sub(r"(?<![\\a-zA-Z])pi(?![a-zA-Z])", r"\\pi ", text)
    text = re.sub(rf"(?<![\\a-zA-Z])({_FUNCTIONS})(?=[\s(_^\d]|[a-z](?![a-z]))", r"\\\1 ", text)
    text = re.sub(r"√\s*(\d+|[a-z])", r"\\sqrt{\1}", text)
    text = _opened(_opened(text, r"(?<![\\a-zA-Z])sqrt\s*\(", r"\sqrt{"), r"√\s*\(", r"\sqrt{")
    text = _opened(text, r"\^\s*\(", "^{")
    text = re.sub(r"\^\s*(-?\d+)", r"^{\1}", text)
    text = re.sub(r"(?<=[\d}a-z)\s])\*(?=[\s\d\\a-z({-])", r"\\cdot ", text)
    text = _SCIENTIFIC.sub(lambda found: rf"{found[1]}\cdot 10^{{{int(found[2])}}}", text)
    return re.sub(r"\s+", " ", text).strip()


def _opened(text: str, opening: str, braced: str) -> str:
    """Round brackets after `opening` as braces, each closed where it closes."""
    while found := re.search(opening, text):
        end = closing(text, found.end() - 1)
        if end is None:
            return text
        text = f"{text[: found.start()]}{braced}{text[found.end() : end]}}}{text[end + 1 :]}"
    return text


def closing(text: str, start: int) -> int | None:
    """Where the bracket that opens at `start` closes, None where it does not."""
    pair = {"(": ")", "{": "}", "[": "]"}[text[start]]
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == text[start]) - (text[place] == pair)
        if depth == 0:
            return place
    return None
