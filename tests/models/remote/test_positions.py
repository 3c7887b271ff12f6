"""Log-probabilities in each server's form, and the ones that are refused."""

import math
from typing import Any

import pytest

from seodang.core.errors import EndpointError
from seodang.models.remote.positions import read_positions, scoring_request, targets_of


def lists(**changes: Any) -> dict[str, Any]:
    logprobs = {
        "tokens": ["token_id:5", "token_id:7", "token_id:9"],
        "token_logprobs": [None, -3.0, -0.5],
        "top_logprobs": [None, {"token_id:1": -0.3, "token_id:2": -2.0, "token_id:7": -3.0}, {"token_id:9": -0.5, "token_id:4": -1.5}],
    }
    return {"choices": [{"logprobs": {**logprobs, **changes}}]}


def test_lists_become_positions_with_the_best_first() -> None:
    """The sent token comes as an extra alternative where it is not among the best; it is not one of the k."""
    found = read_positions("echo", lists(), [5, 7, 9], "host")
    targets = targets_of(found[1:], 2, "host")
    assert targets.top_ids == [[1, 2], [9, 4]]
    assert targets.top_logprobs == [[-0.3, -2.0], [-0.5, -1.5]]
    assert targets.logprobs == [-3.0, -0.5]


def test_prompt_logprobs_give_the_same_as_lists() -> None:
    rows = [
        None,
        {"1": {"logprob": -0.3}, "2": {"logprob": -2.0}, "7": {"logprob": -3.0}},
        {"9": {"logprob": -0.5}, "4": {"logprob": -1.5}},
    ]
    value = {"choices": [{"prompt_logprobs": rows}]}
    assert read_positions("prompt_logprobs", value, [5, 7, 9], "host") == read_positions("echo", lists(), [5, 7, 9], "host")


def test_tokens_named_by_text_have_no_ids() -> None:
    value = lists(tokens=["a", "b", "c"], top_logprobs=[None, {"x": -1.0, "y": -1.5}, {"c": -0.5, "z": -1.5}])
    found = read_positions("echo_text", value, [5, 7, 9], "host")
    assert [position.top for position in found] == [(), (), ()]
    assert targets_of(found[1:], 0, "host").logprobs == [-3.0, -0.5]


def test_a_missing_list_of_alternatives_is_no_alternatives() -> None:
    found = read_positions("echo", lists(top_logprobs=None), [5, 7, 9], "host")
    with pytest.raises(EndpointError, match="0 alternatives"):
        targets_of(found[1:], 1, "host")


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [{"logprobs": None}]},
        {"choices": [{}]},
        lists(token_logprobs=None),
        lists(token_logprobs=[None, -3.0]),
        lists(tokens=["token_id:5", "token_id:8", "token_id:9"]),  # another token than was sent
        lists(token_logprobs=[None, None, -0.5]),
        lists(token_logprobs=[None, math.nan, -0.5]),
        lists(token_logprobs=[None, -math.inf, -0.5]),
        lists(token_logprobs=[None, 0.7, -0.5]),
        lists(token_logprobs=[None, "x", -0.5]),
        lists(top_logprobs=[None, {"token_id:1": -0.1, "token_id:2": -0.1}, {}]),  # 181 % of probability
    ],
)
def test_what_does_not_add_up_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(EndpointError, match="cannot be used"):
        read_positions("echo", value, [5, 7, 9], "host")


@pytest.mark.parametrize("rows", [None, [None], [None, None, None], [None, {"3": {"logprob": -1.0}}, None]])
def test_prompt_logprobs_that_are_not_there_are_refused(rows: Any) -> None:
    """One server returned a single null for the whole prompt, with HTTP 200."""
    with pytest.raises(EndpointError, match="cannot be used"):
        read_positions("prompt_logprobs", {"choices": [{"prompt_logprobs": rows}]}, [5, 7, 9], "host")


def test_zero_alternatives_are_asked_for_as_one() -> None:
    """Some servers take `logprobs: 0` for none at all."""
    assert scoring_request("echo", "m", [1], 0)["logprobs"] == 1
