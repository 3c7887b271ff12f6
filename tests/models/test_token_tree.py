"""A tree reads each token once, and every sequence's states are those that it has alone."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seodang.models import token_tree
from seodang.models.decoding import predicting_states
from seodang.models.local import LocalModel

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=8)


@given(SEQUENCES, st.integers(0, 5))
def test_each_token_sees_its_own_sequence_up_to_itself(sequences: list[list[int]], start: int) -> None:
    tree = token_tree.grow(sequences, start)
    begun = {tuple(sequence[: end + 1]) for sequence in sequences for end in range(len(sequence))}
    assert tree.ids.shape == tree.positions.shape == (1, len(begun))
    for sequence, places in zip(sequences, tree.places, strict=True):
        assert tree.ids[0, places].tolist() == sequence
        assert tree.positions[0, places].tolist() == list(range(start, start + len(sequence)))
        for end, place in enumerate(places):
            assert tree.visible is None or sorted(places[: end + 1]) == tree.visible[0, 0, place].nonzero()[:, 0].tolist()


@given(SEQUENCES)
def test_trees_hold_every_sequence_once_and_are_small(sequences: list[list[int]]) -> None:
    ordered = sorted(sequences)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_tree, "_TOKENS", 7)
        slices = list(token_tree.small_trees(ordered))
        sizes = [token_tree.grow(ordered[some], 0).ids.shape[1] for some in slices]
        assert [sequence for some in slices for sequence in ordered[some]] == ordered
        assert all(size <= 7 for size in sizes)
        assert token_tree.fit_together(ordered) == (token_tree.grow(ordered, 0).ids.shape[1] <= 7)


@pytest.mark.parametrize("num_tokens", [1, 30, 10**6])
def test_states_are_those_of_each_sequence_alone(num_tokens: int, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_tree, "_TOKENS", num_tokens)
    model = LocalModel(tiny_model_dir, dtype="float32")
    texts = [
        ("The library opens at nine. When", " does it open?"),
        ("The library opens at nine. When", " does it close? At six."),
        ("No", " x"),
    ]
    prompts = [model.encode_text(f"Read this. {prompt}") for prompt, _ in texts]
    continuations = [model.encode_text(continuation) for _, continuation in texts]
    found = predicting_states(model.model, prompts, continuations)
    for prompt, continuation, states_TH in zip(prompts, continuations, found, strict=True):
        with torch.inference_mode():
            alone_SH = model.model.base_model(torch.tensor([[*prompt, *continuation]])).last_hidden_state[0]
        torch.testing.assert_close(states_TH, alone_SH[len(prompt) - 1 : -1], atol=1e-5, rtol=1e-4)
