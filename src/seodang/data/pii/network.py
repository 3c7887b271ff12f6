"""E-mail and network addresses. Those that are reserved, private or a role's belong to nobody."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from seodang.data.pii.labels import Label, confidence, label_of
from seodang.data.pii.span import Span

_AT = r"(?:@| ?[(\[{<] ?(?:at|골뱅이|@) ?[)\]}>] ?| ?골뱅이 ?)"
_DOT = r"(?:\.| ?[(\[{<] ?(?:dot|점|\.) ?[)\]}>] ?)"
_HOLDS_AT = re.compile(r"@|골뱅이|[(\[{< ]at[ )\]}>]", re.IGNORECASE)
_EMAIL = re.compile(
    rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{{0,62}}[A-Za-z0-9_+-])?(?P<at>{_AT})"
    rf"(?P<host>[A-Za-z0-9가-힣](?:[A-Za-z0-9가-힣-]{{0,62}})(?:{_DOT}[A-Za-z0-9가-힣-]{{1,63}})*{_DOT}(?:[A-Za-z]{{2,24}}|한국|닷컴))(?![A-Za-z0-9])"
)
_SPOKEN_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+ at [A-Za-z0-9-]+(?: dot [A-Za-z]{2,10})+(?![A-Za-z])", re.IGNORECASE)
_RESERVED = re.compile(
    r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local|internal|lan)$", re.IGNORECASE
)  # RFC 2606, 6762
_ROLE = re.compile(
    r"(?:no-?_?reply|do-?not-?reply|info|support|help|helpdesk|admin|administrator|webmaster|postmaster|contact|sales|service|cs|abuse|"
    r"security|press|marketing|billing|git|root|team|office|privacy|legal|hr|jobs|user(?:name)?|name|you|your-?_?(?:name|email)|someone|foo|bar)$",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")
_LEAST_OF_ADDRESS = 40  # four numbers below it may be a version; few addresses have no higher one
_VERSION = re.compile(r"(?:\bv|[A-Za-z_][-_/=]|[<>=~^]=? ?)\Z")


def emails(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """E-mail addresses, also with `at` and `dot` in brackets or in words. No list of public suffixes is asked for."""
    if not _HOLDS_AT.search(text):
        return
    for match in _EMAIL.finditer(text):
        base = 0.9
        if _RESERVED.search(match["host"]) or _ROLE.match(match[0][: match.start("at") - match.start()]):
            base = 0.35
        if text[max(0, match.start() - 3) : match.start()].endswith(("://", "//", ":")) and "://" in text[: match.start()][-24:]:
            base = 0.35  # the name and password of an address of a service
        yield Span("email", match.start(), match.end(), base, "formatted")
    for match in _SPOKEN_EMAIL.finditer(text):
        yield Span("email", match.start(), match.end(), 0.75, "spoken")


def ip_addresses(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Public addresses of version 4 and 6. Private, reserved and documentation networks are no person's; four numbers may be a version."""
    for match in _IPV4.finditer(text):
        try:
            address: IPv4Address | IPv6Address = ip_address(match[0])
        except ValueError:
            continue
        label = label_of(("ip_address",), text, labels, match.start(), match.end())
        base = 0.6 if address.is_global and max(map(int, match[0].split("."))) >= _LEAST_OF_ADDRESS else 0.2
        if _VERSION.search(text, max(0, match.start() - 3), match.start()):
            base -= 0.4
        sure, form = confidence(base, label, "formatted")
        if not address.is_global:
            sure = min(sure, 0.3)
        if sure > 0.1:
            yield Span("ip_address", match.start(), match.end(), round(sure, 2), form, label.word if label else "")
    for match in _IPV6.finditer(text):
        try:
            address = ip_address(match[0])
        except ValueError:
            continue
        if address.is_global and match[0][0] in "23" and len(re.findall(r"[0-9A-Fa-f]+", match[0])) >= 3:
            yield Span("ip_address", match.start(), match.end(), 0.7, "formatted")
