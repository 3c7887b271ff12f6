"""The tokens and the money that a run may use at an endpoint, and what it has used."""

import math
import threading
from dataclasses import dataclass
from pathlib import Path

from seodang.core.errors import BudgetError
from seodang.core.files import read_json, write_json

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


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in any one currency."""

    per_million_prompt_tokens: float
    per_million_new_tokens: float

    def of(self, tokens: "Usage | Reservation") -> float:
        """The cost of so many tokens."""
        return (tokens.num_prompt_tokens * self.per_million_prompt_tokens + tokens.num_new_tokens * self.per_million_new_tokens) / 1e6


class TokenBudget:
    """Lets a request begin only if it fits beside what is used and what is under way, so that the limits hold.

    `limit` is in tokens and for this process; `money_limit` is in the currency of `price` and, once `carry_on` has named the file where
    the bill is kept, for all processes that kept theirs there.

    A prompt's tokens are not known before the server counts them. The estimate is one token a UTF-8 byte, and from the first answer
    on the highest rate seen so far and 10 % more; a limit may be passed by as much as an estimate is too low.
    """

    def __init__(self, limit: int | None, place: str, price: Price | None = None, money_limit: float | None = None) -> None:
        self._limit = limit
        self._price = price
        self._money_limit = money_limit if price else None
        self._spent_before = self._spent = self._reserved_money = 0.0
        self._bill: Path | None = None
        self._place = place
        self._changed = threading.Condition()
        self._reserved = 0
        self._used = Usage()
        self._tokens_per_byte: float | None = None

    @property
    def used(self) -> Usage:
        return self._used

    @property
    def spent(self) -> float | None:
        """What was paid, by earlier processes too where their bill is known; None without a price."""
        return None if self._price is None else self._spent_before + self._spent

    def carry_on(self, bill: Path) -> None:
        """From now on the bill is kept in a file of JSON, and what it says was paid already counts."""
        if self._price is None:
            return
        with self._changed:
            self._bill = bill
            self._spent_before = float(read_json(bill)["spent"]) if bill.is_file() else 0.0
            self._write_bill()

    def reserve(self, prompt: str | int, max_new_tokens: int, stop: threading.Event) -> Reservation:
        """Waits until the request fits; BudgetError where it cannot. `prompt` is its text, or its number of tokens."""
        with self._changed:
            while True:
                asked = self._estimate(prompt, max_new_tokens)
                error = self._too_many(asked) or self._too_dear(asked)
                if error is None:
                    self._reserved += asked.num_tokens
                    self._reserved_money += self._cost(asked)
                    return asked
                if not self._reserved or stop.is_set():
                    raise error
                self._changed.wait()

    def _too_many(self, asked: Reservation) -> BudgetError | None:
        if self._limit is None or self._used.num_tokens + self._reserved + asked.num_tokens <= self._limit:
            return None
        return BudgetError(
            f"the token budget of {self._limit:,} is spent: {self._used.num_tokens:,} are used "
            f"and the next request may need {asked.num_tokens:,}",
            where=self._place,
            hint="raise `teacher.token_budget` in the recipe, then run the same command again",
        )

    def _too_dear(self, asked: Reservation) -> BudgetError | None:
        spent = self.spent
        if spent is None or self._money_limit is None or spent + self._reserved_money + self._cost(asked) <= self._money_limit:
            return None
        earlier = f", {self._spent_before:.6g} of it by earlier runs" if self._spent_before else ""
        return BudgetError(
            f"the money budget of {self._money_limit:g} is spent: {spent:.6g} is paid{earlier}, "
            f"and the next request may cost {self._cost(asked):.6g}",
            where=self._place,
            hint="raise `teacher.money_budget` in the recipe, then run the same command again",
        )

    def _cost(self, tokens: Usage | Reservation) -> float:
        return self._price.of(tokens) if self._price else 0.0

    def settle(self, asked: Reservation, counted: tuple[int, int] | None, *, answered: bool = True) -> None:
        """Counts a request that has ended: (prompt tokens, new tokens), or None where the server did not say and may have worked on it."""
        with self._changed:
            self._reserved -= asked.num_tokens
            self._reserved_money = self._reserved_money - self._cost(asked) if self._reserved else 0.0
            prompt, new = counted or (asked.num_prompt_tokens, asked.num_new_tokens)
            used = self._used
            self._used = Usage(
                num_answers=used.num_answers + answered,
                num_prompt_tokens=used.num_prompt_tokens + prompt,
                num_new_tokens=used.num_new_tokens + new,
                num_unreported=used.num_unreported + (counted is None and asked.num_tokens > 0),
            )
            self._spent = self._cost(self._used)
            self._write_bill()
            if counted and asked.size and prompt:
                self._tokens_per_byte = max(self._tokens_per_byte or 0.0, prompt / asked.size)
            self._changed.notify_all()

    def _write_bill(self) -> None:
        if self._bill is not None:
            write_json(self._bill, {"spent": self._spent_before + self._spent})

    def _estimate(self, prompt: str | int, max_new_tokens: int) -> Reservation:
        if isinstance(prompt, int):
            return Reservation(prompt, max_new_tokens)
        size = len(prompt.encode()) + _TEMPLATE_TOKENS
        rate = 1.0 if self._tokens_per_byte is None else self._tokens_per_byte * _MARGIN
        return Reservation(math.ceil(size * rate), max_new_tokens, size)
