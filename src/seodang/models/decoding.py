"""Batched decoding and scoring of token ids with a Hugging Face causal LM. What a batch's prompts share is computed once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Cache, DynamicCache, PreTrainedModel

from seodang.models import attention, token_tree
from seodang.models.cache import GrowingCache
from seodang.models.chat_model import Sampling
from seodang.models.own_logits import own_logits


@dataclass(frozen=True, slots=True)
class Row:
    """One decoded answer: its token ids without the one that ended it, and why it ended."""

    token_ids: list[int]
    finish_reason: str


def shared_prefix(sequences: Sequence[Sequence[int]]) -> int:
    """How many leading ids all sequences share, leaving at least one id to each."""
    low, high = min(map(tuple, sequences)), max(map(tuple, sequences))
    limit = min(len(sequence) for sequence in sequences) - 1
    length = 0
    while length < limit and low[length] == high[length]:
        length += 1
    return length


def siblings(sequences: Sequence[Sequence[int]]) -> list[list[int]]:
    """Groups of sequences, by their places, that share more than half of what is not common to all: such as one passage with several
    questions. Groups are ordered by length, so that a batch cut from them in order needs little padding."""
    start = shared_prefix(sequences) if len(sequences) > 1 else 0
    groups: list[list[int]] = []
    for place in sorted(range(len(sequences)), key=lambda i: tuple(sequences[i])):
        if groups:
            pair = sequences[groups[-1][0]], sequences[place]
            if 2 * (shared_prefix(pair) - start) > max(map(len, pair)) - start:
                groups[-1].append(place)
                continue
        groups.append([place])
    return sorted(groups, key=lambda group: max(len(sequences[place]) for place in group))


SharedPrefix = list[tuple[torch.Tensor, torch.Tensor]]


def read_prefix(model: PreTrainedModel, prefix: Sequence[int]) -> SharedPrefix | None:
    """Keys and values of a prefix, (1, G, P, D) for each layer; None where there is nothing to share."""
    if not prefix:
        return None
    seen: SharedPrefix = []
    model.base_model(input_ids=torch.tensor([list(prefix)], device=model.device), use_cache=False, seen=seen)
    return seen


def shares_prefix(model: PreTrainedModel) -> bool:
    """Whether the model's attention is the one that meets a shared prefix."""
    config: Any = model.config
    return config._attn_implementation == attention.NAME


def new_cache(model: PreTrainedModel) -> Cache:
    """An empty cache: one with room to grow, or what the model's own attention needs."""
    return GrowingCache() if shares_prefix(model) else DynamicCache(config=model.config)


def choose(logits_BV: torch.Tensor, sampling: Sampling, generator: torch.Generator | None) -> torch.Tensor:
    """The next id of each row, shape (B, 1): the most probable, or a draw from the nucleus of mass top_p."""
    if sampling.temperature == 0.0:
        return logits_BV.argmax(-1, keepdim=True)
    # The nucleus is looked for among the 256 best ids; what lies beyond them is never drawn.
    best_BK, ids_BK = logits_BV.float().topk(min(256, logits_BV.shape[-1]), -1)
    mass_BK = torch.softmax(best_BK / sampling.temperature, -1)
    before_BK = mass_BK.cumsum(-1) - mass_BK
    mass_BK = mass_BK.masked_fill(before_BK > sampling.top_p, 0.0)
    return ids_BK.gather(1, torch.multinomial(mass_BK, 1, generator=generator))


