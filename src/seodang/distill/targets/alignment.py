"""Whether a target's rows stand at the tokens they are about: a shift by one trains well-looking nonsense."""

import math
from collections.abc import Iterable, Sequence

import torch

from seodang.core.errors import ModelError
from seodang.distill.losses.target import Dense, Hidden, Target

_FEWEST_TOKENS = 32  # fewer cannot tell
_ABSENT = 1e-4  # what an id that a ragged target does not hold is taken to have at most


def refuse_shifted_rows(targets: Iterable[Target], answers: Sequence[Sequence[int]], *, synthetic: bool) -> None:
    """ModelError where the written tokens are likelier under the rows one place earlier or later than under their own.

    A teacher with random weights (`synthetic`) predicts nothing, or with tied embeddings what it has just read, so that this tells nothing
    of it; it is let pass, and so are fewer than 32 tokens.
    """
    if synthetic:
        return
    own: list[torch.Tensor] = []
    shifted: dict[int, list[torch.Tensor]] = {-1: [], 1: []}
    for target, answer in zip(targets, answers, strict=True):
        if len(answer) < 3:
            continue
        inner = torch.tensor(list(answer[1:-1]))
        places = torch.arange(1, len(answer) - 1)
        own.append(_written(target.take(places), inner))
        for shift, found in shifted.items():
            found.append(_written(target.take(places + shift), inner))
    if sum(map(len, own)) < _FEWEST_TOKENS:
        return
    for shift, found in shifted.items():
        lead = float((torch.cat(own) - torch.cat(found)).mean())
        if lead < 0:
            raise ModelError(
                f"the teacher's rows do not stand at their tokens: the written tokens are likelier, by {-lead:.2f} nats each, "
                f"under the rows {'before' if shift < 0 else 'after'} their own",
                hint="the engine gives log-probabilities one place off, or scores another text; compare it with a local model",
            )


def _written(target: Target, ids: torch.Tensor) -> torch.Tensor:
    """The log-probability of one id at each position (T,); at most that of 1e-4 where a ragged target does not hold the id."""
    if isinstance(target, Dense | Hidden):
        logits_TV = target.logits if isinstance(target, Dense) else (target.hidden @ target.head.T).float()
        return torch.log_softmax(logits_TV, -1)[torch.arange(len(ids)), ids]
    rows = target.rows
    same = target.ids == ids[rows]
    found = torch.full((len(ids),), math.log(_ABSENT))
    return found.scatter_reduce(0, rows[same], target.logprobs[same].float(), "amax")
