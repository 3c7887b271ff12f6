"""A reader's account at a library: copies on the shelf, loans with a due day, holds and fines. Days are numbers."""

import copy
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tools.environment import ToolError, carry_out, tool

_LONGEST_DAYS, _MOST_LOANS, _MOST_RENEWALS = 14, 3, 2
_TITLES = ("Tides", "Bridges of Wood", "A Short Winter", "Paper Lanterns", "The Salt Road", "Quiet Machines")
_BOOK = {"type": "string", "description": "the book's id, as search_books gives it"}
_TOOLS = (
    tool("search_books", "Lists all books with their title, the copies on the shelf and the readers who wait for them."),
    tool("show_account", "Shows the reader's loans with the day they are due, holds, and the fine in won; and today's day."),
    tool("borrow", "Lends a book to the reader for 14 days. There must be no fine.", book=_BOOK),
    tool("renew", "Makes a loan due 14 days after today. Not for a book that others wait for, and at most twice.", book=_BOOK),
    tool("give_back", "Takes a book back. Each day after it was due costs 100 won.", book=_BOOK),
    tool("place_hold", "Puts the reader on the list of those who wait for a book without a copy on the shelf.", book=_BOOK),
    tool("cancel_hold", "Takes the reader off that list.", book=_BOOK),
    tool("pay_fine", "Pays the whole fine."),
)


class LibraryLoans:
    """The tools of a library's desk over one reader's account."""

    name = "seodang.scoring.tools.library_loans:LibraryLoans"
    tools: Sequence[Mapping[str, Any]] = _TOOLS

    def __init__(self) -> None:
        self._state: dict[str, Any] = {"today": 1, "books": {}, "loans": {}, "holds": [], "fine": 0}

    def load(self, state: Any) -> None:
        self._state = copy.deepcopy(state)

    def state(self) -> Any:
        return copy.deepcopy(self._state)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        known = {row["function"]["name"] for row in _TOOLS}
        return carry_out({tool: getattr(self, tool) for tool in known}, name, arguments)

    def draw_state(self, draw: Random) -> Any:
        today = draw.randrange(20, 300)
        titles = draw.sample(_TITLES, 4)
        books = {
            f"book_{n}": {"title": title, "on_shelf": draw.randint(0, 2), "others_wait": draw.choice([0, 0, 1])}
            for n, title in enumerate(titles, start=1)
        }
        loans = {book: {"due": today + draw.randrange(-5, 10), "renewals": draw.randint(0, 2)} for book in draw.sample(sorted(books), 2)}
        holds = [book for book in books if book not in loans and not books[book]["on_shelf"] and draw.random() < 0.5]
        return {"today": today, "books": books, "loans": loans, "holds": holds, "fine": draw.choice([0, 0, 300, 1200])}

    def draw_goal(self, draw: Random) -> list[ToolCall]:
        state = self._state
        pay = [ToolCall("pay_fine")] if state["fine"] else []
        goals = [[ToolCall("give_back", {"book": book})] for book in state["loans"]]
        goals += [[ToolCall("renew", {"book": book})] for book in state["loans"] if self._may_renew(book)]
        goals += [[ToolCall("cancel_hold", {"book": book})] for book in state["holds"]]
        for book, row in state["books"].items():
            if book in state["loans"] or book in state["holds"]:
                continue
            goals.append([*pay, ToolCall("borrow", {"book": book})] if row["on_shelf"] else [ToolCall("place_hold", {"book": book})])
        return draw.choice([*goals, pay] if pay else goals)

    def search_books(self) -> Any:
        """All books by their ids."""
        return copy.deepcopy(self._state["books"])

    def show_account(self) -> Any:
        """Everything of the reader's."""
        return copy.deepcopy({name: self._state[name] for name in ("today", "loans", "holds", "fine")})

    def borrow(self, book: str) -> Any:
        """At most three books at once."""
        row = self._book(book)
        if self._state["fine"]:
            raise ToolError(f"a fine of {self._state['fine']} won is open")
        if book in self._state["loans"] or len(self._state["loans"]) >= _MOST_LOANS or not row["on_shelf"]:
            raise ToolError("the reader has the book or three others already, or no copy is on the shelf")
        row["on_shelf"] -= 1
        self._state["loans"][book] = {"due": self._state["today"] + _LONGEST_DAYS, "renewals": 0}
        return {"book": book, "due": self._state["loans"][book]["due"]}

    def renew(self, book: str) -> Any:
        """Counts the renewal."""
        loan = self._loan(book)
        if not self._may_renew(book):
            raise ToolError(f"{book} cannot be renewed: others wait for it, or it was renewed twice")
        loan.update(due=self._state["today"] + _LONGEST_DAYS, renewals=loan["renewals"] + 1)
        return {"book": book, "due": loan["due"]}

    def give_back(self, book: str) -> Any:
        """Adds what the days after it was due cost."""
        loan = self._loan(book)
        late = max(0, self._state["today"] - loan["due"])
        del self._state["loans"][book]
        self._state["books"][book]["on_shelf"] += 1
        self._state["fine"] += 100 * late
        return {"book": book, "days_late": late, "fine": self._state["fine"]}

    def place_hold(self, book: str) -> Any:
        """Only for what cannot be borrowed at once."""
        if self._book(book)["on_shelf"] or book in self._state["holds"] or book in self._state["loans"]:
            raise ToolError(f"{book} is on the shelf, lent to the reader, or held already")
        self._state["holds"].append(book)
        self._state["holds"].sort()
        return {"holds": list(self._state["holds"])}

    def cancel_hold(self, book: str) -> Any:
        """Refused where there is none."""
        if book not in self._state["holds"]:
            raise ToolError(f"the reader does not wait for {book}")
        self._state["holds"].remove(book)
        return {"holds": list(self._state["holds"])}

    def pay_fine(self) -> Any:
        """Refused where there is none."""
        if not self._state["fine"]:
            raise ToolError("there is no fine")
        paid, self._state["fine"] = self._state["fine"], 0
        return {"paid": paid}

    def _may_renew(self, book: str) -> bool:
        return not self._state["books"][book]["others_wait"] and self._state["loans"][book]["renewals"] < _MOST_RENEWALS

    def _book(self, book: str) -> dict[str, Any]:
        if book not in self._state["books"]:
            raise ToolError(f"there is no book {book}")
        return self._state["books"][book]

    def _loan(self, book: str) -> dict[str, Any]:
        if book not in self._state["loans"]:
            raise ToolError(f"the reader has not borrowed {book}")
        return self._state["loans"][book]
