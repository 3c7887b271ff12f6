"""Models of tests that know what is right, and such that read nothing: calls, and what a telecom task needs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oracles.answering import Say
from seodang.evaluation.task import Item
from seodang.models.chat_model import Message
from seodang.scoring.tool_call import ToolCall, render_tool_calls

IN_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "set_network_mode_preference": lambda _: "Please change your network mode preference to 4G/5G.",
    "toggle_airplane_mode": lambda _: "Please turn Airplane Mode off.",
    "toggle_roaming": lambda _: "Could you turn on data roaming in the settings?",
    "toggle_data": lambda _: "Now switch mobile data on, please.",
    "reboot_device": lambda _: "Please restart your phone.",
    "reseat_sim_card": lambda _: "Take out and re-insert your SIM card, please.",
    "reset_apn_settings": lambda _: "Please reset the APN settings to their defaults.",
    "grant_app_permission": lambda given: f"Please give the messaging app the {given['permission']} permission.",
    "toggle_wifi_calling": lambda _: "Please turn off Wi-Fi calling.",
    "toggle_data_saver_mode": lambda _: "Please disable Data Saver.",
    "disconnect_vpn": lambda _: "Please disconnect the VPN.",
    "make_payment": lambda _: "I have sent a payment request, please accept the payment.",
}

FIXES = (  # what a phone of the telecom tasks may need, in an order that does no harm
    "Turn airplane mode off.",
    "reseat_sim_card()",
    'set_network_mode_preference(mode="4g_5g_preferred")',
    "Turn mobile data on.",
    "Turn data roaming on.",
    "Turn data saver off.",
    "Turn wi-fi calling off.",
    "disconnect_vpn()",
    'grant_app_permission(app_name="messaging", permission="storage")',
    'grant_app_permission(app_name="messaging", permission="sms")',
    "reset_apn_settings()",
    "reboot_device()",
)


def written(calls: Sequence[ToolCall], *, marked: bool = False) -> str:
    """Calls as a model writes them; in words where there are none."""
    plain = [replace(call, name=call.name.replace(".", "_")) for call in calls]
    if not calls:
        return "I cannot do that with these tools."
    if not marked:
        return render_tool_calls(plain)
    return "\n".join(f"<tool_call>{json.dumps({'name': call.name, 'arguments': call.arguments})}</tool_call>" for call in plain)


def saying(turns: Sequence[Sequence[ToolCall]], *, marked: bool = False) -> Say:
    """All calls of the user's turn at once, then words."""

    def say(messages: Sequence[Message]) -> str:
        turn = sum(message.role == "user" for message in messages) - 1
        return "Done." if messages[-1].role == "tool" else written(turns[turn], marked=marked)

    return say


def call(name: str, arguments: Mapping[str, Any]) -> str:
    return f"[{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})]"


def expert(item: Item, *, in_words: bool = False, solo: bool = False) -> Say:
    """An agent that goes through the task's own actions: calls its tools, and asks the customer to use theirs."""
    actions = item.content["criteria"]["actions"]
    said = [call("get_customer_by_phone", {"phone_number": "555-123-2002"})]
    for action in actions:
        name, arguments = action["name"], action["arguments"]
        mine = solo or action["requestor"] == "assistant"
        said.append(
            call(name, arguments) if mine else IN_WORDS[name](arguments) if in_words else f"Please use {call(name, arguments)[1:-1]}."
        )
    turns = iter(said)
    return lambda _: next(turns, "Does it work now?")


def listing(lines: Sequence[str]) -> Say:
    """An agent that says one line after the other, whatever is answered, and then transfers."""
    turns = iter(lines)
    return lambda _: next(turns, call("transfer_to_human_agents", {"summary": "x"}))
