"""Batched decoding and scoring give what the model gives to each prompt alone; transformers' own generation is the oracle."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.cache_utils import DynamicCache

from seodang.core.errors import ModelError
from seodang.models.cache import GrowingCache
from seodang.models.chat_model import Message, Sampling
from seodang.models.decoding import choose, decode_batch, predicting_states, shared_prefix, siblings
from seodang.models.local import LocalModel
from seodang.models.scoring_batches import score_rows

SHARED = list(range(5, 40))
RAGGED = [[7, 8, 9], [200], [31, 32, 33, 34, 35, 36, 37], [7, 300, 5, 6, 80]]


@pytest.fixture(scope="module")
def sharp_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with weights ten times as wide, so that its choices are clear and its answers end at different times."""
    folder = tmp_path_factory.mktemp("sharp")
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32)
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "norm" not in name:
                values.mul_(10)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model_dir).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def local(sharp_dir: Path) -> LocalModel:
    return LocalModel(sharp_dir, dtype="float32")


@pytest.fixture(scope="module")
def plain(sharp_dir: Path) -> Any:
    """The same weights, never touched by our code."""
    return AutoModelForCausalLM.from_pretrained(sharp_dir, dtype=torch.float32).eval()


def greedy(plain: Any, prompt: list[int], count: int, stop_ids: frozenset[int]) -> list[int]:
    """What transformers decodes for one prompt alone, without the id that ended it."""
    ids = torch.tensor([prompt])
    options: dict[str, Any] = {"do_sample": False, "max_new_tokens": count, "eos_token_id": sorted(stop_ids), "pad_token_id": 0}
    found = plain.generate(ids, attention_mask=torch.ones_like(ids), **options)[0, len(prompt) :].tolist()
    return found[:-1] if found[-1] in stop_ids else found


@pytest.mark.parametrize("prefix", [[], SHARED], ids=["nothing shared", "a prefix shared"])
@pytest.mark.parametrize("num_samples", [1, 2])
def test_a_batch_is_decoded_as_each_prompt_alone(local: LocalModel, plain: Any, prefix: list[int], num_samples: int) -> None:
    """Ragged lengths, and stop ids chosen so that rows end at different times and leave the batch."""
    prompts = [[*prefix, *rest] for rest in RAGGED]
    free = [greedy(plain, prompt, 16, frozenset({2})) for prompt in prompts]
    stop_ids = frozenset({free[0][3], free[1][8]})
    expected = [greedy(plain, prompt, 16, stop_ids) for prompt in prompts]
    assert len({len(ids) for ids in expected}) > 1
    rows = decode_batch(local.model, prompts, Sampling(16), num_samples, stop_ids, lambda ids: False)
    for samples, ids in zip(rows, expected, strict=True):
        assert [row.token_ids for row in samples] == [ids] * num_samples
        assert {row.finish_reason for row in samples} == {"length" if len(ids) == 16 else "stop"}


@pytest.mark.parametrize("count", [2, 5])
def test_prompts_of_equal_length_after_a_prefix_are_decoded_as_each_alone(local: LocalModel, plain: Any, count: int) -> None:
    prompts = [[*SHARED, 50 + number, 9, 60 - number, 31] for number in range(count)]
    rows = decode_batch(local.model, prompts, Sampling(8), 1, frozenset(), lambda ids: False)
    assert [row.token_ids for (row,) in rows] == [greedy(plain, prompt, 8, frozenset({399})) for prompt in prompts]


