"""What a teacher gives the tokens that were written, for targets that are no distributions; and how far what is stored is from it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from seodang.core.errors import ModelError
from seodang.distill.align.boundary import boundary_logprobs, boundary_tokens
from seodang.distill.align.target import Likelihoods
from seodang.distill.align.vocabulary import read_vocabulary
from seodang.distill.losses.target import Dense
from seodang.distill.targets.cache import TargetCache, held_states
from seodang.models.chat_model import Distributions


def written_logprobs(logprobs_TV: torch.Tensor, ids: Sequence[int], begins_V: torch.Tensor) -> torch.Tensor:
    """The log-probability of each written token, and the log of the mass of the tokens that begin a word in its place: (T, 2)."""
    own_T = logprobs_TV.gather(1, torch.tensor(list(ids))[:, None])[:, 0]
    fitting_V = F.pad(begins_V, (0, logprobs_TV.shape[-1] - len(begins_V)))  # a model may have more rows than its tokenizer has tokens
    return torch.stack([own_T, boundary_logprobs(logprobs_TV, fitting_V)], -1)


def word_beginnings(teacher: Any) -> torch.Tensor:
    """The mask of a teacher's tokens that begin a word, as long as its tokenizer. ModelError where it has none here, or one that does not
    spell bytes."""
    tokenizer = getattr(teacher, "tokenizer", None)
    if tokenizer is None:
        raise ModelError(
            f"`{teacher.name}` does not say what its tokens spell", hint="use a local teacher for `targets.codec: likelihoods`"
        )
    return boundary_tokens(read_vocabulary(tokenizer))


def whole_distributions(teacher: Distributions, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> Iterator[Dense]:
    """The whole distributions of some answers, in order, one answer's at a time."""
    states = dict(teacher.states(prompts, answers))
    for place in range(len(answers)):
        yield Dense(teacher.distribution(states[place]).cpu())


def certify_written(
    cache: TargetCache, codec: Mapping[str, Any], teacher: Distributions, answers: Mapping[str, Sequence[int]]
) -> dict[str, Any] | None:
    """The certificate of likelihoods in a cache; `answers` are the tokens by their keys. None where no answer that was held out is known.

    They are no distribution: there is no divergence from the teacher's and no gradient of it. `largest_difference` is the largest one in
    nats, over the held-out positions, between a stored number and what the teacher's whole distribution gives.
    """
    slices = [held for held in cache.held_out(codec) if held.key in answers]
    if not slices:
        return None
    begins_V, differences = word_beginnings(teacher), list[float]()
    for held in slices:
        logprobs_TV = teacher.distribution(held_states(held)).cpu()
        stored = cache.get(held.key)
        assert isinstance(stored, Likelihoods)
        ids = np.asarray(answers[held.key])[held.positions].tolist()
        full_T2 = written_logprobs(logprobs_TV, ids, begins_V)
        places = torch.from_numpy(held.positions)
        stored_T2 = torch.stack([stored.logprobs[places], stored.boundary[places]], -1)
        differences.append(float((stored_T2 - full_T2).abs().max()))
    shards = [told for told in cache.shards() if told["codec"] == codec]
    return {
        "codec": dict(codec),
        "num_sequences": len(slices),
        "num_positions": sum(len(held.positions) for held in slices),
        "bytes_per_token": round(sum(told["bytes"] for told in shards) / sum(sum(told["lengths"]) for told in shards), 2),
        "kl": None,
        "total_variation": None,
        "gradient_cosine": None,
        "largest_difference": round(max(differences), 8),
    }
