"""Guards on answers that a student writes itself: what repeats itself is cut, and lengths are watched.

A student that was just pruned repeats itself, and one that is taught by a reverse divergence on its own answers may collapse into short or
endless texts. What the teacher says of such a text is right and of no use: its distributions at the tenth repetition teach to repeat.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from seodang.models.decoding import Row

_LONG = 4  # tokens of the shortest passage that counts as a repetition
_TIMES = 3  # in a row
_FEWEST = 16  # runs of four tokens below which their distinctness tells nothing
_LEAST_DISTINCT = 0.5  # share of distinct runs of four tokens; verified answers have nearly 1
_FAR = 4.0  # times the verified answers' length, or this part of it, that is not a matter of taste any more


@dataclass(frozen=True, slots=True)
class Guarded:
    """What is taught of an answer: its ids, with the end token only where the student wrote it there. No ids: there was nothing."""

    answer_ids: tuple[int, ...]
    ended: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What was seen of some answers. `num_tokens` are those written, ends included; `num_verified_tokens` those of the verified answers to
    the same questions, of each as many as an own one may have; `num_runs` and `num_distinct` are runs of four tokens, and the different
    ones of each answer."""

    num: int = 0
    num_tokens: int = 0
    num_verified_tokens: int = 0
    num_ended: int = 0
    num_cut: int = 0
    num_replaced: int = 0
    num_runs: int = 0
    num_distinct: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def row(self) -> dict[str, int]:
        return asdict(self)

    def told(self) -> dict[str, Any]:
        """Their number, mean length in tokens, and the shares that ended, were cut, were replaced, and of distinct runs of four."""
        shares = {"ended": self.num_ended, "cut": self.num_cut, "replaced": self.num_replaced}
        return {
            "num": self.num,
            "mean_length": round(self.num_tokens / max(1, self.num), 3),
            **{name: round(number / max(1, self.num), 4) for name, number in shares.items()},
            "distinct_4": round(self.num_distinct / self.num_runs, 4) if self.num_runs else 1.0,
        }


def guard(row: Row, end: int) -> Guarded:
    """What is taught of a decoded answer. One without its end, or one that is cut, is a prefix: nothing is said of what follows it."""
    kept = _before_repetition(row.token_ids)
    if kept < len(row.token_ids):
        return Guarded(tuple(row.token_ids[:kept]), ended=False, cut=True)
    ended = row.finish_reason == "stop" and kept > 0
    return Guarded((*row.token_ids, *([end] if ended else [])), ended, cut=False)


def count(row: Row, guarded: Guarded, num_verified_tokens: int) -> Counts:
    """What is seen of one answer."""
    runs = _runs(row.token_ids)
    return Counts(
        num=1,
        num_tokens=len(row.token_ids) + (row.finish_reason == "stop"),
        num_verified_tokens=num_verified_tokens,
        num_ended=guarded.ended,
        num_cut=guarded.cut,
        num_replaced=not guarded.answer_ids,
        num_runs=len(runs),
        num_distinct=len(set(runs)),
    )


def strayed(counts: Counts) -> str | None:
    """Why answers such as these are no longer worth teaching on, in words; None: they are."""
    if 2 * counts.num_cut > counts.num:
        return "more than half repeated themselves"
    if counts.num_tokens > _FAR * counts.num_verified_tokens:
        return f"they were over {_FAR:g} times as long as the verified answers"
    if _FAR * counts.num_tokens < counts.num_verified_tokens:
        return f"they were under 1/{_FAR:g} as long as the verified answers"
    return None


def _before_repetition(ids: Sequence[int]) -> int:
    """How many ids come before what repeats: before the second of three equal passages in a row, or, where too few runs of four tokens
    are distinct, before the first one that was there already."""
    in_a_row = _second_in_a_row(ids)
    if in_a_row is not None:
        return in_a_row
    runs = _runs(ids)
    if len(runs) < _FEWEST or len(set(runs)) >= _LEAST_DISTINCT * len(runs):
        return len(ids)
    seen: set[tuple[int, ...]] = set()
    for place, run in enumerate(runs):
        if run in seen:
            return place
        seen.add(run)
    return len(ids)


def _second_in_a_row(ids: Sequence[int]) -> int | None:
    """Where the second passage begins of the first that stands three times in a row, the shortest of those that begin there."""
    found: list[tuple[int, int]] = []
    for length in range(_LONG, len(ids) // _TIMES + 1):
        num_equal = 0  # ids in a row that stand once more `length` places later
        for place in range(len(ids) - length):
            num_equal = num_equal + 1 if ids[place] == ids[place + length] else 0
            if num_equal == (_TIMES - 1) * length:
                found.append((place + 1 - num_equal, length))
                break
    return sum(min(found)) if found else None


def _runs(ids: Sequence[int]) -> list[tuple[int, ...]]:
    return [tuple(ids[place : place + _LONG]) for place in range(len(ids) - _LONG + 1)]
