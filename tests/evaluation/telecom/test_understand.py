"""What the scripted customer takes a message to ask for: what is asked in code or in words, in its order, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.evaluation.telecom.phrases import ACTIONS, SWITCHES
from seodang.evaluation.telecom.understand import requests_in

PARAMETERS: dict[str, list[str]] = {
    **{tool: [] for tool in (*SWITCHES, *ACTIONS)},
    "set_network_mode_preference": ["mode"],
    "set_apn_settings": ["apn_settings"],
    "check_app_status": ["app_name"],
    "check_app_permissions": ["app_name"],
    "grant_app_permission": ["app_name", "permission"],
}
WRITES = [name for name in PARAMETERS if not name.startswith(("check_", "run_", "can_"))]


def asked(text: str) -> list[tuple[str, dict[str, Any], bool | None]]:
    return [(request.tool, dict(request.arguments), request.turn_on) for request in requests_in(text, PARAMETERS)]


@pytest.mark.parametrize("tool", sorted(PARAMETERS))
def test_every_tool_is_asked_for_by_its_name(tool: str) -> None:
    values = {"mode": "4g_only", "app_name": "browser", "permission": "storage", "apn_settings": {"mms_apn": "x"}}
    given = {name: values[name] for name in PARAMETERS[tool]}
    arguments = ", ".join(f"{name}={value!r}" for name, value in given.items())
    for text in (
        f"Please use `{tool}({arguments})` now.",
        f"{tool}({arguments})",
        f"{tool} ({', '.join(map(repr, given.values()))})",
    ):
        assert [(name, found) for name, found, _ in asked(text)] == [(tool, given)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please turn off Airplane Mode.", [("toggle_airplane_mode", {}, False)]),
        ("Could you switch your mobile data on?", [("toggle_data", {}, True)]),
        ("Ensure mobile data is on.", [("toggle_data", {}, True)]),
        ("Turn off your VPN.", [("disconnect_vpn", {}, None)]),
        ("Turn off Wi-Fi calling.", [("toggle_wifi_calling", {}, False)]),
        ("Please turn off Wi-Fi.", [("toggle_wifi", {}, False)]),
        ("Turn data saver mode off", [("toggle_data_saver_mode", {}, False)]),
        ("Please toggle mobile data.", [("toggle_data", {}, None)]),
        ("Use toggle_airplane_mode() to turn Airplane Mode OFF", [("toggle_airplane_mode", {}, False)]),
        ("I see that Airplane Mode is ON. Please turn it OFF.", [("toggle_airplane_mode", {}, False)]),
        ("Your data roaming is off. Could you enable it?", [("toggle_roaming", {}, True)]),
        ("If airplane mode is on, turn it off.", [("toggle_airplane_mode", {}, False)]),
        ("1. Open Settings\n2. Tap Network\n3. Enable Data Roaming", [("toggle_roaming", {}, True)]),
        ("Please reset your APN settings, then reboot your phone.", [("reset_apn_settings", {}, None), ("reboot_device", {}, None)]),
        ("Can you take out and reinsert your SIM card?", [("reseat_sim_card", {}, None)]),
        ("Set your network mode to 4G/5G preferred.", [("set_network_mode_preference", {"mode": "4g_5g_preferred"}, None)]),
        ("What does your SIM status show?", [("check_sim_status", {}, None)]),
        ("Is Airplane Mode on?", [("check_status_bar", {}, None)]),
        ("Run a speed test.", [("run_speed_test", {}, None)]),
        ("Could you try sending an MMS?", [("can_send_mms", {}, None)]),
        ("Please accept the payment request.", [("make_payment", {}, None)]),
        ("Did you get a payment request?", [("check_payment_request", {}, None)]),
        ("I'd like you to restart the device.", [("reboot_device", {}, None)]),
    ],
)
def test_what_is_asked_in_words_is_understood(text: str, expected: list[Any]) -> None:
    assert asked(text) == expected


def test_several_permissions_are_granted_one_by_one() -> None:
    found = asked("Grant the messaging app permission for storage and SMS.")
    assert [arguments["permission"] for _, arguments, _ in found] == ["storage", "sms"]
    assert {arguments["app_name"] for _, arguments, _ in found} == {"messaging"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, how can I help you today?",
        "I have enabled roaming on your line.",
        "I can enable roaming on your line.",
        "Let me enable roaming for you. One moment.",
        "I will reset your APN settings for you.",
        "Do not reboot your phone yet.",
        "You should never toggle_roaming() abroad.",
        "There is no need to disconnect your VPN.",
        "If the SIM card is missing, reseat_sim_card() is the way.",
        "Airplane mode disables all radios.",
        "__import__('os').system('true')",
        "import_everything(1) toggle_nothing()",
    ],
)
def test_what_is_not_asked_is_not_done(text: str) -> None:
    assert asked(text) == []


def test_a_thing_is_done_once_however_often_it_is_named() -> None:
    assert len(asked("Please use toggle_roaming(). After toggle_roaming() the icon changes. So: toggle_roaming().")) == 1


def test_what_was_not_said_is_asked_back() -> None:
    (request,) = requests_in("Please use `set_network_mode_preference`.", PARAMETERS)
    assert request.lacks == ("mode",)
    (request,) = requests_in("Please grant the messaging app its permissions.", PARAMETERS)
    assert request.lacks == ("permission",)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ,.!?()[]_\n'\"", max_size=200))
def test_no_text_raises_and_nothing_is_done_without_a_word_for_it(text: str) -> None:
    found = requests_in(text, PARAMETERS)
    assert all(request.tool in PARAMETERS for request in found)
    assert found == requests_in(text, PARAMETERS)


@given(st.sampled_from(WRITES), st.sampled_from(["Do not use", "You must never use", "Avoid", "I have used", "I will now use"]))
def test_what_is_denied_or_done_by_the_agent_is_left(tool: str, words: str) -> None:
    assert asked(f"{words} {tool}() today.") == []
