"""Addresses: what is added, what is taken off, and what counts as this machine."""

import pytest

from seodang.models.remote.address import parse_address


@pytest.mark.parametrize(
    ("url", "chat", "tokenize"),
    [
        ("http://h:8000", "http://h:8000/v1/chat", "http://h:8000/tokenize"),
        ("http://h:8000/v1/", "http://h:8000/v1/chat", "http://h:8000/tokenize"),
        ("https://h/team/v2", "https://h:443/team/v2/chat", "https://h:443/team/tokenize"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1/chat", "http://[::1]:80/tokenize"),
    ],
)
def test_urls_are_built_from_the_base(url: str, chat: str, tokenize: str) -> None:
    address = parse_address(url)
    assert (address.api("/chat"), address.server("/tokenize")) == (chat, tokenize)


@pytest.mark.parametrize("url", ["http://h/v1/chat/completions", "http://h/v1/models"])
def test_the_address_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base address"):
        parse_address(url)


@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0", "128.0.0.1"])
def test_other_machines_are_not_taken_for_this_one(host: str) -> None:
    assert not parse_address(f"http://{host}/v1").loopback
