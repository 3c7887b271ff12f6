"""The tokens that a run may use at an endpoint, and those it has used."""

import math
import threading
from dataclasses import dataclass

from seodang.core.errors import BudgetError

_TEMPLATE_TOKENS = 64  # what a chat template may add, until the first answer shows it
_MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked of an endpoint, in tokens as it counts them.

    Of `num_unreported` requests it gave no count, or its answer was lost: the most that they can have used is taken.
    """

    num_answers: int = 0
    num_prompt_tokens: int = 0
    num_new_tokens: int = 0
    num_unreported: int = 0

    @property
    def num_tokens(self) -> int:
        return self.num_prompt_tokens + self.num_new_tokens


@dataclass(frozen=True, slots=True)
class Reservation:
    """The most tokens that a request under way can use. `size` is what the estimate of its prompt was made from, 0 where it is exact."""

    num_prompt_tokens: int
    num_new_tokens: int
    size: int = 0

    @property
    def num_tokens(self) -> int:
        return self.num_prompt_tokens + self.num_new_tokens


class TokenBudget:
    """Lets a request begin only if it fits beside what is used and what is under way, so that the limit holds.

    A prompt's tokens are not known before the server counts them. The estimate is one token a UTF-8 byte, and from the first answer
    on the highest rate seen so far and 10 % more; the limit may be passed by as much as an estimate is too low.
    """

    def __init__(self, limit: int | None, place: str) -> None:
        self._limit = limit
        self._place = place
        self._changed = threading.Condition()
        self._reserved = 0
        self._used = Usage()
        self._tokens_per_byte: float | None = None

    @property
    def used(self) -> Usage:
        return self._used

    def reserve(self, prompt: str | int, max_new_tokens: int, stop: threading.Event) -> Reservation:
        """Waits until the request fits; BudgetError where it cannot. `prompt` is its text, or its number of tokens."""
        with self._changed:
            while True:
                asked = self._estimate(prompt, max_new_tokens)
                if self._limit is None or self._used.num_tokens + self._reserved + asked.num_tokens <= self._limit:
                    self._reserved += asked.num_tokens
                    return asked
                if not self._reserved or stop.is_set():
                    raise BudgetError(
                        f"the token budget of {self._limit:,} is spent: {self._used.num_tokens:,} are used "
                        f"and the next request may need {asked.num_tokens:,}",
                        where=self._place,
                        hint="raise `teacher.token_budget` in the recipe, then run the same command again",
                    )
                self._changed.wait()

    def settle(self, asked: Reservation, counted: tuple[int, int] | None, *, answered: bool = True) -> None:
        """Counts a request that has ended: (prompt tokens, new tokens), or None where the server did not say and may have worked on it."""
        with self._changed:
            self._reserved -= asked.num_tokens
            prompt, new = counted or (asked.num_prompt_tokens, asked.num_new_tokens)
            used = self._used
            self._used = Usage(
                num_answers=used.num_answers + answered,
                num_prompt_tokens=used.num_prompt_tokens + prompt,
                num_new_tokens=used.num_new_tokens + new,
                num_unreported=used.num_unreported + (counted is None and asked.num_tokens > 0),
            )
            if counted and asked.size and prompt:
                self._tokens_per_byte = max(self._tokens_per_byte or 0.0, prompt / asked.size)
            self._changed.notify_all()

    def _estimate(self, prompt: str | int, max_new_tokens: int) -> Reservation:
        if isinstance(prompt, int):
            return Reservation(prompt, max_new_tokens)
        size = len(prompt.encode()) + _TEMPLATE_TOKENS
        rate = 1.0 if self._tokens_per_byte is None else self._tokens_per_byte * _MARGIN
        return Reservation(math.ceil(size * rate), max_new_tokens, size)
