"""The two forms of multi-head latent attention (arXiv:2405.04434), by the products that they take.

Absorbed, queries are brought to the latents and the result is brought back: a decoding step reads the cache as it lies. Not absorbed, keys
and values are made of all latents, which pays where many queries share them.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def latent_products(attributes: Mapping[str, Any], lengths: Sequence[int], pairs: int, keys: Sequence[int], *, absorbed: bool) -> int:
    """Multiplications of a node `latent_attention` for feeds of `lengths` tokens over `keys` in their caches, with `pairs` of a query and
    a key."""
    nope, rope, value, rank = (attributes[name] for name in ("nope", "rope", "value", "rank"))
    brought = (sum(lengths) if absorbed else sum(keys)) * rank * (nope + value)
    return attributes["num_heads"] * (brought + pairs * (2 * rank + rope if absorbed else nope + rope + value))


def absorbs(attributes: Mapping[str, Any], lengths: Sequence[int], keys: Sequence[int]) -> bool:
    """Whether the absorbed form takes no more products, where every query is multiplied with every key of its sequence."""
    pairs = sum(n * s for n, s in zip(lengths, keys, strict=True))
    brought, made = (latent_products(attributes, lengths, pairs, keys, absorbed=absorbed) for absorbed in (True, False))
    return brought <= made