@torch.inference_mode()
def decode_batch(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    num_samples: int,
    stop_ids: frozenset[int],
    stopped_by_text: Callable[[list[int]], bool],
    restrict: Callable[[torch.Tensor, Sequence[int], Sequence[Sequence[int]]], torch.Tensor] | None = None,
) -> list[list[Row]]:
    """`num_samples` answers to each prompt. Rows that have ended leave the batch once they are a quarter of it.

    `restrict` is given the next logits (B, V), the answer to which each row belongs, and the ids of all answers so far.
    """
    device = model.device
    start = shared_prefix(prompts) if len(prompts) > 1 and shares_prefix(model) else 0
    cache = new_cache(model)
    options: dict[str, Any] = {"past_key_values": cache, "use_cache": True}
    if prefix := read_prefix(model, prompts[0][:start]):
        options["prefix"] = prefix
    logits_BV, mask_BS, positions_BT = _read_prompts(model, [list(prompt[start:]) for prompt in prompts], start, options)
    if num_samples > 1:
        cache.batch_repeat_interleave(num_samples)
        logits_BV, mask_BS, positions_BT = (x.repeat_interleave(num_samples, 0) for x in (logits_BV, mask_BS, positions_BT))
    generator = torch.Generator(device=device).manual_seed(sampling.seed)
    last_B1 = positions_BT[:, -1:]
    found: list[list[int]] = [[] for _ in range(len(prompts) * num_samples)]
    reasons = ["length"] * len(found)
    batch = list(range(len(found)))  # which answer each row of the batch belongs to
    alive = set(batch)
    for step in range(sampling.max_new_tokens):
        next_B1 = choose(restrict(logits_BV, batch, found) if restrict else logits_BV, sampling, generator)
        for answer, token in zip(batch, next_B1[:, 0].tolist(), strict=True):
            if answer not in alive:
                continue
            if token in stop_ids:
                reasons[answer] = "stop"
                alive.remove(answer)
                continue
            found[answer].append(token)
            if stopped_by_text(found[answer]):
                reasons[answer] = "stop"
                alive.remove(answer)
        if not alive or step == sampling.max_new_tokens - 1:
            break
        if len(alive) <= 0.75 * len(batch):
            staying = [row for row, answer in enumerate(batch) if answer in alive]
            keep = torch.tensor(staying, device=device)
            cache.batch_select_indices(keep)
            next_B1, mask_BS, last_B1 = next_B1[keep], mask_BS[keep], last_B1[keep]
            batch = [batch[row] for row in staying]
        mask_BS = torch.cat([mask_BS, mask_BS.new_ones((len(batch), 1))], 1)
        last_B1 = last_B1 + 1
        output = model(input_ids=next_B1, attention_mask=mask_BS, position_ids=last_B1, **options)
        logits_BV = output.logits[:, -1]
    rows = [Row(ids, reason) for ids, reason in zip(found, reasons, strict=True)]
    return [rows[i * num_samples : (i + 1) * num_samples] for i in range(len(prompts))]


def _read_prompts(
    model: PreTrainedModel, rests: list[list[int]], start: int, options: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Fills the cache with what follows the common prefix. What siblings share is read in one row and then given to each of them.

    Returns the logits after each prompt (B, V), the mask of the cached positions (B, S) and the positions that were read last.
    """
    groups = siblings(rests)
    if len(groups) == len(rests) or not shares_prefix(model):
        return _read(model, rests, [start] * len(rests), None, options)
    owners = torch.zeros(len(rests), dtype=torch.long)
    lengths = [0] * len(rests)
    stems: list[list[int]] = []
    for group in groups:
        length = shared_prefix([rests[place] for place in group]) if len(group) > 1 else len(rests[group[0]]) - 1
        for place in group:
            owners[place], lengths[place] = len(stems), length
        stems.append(rests[group[0]][:length])
    if not all(stems):
        return _read(model, rests, [start] * len(rests), None, options)
    _, mask_GS, _ = _read(model, stems, [start] * len(stems), None, options)
    owners = owners.to(model.device)
    options["past_key_values"].batch_select_indices(owners)
    tails = [rest[length:] for rest, length in zip(rests, lengths, strict=True)]
    return _read(model, tails, [start + length for length in lengths], mask_GS[owners], options)


def _read(
    model: PreTrainedModel, rows: list[list[int]], starts: list[int], past_BS: torch.Tensor | None, options: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Reads rows that begin at positions `starts`, padded on the left, after what the cache holds (`past_BS` is its mask)."""
    device = model.device
    width = max(map(len, rows))
    ids_BT = torch.zeros((len(rows), width), dtype=torch.long, device=device)
    mask_BT = torch.zeros((len(rows), width), dtype=torch.long, device=device)
    for place, row in enumerate(rows):
        ids_BT[place, width - len(row) :] = torch.tensor(row)
        mask_BT[place, width - len(row) :] = 1
    positions_BT = torch.tensor(starts, device=device)[:, None] + (mask_BT.cumsum(1) - 1).clamp(min=0)
    mask_BS = mask_BT if past_BS is None else torch.cat([past_BS, mask_BT], 1)
    output = model(input_ids=ids_BT, attention_mask=mask_BS, position_ids=positions_BT, logits_to_keep=1, **options)
    return output.logits[:, -1], mask_BS, positions_BT


@torch.inference_mode()
def predicting_states(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]
) -> list[torch.Tensor]:
    """The last hidden states that predict the tokens of each continuation, after its prompt: (T, H) each."""
    # The last token is predicted and predicts nothing: it is not read.
    sequences = [[*prompt, *continuation[:-1]] for prompt, continuation in zip(prompts, continuations, strict=True)]
    read = _read_as_trees(model, prompts, sequences) if shares_prefix(model) else _read_as_rows(model, sequences)
    return [
        states_SH[states_SH.shape[0] - len(sequence) + len(prompt) - 1 :][: len(continuation)]
        for states_SH, sequence, prompt, continuation in zip(read, sequences, prompts, continuations, strict=True)
    ]


