"""What a model computes on a sample of the examples, module by module, without what padding adds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from seodang.distill.packing import Example

_ROWS_TOGETHER = 16


def rows(examples: Sequence[Example], num_samples: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The first `num_samples` examples in batches of like length: ids (B, S), padded on the right where no token looks, and
    which of them are not padding (B, S)."""
    sample = sorted(([*e.prompt_ids, *e.answer_ids] for e in examples[:num_samples]), key=len)
    for first in range(0, len(sample), _ROWS_TOGETHER):
        batch = sample[first : first + _ROWS_TOGETHER]
        ids_BS = torch.zeros((len(batch), max(map(len, batch))), dtype=torch.long)
        mask_BS = torch.zeros_like(ids_BS)
        for row, ids in enumerate(batch):
            ids_BS[row, : len(ids)] = torch.tensor(ids)
            mask_BS[row, : len(ids)] = 1
        yield ids_BS, mask_BS


@torch.no_grad()
def measure(
    model: Any,
    examples: Sequence[Example],
    num_samples: int,
    watched: Mapping[str, torch.nn.Module],
    value: Callable[[str, torch.Tensor, torch.Tensor], torch.Tensor],
) -> Iterator[dict[str, torch.Tensor]]:
    """For each batch of the sample, and each watched module by its key: the mean over a row's tokens of `value(key, input, output)`.

    Input and output are the module's, (B, S, ...); the value is (B, S, C), and its mean (B, C) counts the tokens that are not padding.
    """
    device = next(model.parameters()).device
    found: dict[str, torch.Tensor] = {}
    mask_BS1 = torch.ones(())

    def hook(key: str) -> Callable[..., None]:
        def note(module: torch.nn.Module, given: tuple[Any, ...], made: Any) -> None:
            values_BSC = value(key, given[0], made[0] if isinstance(made, tuple) else made).float()
            found[key] = (values_BSC * mask_BS1).sum(1) / mask_BS1.sum(1)

        return note

    hooks = [module.register_forward_hook(hook(key)) for key, module in watched.items()]
    training = model.training
    model.eval()
    try:
        for ids_BS, mask_BS in rows(examples, num_samples):
            mask_BS1 = mask_BS.to(device)[..., None].float()
            model.base_model(input_ids=ids_BS.to(device), use_cache=False)
            yield found
            found = {}
    finally:
        model.train(training)
        for handle in hooks:
            handle.remove()
