"""What an agent's words ask of a phone: patterns for each of its tools, beside the tools' names in code form."""

import re

SWITCHES = {  # tool: its setting in words, the phone's attribute that is true where it is on
    "toggle_airplane_mode": (r"(?:airplane|aeroplane|flight)[ -]?mode", "airplane_mode"),
    "toggle_data_saver_mode": (r"data[ -]saver(?: mode)?", "data_saver_mode"),
    "toggle_wifi_calling": (r"wi-?fi[ -]calling", "wifi_calling_enabled"),
    "toggle_wifi": (r"wi-?fi(?![ -]?call)", "wifi_enabled"),
    "toggle_roaming": (r"(?:data |international )?roaming", "roaming_enabled"),
    "toggle_data": (r"(?:mobile|cellular) data(?! (?:saver|plan|usage|roaming))", "data_enabled"),
}
_LOOK = (
    r"\b(?:check|look at|look for|tell me|what(?:'s| is| are| does| do)?|which|see|verify|confirm|show|view|read|find|open"
    r"|is|are|does|do|did|have)\b"
)
ACTIONS = {
    "reseat_sim_card": r"\b(?:re-?seat|re-?insert|(?:remove|take out) and (?:re-?)?insert)\b.*\bsim\b|\bsim\b.*\bre-?insert it\b",
    "reset_apn_settings": r"\breset\b.*\bapn\b",
    "reboot_device": r"\b(?:reboot|restart|power[- ]cycle)\b.*\b(?:phone|device|it)\b",
    "disconnect_vpn": r"\b(?:disconnect|turn off|switch off|disable)\b.*\bvpn\b|\bturn\b.*\bvpn\b.*\boff\b",
    "connect_vpn": r"(?<!dis)\b(?:connect to|connect|turn on|switch on|enable)\b.*\bvpn\b",
    "set_network_mode_preference": r"\b(?:set|change|switch)\b.*\b(?:network|preference)\b.*\b[2345]g",
    "grant_app_permission": r"\b(?:grant|give|allow|enable)\b.*\b(?:permissions?|access)\b",
    "make_payment": r"\b(?:make|complete|submit|authori[sz]e)\b.*\bpayment\b|\bpay\b.*\bbill\b|\baccept\b.*\bpayment\b",
    "check_payment_request": rf"{_LOOK}.*\bpayment requests?\b",
    "run_speed_test": r"\bspeed ?test\b|\b(?:check|test|measure)\b.*\bspeed\b",
    "can_send_mms": r"\b(?:try|test|check|can you|are you able)\b.*\b(?:mms|picture messages?)\b",
    "check_app_permissions": rf"{_LOOK}.*\bpermissions?\b",
    "check_installed_apps": rf"{_LOOK}.*\b(?:installed apps|apps (?:are|that are) installed)\b",
    "check_app_status": rf"{_LOOK}.*\bapp(?:'s)? status\b",
    "check_apn_settings": rf"{_LOOK}.*\b(?:apn|mmsc)\b",
    "check_vpn_status": rf"{_LOOK}.*\bvpn\b",
    "check_sim_status": rf"{_LOOK}.*\bsim\b",
    "check_wifi_calling_status": rf"{_LOOK}.*\bwi-?fi[ -]calling\b",
    "check_wifi_status": rf"{_LOOK}.*\bwi-?fi\b(?![ -]?call)",
    "check_data_restriction_status": rf"{_LOOK}.*\bdata (?:saver|restrictions?)\b",
    "check_network_mode_preference": rf"{_LOOK}.*\b(?:network mode|preferred network|network preference|network type)\b",
    "check_network_status": rf"{_LOOK}.*\b(?:network status|connection status|(?:mobile|cellular) data|roaming)\b",
    "check_status_bar": rf"{_LOOK}.*\b(?:status bar|signal|(?:airplane|flight) mode|icons)\b",
}
MODES = (
    ("4g_5g_preferred", r"4g_5g_preferred|4g ?(?:/|and|or|&) ?5g|5g ?(?:/|and|or|&) ?4g|prefer\w*\b.*\b5g|5g.*\bpreferred"),
    ("4g_only", r"4g[_ ]only"),
    ("3g_only", r"3g[_ ]only"),
    ("2g_only", r"2g[_ ]only"),
)
APPS = ("messaging", "browser")
PERMISSIONS = ("storage", "sms", "phone", "network")

_THE = r"(?:the |your |phone's |device's )*"
FACTS = (  # what is asked for, and a word of the sentence of the known facts that answers it
    (
        r"\b(?:phone|telephone|mobile|line|cell|account) ?number\b|\bname\b|\bidentif|\bverify your\b|\bcustomer id\b|\baccount\b",
        "phone number",
    ),
    (r"\babroad\b|\btravel|\blocat|\bcountry\b|\boverseas\b|\bwhere are you\b|\bat home\b|\bhome network\b", "currently"),
)
WISHES = (  # what is proposed, and a word of the sentence of the instructions that says what the customer thinks of it
    (r"\brefuel|\b(?:add|buy|purchase)\w*\b.*\bdata\b|\b(?:change|upgrade|switch)\w*\b.*\bplan\b", "refuel"),
    (r"\bbill\b|\bpayment\b", "pay a bill"),
)
CONSENT = (
    r"\b(?:shall|should|may|can) I\b|\bwould you like (?:me|to)\b|\bdo you (?:agree|accept|confirm|consent|want me)\b"
    r"|\bis that (?:ok|okay|alright|fine)\b|\bgo ahead\b|\bplease confirm\b"
)
GONE = r"\b(?:resolved|solved|fixed|working|works?|anything else|still|better|try again|try now|again now)\b"
TROUBLE = r"\b(?:help|assist) you\b|\bwhat (?:is|seems to be) (?:the |your )?(?:problem|issue|trouble|matter)\b|\bdescribe\b"

NEGATED = re.compile(
    r"\b(?:do not|don't|never|no need to|without|avoid|instead of|should not|shouldn't|not necessary to)\b[^,;]*$", re.IGNORECASE
)
BY_AGENT = re.compile(r"\b(?:I|[Ll]et me)\b(?!.*\byou to\b)[^,;]*$")
ON_CONDITION = re.compile(
    r"\b(?:if|unless)\b(?! (?:you can|you could|you would|you don't mind|you wouldn't mind|possible|needed))", re.IGNORECASE
)
ON_OR_OFF = re.compile(r"\bon(?:/| or | and )off\b|\boff(?:/| or | and )on\b", re.IGNORECASE)
TURNED = re.compile(
    r"\b(?:turn|switch|set|put|make sure|ensure)\w*\b.*?\b(on|off)\b|\b(enable|activate|disable|deactivate)\b", re.IGNORECASE
)
TURN_IT = re.compile(r"\b(?:turn|switch|toggle) (?:it|this|that)(?: back)? (on|off)\b|\b(enable|disable) (?:it|this|that)\b", re.IGNORECASE)


def switched(topic: str) -> re.Pattern[str]:
    """Words that ask for a switch to be turned: on or off in one of the groups, in none of them where it is only toggled."""
    return re.compile(
        rf"\b(?:turn|switch|toggle|put|set)\w* (on|off) {_THE}{topic}"
        rf"|\b(?:turn|switch|toggle|put|set|make sure|ensure)\w* (?:that )?{_THE}{topic}"
        r"(?:'s| is| setting| switch| mode)* (?:back )?(?:to )?(on|off)\b"
        rf"|\b(enable|activate|disable|deactivate) {_THE}{topic}"
        rf"|\btoggle {_THE}{topic}",
        re.IGNORECASE,
    )
