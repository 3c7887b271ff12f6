"""Server's words and Retry-After, as they come."""

from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seodang.models.remote.failures import retry_after, server_words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "too long", "type": "x", "code": 400}}', "too long"),
        ('{"object": "error", "message": "too long"}', "too long"),
        ('{"detail": [{"loc": ["body"], "msg": "field required"}]}', "field required"),
        ('{"error": "too long"}', "too long"),
        ("<html><style>p {}</style><h1>502 Bad\nGateway</h1></html>", "502 Bad Gateway"),
        ("plain words", "plain words"),
        ('{"code": 7}', '{"code": 7}'),
        ("", ""),
    ],
)
def test_the_message_is_found_in_every_form(body: str, words: str) -> None:
    assert server_words(body) == words


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=2000))
def test_words_are_one_short_printable_line(body: str) -> None:
    """A server cannot write escape sequences to the user's terminal, or a page of text."""
    words = server_words(body)
    assert len(words) <= 300
    assert not words or words.isprintable()


def test_retry_after_comes_in_seconds_or_as_a_date() -> None:
    now = 1_700_000_000.0
    date = format_datetime(datetime.fromtimestamp(now + 90, UTC), usegmt=True)
    assert retry_after(httpx.Headers({"Retry-After": "7"}), now) == 7.0
    assert retry_after(httpx.Headers({"Retry-After": date}), now) == 90.0
    assert retry_after(httpx.Headers({"Retry-After": date}), now + 1000) == 0.0


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "inf", "1e9999", "9" * 400])
def test_a_retry_after_that_makes_no_sense_is_none(value: str) -> None:
    assert retry_after(httpx.Headers({"Retry-After": value}), 0.0) is None
