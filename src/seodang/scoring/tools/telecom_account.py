"""A customer's account at a telecom operator: lines with a plan, a SIM card and roaming, and bills. The plans are made up."""

import copy
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tools.environment import ToolError, carry_out, tool

PLANS: dict[str, dict[str, Any]] = {
    "basic": {"price": 33000, "data_gb": 3, "roaming": False},
    "standard": {"price": 55000, "data_gb": 30, "roaming": True},
    "unlimited": {"price": 89000, "data_gb": 500, "roaming": True},
}
_LINE = {"type": "string", "description": "the line's id, as list_lines gives it"}
_TOOLS = (
    tool("list_lines", "Lists the customer's lines with plan, status, SIM card, roaming and the data used."),
    tool("list_bills", "Lists the customer's bills with amount in won, month and whether they are paid."),
    tool("change_plan", "Moves an active line to another plan.", line=_LINE, plan={"enum": sorted(PLANS)}),
    tool("suspend_line", "Suspends a line: nobody can use it until it is resumed.", line=_LINE),
    tool("resume_line", "Resumes a suspended line. All of its bills must be paid.", line=_LINE),
    tool("set_roaming", "Turns roaming on or off. The line's plan must include it.", line=_LINE, on={"type": "boolean"}),
    tool(
        "replace_sim", "Sends a new SIM card of a kind for a line; the old one stops working.", line=_LINE, kind={"enum": ["esim", "usim"]}
    ),
    tool("pay_bill", "Pays a bill in full.", bill={"type": "string", "description": "the bill's id, as list_bills gives it"}),
)


class TelecomAccount:
    """The tools of a service desk over one account."""

    name = "seodang.scoring.tools.telecom_account:TelecomAccount"
    tools: Sequence[Mapping[str, Any]] = _TOOLS

    def __init__(self) -> None:
        self._state: dict[str, Any] = {"lines": {}, "bills": {}}

    def load(self, state: Any) -> None:
        self._state = copy.deepcopy(state)

    def state(self) -> Any:
        return copy.deepcopy(self._state)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        known = {row["function"]["name"] for row in _TOOLS}
        return carry_out({tool: getattr(self, tool) for tool in known}, name, arguments)

    def draw_state(self, draw: Random) -> Any:
        lines = {
            f"line_{number}": {
                "plan": draw.choice(sorted(PLANS)),
                "status": draw.choice(["active", "active", "suspended"]),
                "sim": draw.choice(["esim", "usim"]),
                "roaming": False,
                "used_gb": draw.randrange(0, 30),
            }
            for number in range(1, draw.randint(1, 3) + 1)
        }
        bills = {
            f"bill_{number}": {
                "line": draw.choice(sorted(lines)),
                "month": f"2026-{number:02}",
                "amount": 1000 * draw.randrange(33, 120),
                "paid": draw.random() < 0.5,
            }
            for number in range(1, draw.randint(1, 4) + 1)
        }
        return {"lines": lines, "bills": bills}

    def draw_goal(self, draw: Random) -> list[ToolCall]:
        goals = [goal for line in self._state["lines"] for goal in self._goals_of(line)]
        goals += [[ToolCall("pay_bill", {"bill": bill})] for bill, row in self._state["bills"].items() if not row["paid"]]
        return draw.choice(goals)

    def list_lines(self) -> Any:
        """All lines by their ids."""
        return copy.deepcopy(self._state["lines"])

    def list_bills(self) -> Any:
        """All bills by their ids."""
        return copy.deepcopy(self._state["bills"])

    def change_plan(self, line: str, plan: str) -> Any:
        """Roaming goes off where the new plan does not include it."""
        row = self._active(line)
        if plan not in PLANS:
            raise ToolError(f"there is no plan {plan}")
        if row["plan"] == plan:
            raise ToolError(f"{line} has the plan {plan} already")
        row["plan"] = plan
        row["roaming"] = row["roaming"] and PLANS[plan]["roaming"]
        return {"line": line, "plan": plan, "price": PLANS[plan]["price"]}

    def suspend_line(self, line: str) -> Any:
        """Roaming ends with it."""
        self._active(line).update(status="suspended", roaming=False)
        return {"line": line, "status": "suspended"}

    def resume_line(self, line: str) -> Any:
        """Refused while one of its bills is open."""
        row = self._line(line)
        if row["status"] == "active":
            raise ToolError(f"{line} is active already")
        if open_bills := self._open_bills(line):
            raise ToolError(f"these bills of {line} are not paid: {', '.join(open_bills)}")
        row["status"] = "active"
        return {"line": line, "status": "active"}

    def set_roaming(self, line: str, on: bool) -> Any:
        """Refused for a plan without it."""
        row = self._active(line)
        if on and not PLANS[row["plan"]]["roaming"]:
            raise ToolError(f"the plan {row['plan']} does not include roaming")
        row["roaming"] = bool(on)
        return {"line": line, "roaming": row["roaming"]}

    def replace_sim(self, line: str, kind: str) -> Any:
        """A card of the kind that is there may be replaced by a new one of it."""
        if kind not in ("esim", "usim"):
            raise ToolError(f"there is no SIM card of kind {kind}")
        row = self._line(line)
        row["sim"] = kind
        row["cards_sent"] = row.get("cards_sent", 0) + 1
        return {"line": line, "sim": kind}

    def pay_bill(self, bill: str) -> Any:
        """Refused where it is paid."""
        row = self._state["bills"].get(bill)
        if row is None:
            raise ToolError(f"there is no bill {bill}")
        if row["paid"]:
            raise ToolError(f"{bill} is paid already")
        row["paid"] = True
        return {"bill": bill, "paid": True, "amount": row["amount"]}

    def _goals_of(self, line: str) -> list[list[ToolCall]]:
        row = self._state["lines"][line]
        new_sim = [ToolCall("replace_sim", {"line": line, "kind": kind}) for kind in ("esim", "usim")]
        goals = [[card] for card in new_sim]
        if row["status"] == "suspended":
            pay = [ToolCall("pay_bill", {"bill": bill}) for bill in self._open_bills(line)]
            resume = ToolCall("resume_line", {"line": line})
            return [*goals, [*pay, resume], [*pay, resume, new_sim[0]]]
        goals += [[ToolCall("change_plan", {"line": line, "plan": plan})] for plan in sorted(PLANS) if plan != row["plan"]]
        goals += [[ToolCall("suspend_line", {"line": line})], [ToolCall("suspend_line", {"line": line}), new_sim[1]]]
        roam = ToolCall("set_roaming", {"line": line, "on": True})
        if row["roaming"]:
            return [*goals, [ToolCall("set_roaming", {"line": line, "on": False})]]
        upgrade = [] if PLANS[row["plan"]]["roaming"] else [ToolCall("change_plan", {"line": line, "plan": "standard"})]
        return [*goals, [*upgrade, roam]]

    def _line(self, line: str) -> dict[str, Any]:
        if line not in self._state["lines"]:
            raise ToolError(f"there is no line {line}")
        return self._state["lines"][line]

    def _active(self, line: str) -> dict[str, Any]:
        row = self._line(line)
        if row["status"] != "active":
            raise ToolError(f"{line} is suspended")
        return row

    def _open_bills(self, line: str) -> list[str]:
        return [bill for bill, row in self._state["bills"].items() if row["line"] == line and not row["paid"]]
