"""Given tokens scored in batches: what is alike is read once, and the head is put to many states at a time."""

from collections.abc import Iterator, Sequence

import torch
from transformers import PreTrainedModel

from seodang.models.chat_model import TokenTargets
from seodang.models.decoding import distribution, predicting_states, siblings
from seodang.models.token_tree import walk

_FEWEST_TOGETHER = 4  # fewer rows that share a passage are scored with others
_HEAD_TOKENS = 64  # states that meet the head at once: its weights are read once for them, and their distributions fit into memory


def score_rows(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int, batch_size: int
) -> list[TokenTargets]:
    """The model's distribution at every token of each continuation, after its prompt.

    The last token of a continuation is predicted and not read. So rows that differ in it alone, such as the letters of one question, are
    one row of the batch.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for row, (prompt, continuation) in enumerate(zip(prompts, continuations, strict=True)):
        alike.setdefault((*prompt, *continuation[:-1]), []).append(row)
    groups = [sorted(rows, key=lambda row: -len(continuations[row])) for rows in alike.values()]
    firsts = [rows[0] for rows in groups]
    targets = [_blank(len(continuation), top_k) for continuation in continuations]
    for places in scoring_batches([prompts[row] for row in firsts], [continuations[row] for row in firsts], batch_size):
        read = [firsts[place] for place in places]
        found = predicting_states(model, [prompts[row] for row in read], [continuations[row] for row in read])
        # What predicts a token is told by all that stands before it, which many rows may have in common.
        nodes: dict[tuple[int, int], int] = {}
        states: dict[int, torch.Tensor] = {}
        for row, states_TH in zip(read, found, strict=True):
            states |= zip(_before(nodes, prompts[row], continuations[row]), states_TH, strict=True)
        predicted: dict[int, list[tuple[int, int]]] = {}
        for row in (row for place in places for row in groups[place]):
            for number, node in enumerate(_before(nodes, prompts[row], continuations[row])):
                predicted.setdefault(node, []).append((row, number))
        asked = list(predicted)
        for start in range(0, len(asked), _HEAD_TOKENS):
            some = asked[start : start + _HEAD_TOKENS]
            states_NH = torch.stack([states[node] for node in some])
            _put_to_head(model, states_NH, [predicted[node] for node in some], continuations, top_k, targets)
    return targets


def _before(nodes: dict[tuple[int, int], int], prompt: Sequence[int], continuation: Sequence[int]) -> list[int]:
    """The node before each token of a continuation, in a tree of all that was read."""
    return walk(nodes, [*prompt, *continuation[:-1]])[len(prompt) - 1 :][: len(continuation)]


def _blank(length: int, top_k: int) -> TokenTargets:
    kept = length if top_k else 0
    return TokenTargets(top_ids=[[] for _ in range(kept)], top_logprobs=[[] for _ in range(kept)], logprobs=[0.0] * length)


def scoring_batches(prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Rows to score together. Siblings share a batch, so that what they share is read once; what is left is sorted by length."""
    groups = siblings(prompts)
    alone = [row for rows in groups if len(rows) < _FEWEST_TOGETHER for row in rows]
    for rows in (rows for rows in groups if len(rows) >= _FEWEST_TOGETHER):
        rows.sort(key=lambda row: len(prompts[row]) + len(continuations[row]))
        yield from (rows[first : first + size] for first in range(0, len(rows), size))
    alone.sort(key=lambda row: len(prompts[row]) + len(continuations[row]))
    yield from (alone[first : first + size] for first in range(0, len(alone), size))


@torch.inference_mode()
def _put_to_head(
    model: PreTrainedModel,
    states_NH: torch.Tensor,
    predicted: Sequence[Sequence[tuple[int, int]]],
    continuations: Sequence[Sequence[int]],
    top_k: int,
    targets: Sequence[TokenTargets],
) -> None:
    """Fills the targets in: `predicted` says of each state which rows' tokens it predicts, and which of their tokens these are."""
    logprobs_NV = distribution(model, states_NH)
    best = logprobs_NV.topk(min(top_k, logprobs_NV.shape[-1]), -1) if top_k else None
    top_ids, top_logprobs = (best.indices.tolist(), best.values.tolist()) if best else ([], [])
    spots = [(place, row, number) for place, at in enumerate(predicted) for row, number in at]
    places, tokens = [place for place, _, _ in spots], [continuations[row][number] for _, row, number in spots]
    for (place, row, number), chosen in zip(spots, logprobs_NV[places, tokens].tolist(), strict=True):
        targets[row].logprobs[number] = chosen
        if top_k:
            targets[row].top_ids[number], targets[row].top_logprobs[number] = top_ids[place], top_logprobs[place]