@pytest.mark.parametrize("num_samples", [1, 2])
@pytest.mark.parametrize("prefix", [[], SHARED], ids=["nothing in common", "a common prefix"])
def test_siblings_are_decoded_as_each_alone(local: LocalModel, plain: Any, prefix: list[int], num_samples: int) -> None:
    """Two passages with several questions each, of unequal lengths, and a prompt that has no sibling."""
    passages = [[60, 61, 62, 63, 64, 65, 66, 67], [70, 71, 72, 73, 74, 75, 76, 77, 78, 79]]
    questions = [[[9], [8, 30, 31]], [[9], [33], [40, 41, 42]]]
    prompts = [[*prefix, *passage, *rest] for passage, rests in zip(passages, questions, strict=True) for rest in rests]
    prompts.insert(2, [*prefix, 90, 91])
    assert sorted(map(len, siblings(prompts))) == [1, 2, 3]
    rows = decode_batch(local.model, prompts, Sampling(12), num_samples, frozenset(), lambda ids: False)
    for samples, prompt in zip(rows, prompts, strict=True):
        assert [row.token_ids for row in samples] == [greedy(plain, prompt, 12, frozenset({399}))] * num_samples


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=8))
def test_siblings_are_every_place_once_and_share_more_than_half(sequences: list[list[int]]) -> None:
    groups = siblings(sequences)
    assert sorted(place for group in groups for place in group) == list(range(len(sequences)))
    start = shared_prefix(sequences) if len(sequences) > 1 else 0
    for group in groups:
        for place in group[1:]:
            pair = sequences[group[0]], sequences[place]
            assert 2 * (shared_prefix(pair) - start) > max(map(len, pair)) - start


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("same_prompt", [True, False])
def test_rows_of_equal_length_are_scored_as_each_alone(local: LocalModel, plain: Any, count: int, same_prompt: bool) -> None:
    prompts = [[*SHARED, 7 if same_prompt else 50 + number, 9] for number in range(count)]
    continuations = [[70 + number, 8, 90, 91 - number] for number in range(count)]
    for prompt, continuation, target in zip(prompts, continuations, score_rows(local.model, prompts, continuations, 0, 8), strict=True):
        with torch.no_grad():
            logits_TV = plain(torch.tensor([[*prompt, *continuation]])).logits[0, len(prompt) - 1 : -1]
        own = torch.log_softmax(logits_TV, -1).gather(1, torch.tensor(continuation)[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(target.logprobs), own, atol=1e-4, rtol=0)


def test_one_prompt_alone_is_decoded_as_in_a_batch(local: LocalModel, plain: Any) -> None:
    ((row,),) = decode_batch(local.model, [RAGGED[2]], Sampling(8), 1, frozenset(), lambda ids: False)
    assert row.token_ids == greedy(plain, RAGGED[2], 8, frozenset({399}))


@pytest.mark.parametrize(
    "prompts",
    [RAGGED, [[*SHARED, *rest] for rest in RAGGED], [SHARED] * 4, [SHARED[:1]] * 4],
    ids=["nothing shared", "a prefix shared", "one prompt", "one prompt of one id"],
)
def test_scores_are_those_of_a_plain_forward_pass(local: LocalModel, plain: Any, prompts: list[list[int]]) -> None:
    continuations = [[11, 12, 13], [250], [1, 2], [90, 91, 92, 93, 94]]
    scored = score_rows(local.model, prompts, continuations, 7, 8)
    for prompt, continuation, target in zip(prompts, continuations, scored, strict=True):
        with torch.no_grad():
            logits_TV = plain(torch.tensor([[*prompt, *continuation]])).logits[0, len(prompt) - 1 : -1]
        logprobs_TV = torch.log_softmax(logits_TV, -1)
        best = logprobs_TV.topk(7, -1)
        own = logprobs_TV.gather(1, torch.tensor(continuation)[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(target.logprobs), own, atol=1e-4, rtol=0)
        torch.testing.assert_close(torch.tensor(target.top_logprobs), best.values, atol=1e-4, rtol=0)
        at_our_ids = logprobs_TV.gather(1, torch.tensor(target.top_ids))
        torch.testing.assert_close(at_our_ids, best.values, atol=1e-4, rtol=0)


def test_rows_that_differ_in_their_last_token_are_read_once_and_each_has_its_own_score(
    local: LocalModel, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of one question's letters, and rows whose prompt ends where another's continuation goes on."""
    read: list[int] = []

    def noted(model: Any, prompts: Any, continuations: Any) -> Any:
        read.append(len(prompts))
        return predicting_states(model, prompts, continuations)

    monkeypatch.setattr("seodang.models.scoring_batches.predicting_states", noted)
    prompts = [SHARED, SHARED, [*SHARED, 5], SHARED, [*SHARED, 5]]
    continuations = [[11], [12], [13, 14], [5, 13, 15], [13, 16]]
    scored = score_rows(local.model, prompts, continuations, 3, 8)
    assert read == [2]
    for prompt, continuation, target in zip(prompts, continuations, scored, strict=True):
        with torch.no_grad():
            logits_TV = plain(torch.tensor([[*prompt, *continuation]])).logits[0, len(prompt) - 1 : -1]
        logprobs_TV = torch.log_softmax(logits_TV, -1)
        assert target.logprobs == pytest.approx(logprobs_TV.gather(1, torch.tensor(continuation)[:, None])[:, 0].tolist(), abs=1e-4)
        assert target.top_ids == logprobs_TV.topk(3, -1).indices.tolist()


def test_scores_come_in_the_order_of_the_rows_also_over_several_batches(sharp_dir: Path, local: LocalModel) -> None:
    small = LocalModel(sharp_dir, dtype="float32", batch_size=2)
    prompts = [SHARED, RAGGED[0], SHARED, RAGGED[1], SHARED, SHARED, SHARED]
    continuations = [[9, 9, 9], [4], [5, 6], [7, 8, 9], [1], [2, 3, 4, 5], [6]]
    batched = small.score(prompts, continuations, 0)
    for prompt, continuation, target in zip(prompts, continuations, batched, strict=True):
        (alone,) = score_rows(local.model, [prompt], [continuation], 0, 1)
        assert target.logprobs == pytest.approx(alone.logprobs, abs=1e-4)
        assert target.top_ids == []


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=5))
def test_a_shared_prefix_is_the_longest_that_leaves_an_id_to_each(sequences: list[list[int]]) -> None:
    length = shared_prefix(sequences)
    assert all(sequence[:length] == sequences[0][:length] and len(sequence) > length for sequence in sequences)
    one_more = length + 1
    assert any(len(s) == one_more for s in sequences) or len({tuple(s[:one_more]) for s in sequences}) > 1


def test_a_growing_cache_holds_what_transformers_own_holds(plain: Any) -> None:
    """Over more steps than its spare room, and after rows were repeated and chosen."""
    ours, theirs = GrowingCache(), DynamicCache()
    ids = torch.tensor(RAGGED[:1] * 2) + torch.tensor([[0], [50]])
    with torch.no_grad():
        for step in range(70):
            a = plain(input_ids=ids, past_key_values=ours, use_cache=True).logits
            b = plain(input_ids=ids, past_key_values=theirs, use_cache=True).logits
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
            ids = b[:, -1:].argmax(-1)
            if step == 3:
                for cache in (ours, theirs):
                    cache.batch_repeat_interleave(2)
                    cache.batch_select_indices(torch.tensor([3, 0]))
                ids = ids.repeat_interleave(2, 0)[[3, 0]]
    layers: list[tuple[Any, Any]] = list(zip(ours.layers, theirs.layers, strict=True))
    for mine, other in layers:
        torch.testing.assert_close(mine.keys, other.keys, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(mine.values, other.values, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize(("length", "shared"), [(1, 6), (5, 6), (5, 40)])
@pytest.mark.parametrize("at_once", [1, 10**6])
def test_shared_prefix_attention_is_attention_over_the_whole(
    length: int, shared: int, padded: bool, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's attention over prefix and own positions together, with grouped heads, is the oracle.

    Where nothing is padded transformers gives no mask, which means causal.
    """
    from seodang.models.attention import shared_prefix_attention

    monkeypatch.setattr("seodang.models.attention._SCORES", at_once)
    torch.manual_seed(0)
    batch, heads, groups, own, dim = 3, 4, 2, 7, 8
    query = torch.randn(batch, heads, length, dim)
    prefix = torch.randn(1, groups, shared, dim), torch.randn(1, groups, shared, dim)
    key, value = torch.randn(batch, groups, own, dim), torch.randn(batch, groups, own, dim)
    mask = torch.ones(length, own, dtype=torch.bool).tril(own - length).expand(batch, 1, -1, -1).clone()
    if padded:
        mask[1, :, :, :2] = False
    module = torch.nn.Module()
    module.layer_idx = 0  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    module.num_key_value_groups = heads // groups  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    found, _ = shared_prefix_attention(module, query, key, value, mask if padded else None, prefix=[prefix])
    whole_key, whole_value = (torch.cat([p.expand(batch, -1, -1, -1), x], 2) for p, x in zip(prefix, (key, value), strict=True))
    whole_mask = torch.cat([torch.ones(batch, 1, length, shared, dtype=torch.bool), mask], -1)
    expected = torch.nn.functional.scaled_dot_product_attention(query, whole_key, whole_value, whole_mask, enable_gqa=True)
    torch.testing.assert_close(found, expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=20), st.floats(0.05, 1), st.floats(0.2, 2), st.integers(0, 1000))
def test_a_draw_comes_from_the_nucleus(logits: list[float], top_p: float, temperature: float, seed: int) -> None:
    """The ids that are more probable than the drawn one have together no more than top_p."""
    logits_1V = torch.tensor([logits])
    drawn = int(choose(logits_1V, Sampling(1, temperature, top_p, seed), torch.Generator().manual_seed(seed)))
    mass_V = torch.softmax(logits_1V[0].double() / temperature, -1)
    assert mass_V[mass_V > mass_V[drawn]].sum() <= top_p + 1e-5


def test_draws_are_as_frequent_as_their_probabilities() -> None:
    logits_BV = torch.tensor([[0.0, 1.0, 2.0]]).expand(20_000, -1)
    drawn = choose(logits_BV, Sampling(1, temperature=1.0), torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn[:, 0], minlength=3) / len(drawn)
    torch.testing.assert_close(shares, torch.softmax(logits_BV[0], -1), atol=0.02, rtol=0)


def test_equal_seeds_give_equal_text_and_others_another(local: LocalModel) -> None:
    chats = [[Message("user", "Is my line active?")], [Message("user", "Hi")]]
    first, again, other = (local.chat(chats, Sampling(12, 1.0, 1.0, seed), 2) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert first[0][0] != first[0][1]


def test_a_streamed_answer_joins_to_the_whole_one(local: LocalModel) -> None:
    chat = [Message("user", "고객의 요금")]
    for stop in ((), (local.chat([chat], Sampling(12))[0][0].text[4:7],)):
        sampling = Sampling(12, stop=stop)
        pieces = list(local.stream(local.encode_chat(chat), sampling, top_logprobs=2))
        whole = local.chat([chat], sampling)[0][0]
        assert "".join(text for text, _, _ in pieces) == whole.text
        assert [reason for _, _, reason in pieces if reason] == [whole.finish_reason]


def test_an_answer_ends_before_a_stop_text(local: LocalModel) -> None:
    chat = [Message("user", "Is my line active?")]
    text = local.chat([chat], Sampling(16))[0][0].text
    stop = text[5:8]
    cut = local.chat([chat], Sampling(16, stop=("never said", stop)))[0][0]
    assert cut.text == text[: text.index(stop)]
    assert cut.finish_reason == "stop"


def test_pickled_weights_are_refused(sharp_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(sharp_dir, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled weights are refused"):
        LocalModel(tmp_path / "model")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        LocalModel(tmp_path / "nothing")


def test_a_prompt_over_the_context_is_refused_with_its_length(local: LocalModel) -> None:
    with pytest.raises(ModelError, match="1020 tokens"):
        local.complete([[5] * 1020], Sampling(8))
    with pytest.raises(ModelError, match="empty"):
        local.complete([[]], Sampling(8))
