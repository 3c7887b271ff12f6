"""Parity is 1 and 0 for a faithful file, and worse for an unfaithful one."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, rel_entr

from seodang.core.errors import InputError
from seodang.export.gguf import write_gguf
from seodang.export.parity import bucketed_kl, compare, measure_parity, predict
from seodang.models.chat_model import Message, TokenLogprob

NUM_TOKENS = 9
LOGITS = arrays(np.float32, NUM_TOKENS, elements=st.floats(-8, 8, width=32))
PROMPTS = [[Message("user", text)] for text in ("What should the customer do next?", "The phone has no signal.", "고객의 회선이 정지되면?")]


def step_of(logprobs_V: Any, top_k: int) -> TokenLogprob:
    best = np.argsort(-logprobs_V, kind="stable")[:top_k]
    top = tuple((int(token), "", float(logprobs_V[token])) for token in best)
    return TokenLogprob(top[0][0], "", top[0][2], top)


@settings(deadline=None)
@given(logits_p=LOGITS, logits_q=LOGITS, top_k=st.integers(1, NUM_TOKENS))
def test_bucketed_kl_lies_between_zero_and_the_full_divergence(logits_p: Any, logits_q: Any, top_k: int) -> None:
    """The oracle is scipy; all tokens listed gives the full divergence."""
    p_V, q_V = log_softmax(logits_p.astype(float)), log_softmax(logits_q.astype(float))
    full = rel_entr(np.exp(p_V), np.exp(q_V)).sum()
    found = bucketed_kl(p_V, step_of(q_V, top_k))
    assert -1e-5 <= found <= full + 1e-5
    if top_k == NUM_TOKENS:
        assert math.isclose(found, full, abs_tol=1e-5)
    assert abs(bucketed_kl(p_V, step_of(p_V, top_k))) < 1e-5


def test_a_faithful_file_agrees_and_an_unfaithful_one_does_not(half_model_dir: Path, half_gguf: Path, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    references = predict(half_model_dir, PROMPTS, num_positions=6)
    faithful = compare(references, half_gguf, threads=1)
    assert faithful["kl"] < 1e-4
    assert faithful["top1"] == 1.0
    assert faithful["same_token_ids"] == 1.0
    assert faithful["bytes"] == half_gguf.stat().st_size
    assert faithful["num_prompts"] == 3
    assert 3 <= faithful["num_positions"] <= 18
    assert faithful["tokens_per_s"] > 0
    assert faithful["runtime"].startswith("xllamacpp ")
    write_gguf(half_model_dir, tmp_path / "small.gguf", "Q8_0")
    small = compare(references, tmp_path / "small.gguf", threads=1)
    assert faithful["kl"] < small["kl"] < 0.1
    wrong = compare(references, another_gguf(half_model_dir, tmp_path), threads=1)
    assert wrong["kl"] > 0.1
    assert wrong["top1"] < 1.0
    assert wrong["same_token_ids"] == 0.0


def another_gguf(folder: Path, tmp_path: Path) -> Path:
    """The same model with one layer's output turned round, and another chat template."""
    import shutil

    from safetensors.torch import load_file, save_file

    other = tmp_path / "other"
    shutil.copytree(folder, other)
    weights = load_file(other / "model.safetensors")
    weights["model.layers.1.mlp.down_proj.weight"].neg_()
    save_file(weights, other / "model.safetensors", {"format": "pt"})
    template = other / "chat_template.jinja"
    template.write_text(template.read_text().replace("assistant", "tool"))
    write_gguf(other, tmp_path / "other.gguf", "F16")
    return tmp_path / "other.gguf"


def test_positions_are_those_of_the_greedy_answer(half_model_dir: Path) -> None:
    """Each position's most probable token is the next one of the answer, and the distributions are whole."""
    for reference in predict(half_model_dir, PROMPTS, num_positions=5):
        chosen = reference.logprobs.argmax(-1).tolist()
        assert len(chosen) <= 5
        assert chosen[: len(reference.answer)] == reference.answer[: len(chosen)]
        assert np.allclose(np.exp(reference.logprobs.astype(float)).sum(-1), 1, atol=1e-5)


def test_no_prompts_is_an_error_not_a_perfect_score(half_model_dir: Path, half_gguf: Path) -> None:
    with pytest.raises(InputError, match="no prompts"):
        measure_parity(half_model_dir, half_gguf, [])