def _read_as_trees(model: PreTrainedModel, prompts: Sequence[Sequence[int]], sequences: list[list[int]]) -> list[torch.Tensor]:
    """The last hidden states of each sequence, or of what follows the prompts' common prefix: (S, H) each."""
    order = sorted(range(len(sequences)), key=sequences.__getitem__)
    start = 0 if token_tree.fit_together([sequences[row] for row in order]) or len(prompts) == 1 else shared_prefix(prompts)
    options: dict[str, Any] = {"use_cache": False}
    if prefix := read_prefix(model, prompts[0][:start]):
        options["prefix"] = prefix
    rests = [sequences[row][start:] for row in order]
    found: dict[int, torch.Tensor] = {}
    for some in token_tree.small_trees(rests):
        tree = token_tree.grow(rests[some], start)
        ids, positions = tree.ids.to(model.device), tree.positions.to(model.device)
        visible = None if tree.visible is None else tree.visible.to(model.device)
        states_NH = model.base_model(input_ids=ids, position_ids=positions, attention_mask=visible, **options).last_hidden_state[0]
        found |= {row: states_NH[places] for row, places in zip(order[some], tree.places, strict=True)}
    return [found[row] for row in range(len(sequences))]


def _read_as_rows(model: PreTrainedModel, sequences: list[list[int]]) -> list[torch.Tensor]:
    """The last hidden states of each sequence, (S, H) each, read as rows that are padded on the right."""
    width = max(map(len, sequences))
    ids_BS = torch.zeros((len(sequences), width), dtype=torch.long, device=model.device)
    mask_BS = torch.zeros((len(sequences), width), dtype=torch.long, device=model.device)
    for row, sequence in enumerate(sequences):
        ids_BS[row, : len(sequence)] = torch.tensor(sequence)
        mask_BS[row, : len(sequence)] = 1
    positions_BS = torch.arange(width, device=model.device).expand(len(sequences), -1)
    states_BSH = model.base_model(input_ids=ids_BS, attention_mask=mask_BS, position_ids=positions_BS, use_cache=False).last_hidden_state
    return [states_BSH[row, : len(sequence)] for row, sequence in enumerate(sequences)]


@torch.inference_mode()
def distribution(model: PreTrainedModel, states_TH: torch.Tensor) -> torch.Tensor:
    """Natural-log probabilities (T, V) float32 of the model's head at hidden states, with what its architecture does to logits."""
    return torch.log_softmax(own_logits(model, states_TH).float(), -1)
