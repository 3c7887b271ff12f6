"""How numbers and our own names are written, with their unit, in plain ASCII; None reads as "-", never as 0."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

ARM_NAMES = {
    "base": "undistilled student",
    "sft": "supervised fine-tuning",
    "sft_gold": "fine-tuning on gold answers",
    "distilled": "distilled student",
    "teacher_closed": "teacher, closed book",
    "teacher_open": "teacher, open book",
}
SHORT_ARM_NAMES = {**ARM_NAMES, "base": "undistilled", "sft": "fine-tuned", "sft_gold": "fine-tuned, gold", "distilled": "distilled"}
PART_TITLES = {"act": "act: words to action", "know": "know: facts and rules"}
SIGNS = {"better": "▲", "worse": "▼", "not distinguishable": "≈", "not tested": "·", "not run": "·"}

UNKNOWN = "-"
CORRECTED = "p is corrected by Holm's method for the pairs over the whole exam, and for the parts of each pair."


def percent(fraction: float | None) -> str:
    """0.612 is "61.2 %"."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.1f} %"


def points(fraction: float | None) -> str:
    """A difference of fractions in percentage points, with its sign, without the word: 0.584 is "+58.4"."""
    return UNKNOWN if fraction is None else f"{round(100 * fraction, 1) + 0.0:+.1f}"


def percent_interval(interval: Sequence[float] | None) -> str:
    """(0.572, 0.699) is "57.2 to 69.9 %"."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def points_interval(interval: Sequence[float] | None) -> str:
    """(-0.03, 0.054) is "-3.0 to +5.4"."""
    return UNKNOWN if interval is None else f"{points(interval[0])} to {points(interval[1])}"


def p_value(p: float | None) -> str:
    """The number with its relation, as it stands behind "p": "< 0.001" or "= 0.042"."""
    return UNKNOWN if p is None else "< 0.001" if p < 0.001 else f"= {p:.3f}"


def interval_numbers(interval: Sequence[float] | None) -> str:
    """An interval of fractions in percent, without the sign, for a column that has it: "57.2 to 69.9"."""
    return percent_interval(interval).removesuffix(" %")


def count(number: float | None) -> str:
    """A whole number with separators: 12345 is "12,345"."""
    return UNKNOWN if number is None else f"{number:,.0f}"


def decimal(number: float | None) -> str:
    """A number with one decimal: 61.42 is "61.4"."""
    return UNKNOWN if number is None else f"{number:,.1f}"


def significant(number: float | None) -> str:
    """Three significant digits, for numbers whose size is not known before: 0.000412 or 1.37."""
    return UNKNOWN if number is None else f"{number:.3g}"


def size(num_bytes: float | None) -> str:
    """In powers of 1000: 144800000 is "144.8 MB"."""
    if num_bytes is None:
        return UNKNOWN
    value = float(num_bytes)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"


def duration(seconds: float | None) -> str:
    """0.43 is "0.4 s", 192 is "3 min 12 s", 7384 is "2 h 3 min"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plural(number: int, thing: str) -> str:
    """1 and "seed" is "1 seed", 3 is "3 seeds"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), names[-1]])


def comparison(row: dict[str, Any]) -> str:
    """The numbers of a paired row as they stand in brackets behind a sentence."""
    parts = [f"difference {points(row['difference'])} points"]
    if row.get("interval") is not None:
        parts.append(f"95 % interval {points_interval(row['interval'])}")
    if (p := row.get("p_holm") or row.get("p")) is not None:
        parts.append(f"p {p_value(p)}")
    if row.get("n") is not None:
        parts.append(f"n = {count(row['n'])}")
    return ", ".join(parts)


def brief(value: Any) -> str:
    """A number, text, list or mapping from a manifest on one line, such as evidence of a check or a step's summary."""
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')} {_nested(child)}" for key, child in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(brief(child) for child in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return significant(value)
    return count(value) if isinstance(value, int) else str(value)


def _nested(value: Any) -> str:
    return f"({brief(value)})" if isinstance(value, dict) and value else brief(value)


def thinking_words(thinking: dict[str, Any]) -> str:
    """In which think mode the teacher wrote and the student was taught and asked, and how long thoughts and answers were."""
    words = f"teacher: {thinking['teacher']}"
    taught = thinking.get("taught")
    if taught is None:
        return words
    lengths = f"answers of {taught['mean_answer_tokens']:g} tokens on average"
    if taught["num_thought"]:
        lengths += f", {count(taught['num_thought'])} of them after {taught['mean_reasoning_tokens']:g} tokens of reasoning"
    asked = f"{percent(taught['share'])} of the answer tokens in think mode (asked for: {percent(thinking['think_share'])})"
    return f"{words}; student: {taught['mode']}, taught with {lengths}; {asked}"


def errors_words(arms: Sequence[Mapping[str, Any]], named: Callable[[str], str]) -> str:
    """A sentence, after a space, about the answers of each arm that ended in an error; empty where none did."""
    told = ", ".join(f"{count(arm['errors'])} of {named(arm['name'])}" for arm in arms if arm.get("errors"))
    return f" Answers that ended in an error count as wrong: {told}." if told else ""


def items_column(rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """Head and cells of a column with the number of items, and that of their clusters where some have fewer."""
    clusters = [row.get("num_clusters") or row["n"] for row in rows]
    if all(number == row["n"] for number, row in zip(clusters, rows, strict=True)):
        return "n", [count(row["n"]) for row in rows]
    return "n (clusters)", [f"{count(row['n'])} ({count(number)})" for number, row in zip(clusters, rows, strict=True)]
