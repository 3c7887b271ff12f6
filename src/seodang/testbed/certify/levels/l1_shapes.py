"""The shapes of level 1: A.X K1's and Llama 3.1 8B's own, and small ones that prove the kit.

Sources: AXK1Config of transformers 5.23 (the model of arXiv:2601.09200); the configuration of meta-llama/Llama-3.1-8B.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from seodang.testbed.certify.subject import Family, Shapes


@dataclass(frozen=True, slots=True)
class OperatorShapes:
    """One model's. Products are (in, out); of the output head `tile` columns are taken at its begin, in its middle and at its end."""

    products: Mapping[str, tuple[int, int]]
    hidden: int
    vocabulary: int
    tile: int
    norms: tuple[int, ...]
    intermediate: tuple[int, ...]
    heads: int
    kv_heads: int
    width: int  # of a head; of A.X K1 the part that is turned
    contexts: tuple[int, ...]
    far: int  # positions that one head is turned at
    nope: int = 0
    value: int = 0
    rank: int = 0
    experts: int = 0
    groups: int = 0
    topk_group: int = 0
    top_k: int = 0
    expert_width: int = 0


_AXK1 = OperatorShapes(
    products={
        "q_a": (7168, 1536),
        "q_b": (1536, 12_288),
        "kv_a": (7168, 576),
        "kv_b": (512, 16_384),
        "o": (8192, 7168),
        "expert gate and up": (7168, 2048),
        "expert down": (2048, 7168),
        "dense gate and up": (7168, 18_432),
        "dense down": (18_432, 7168),
    },
    hidden=7168, vocabulary=163_840, tile=8192, norms=(7168, 1536, 512), intermediate=(2048, 18_432), heads=64, kv_heads=1, width=64,
    contexts=(1, 33, 257), far=131_072, nope=128, value=128, rank=512, experts=192, groups=8, topk_group=4, top_k=8, expert_width=2048,
)  # fmt: skip
_LLAMA = OperatorShapes(
    products={"q and o": (4096, 4096), "k and v": (4096, 1024), "gate and up": (4096, 14_336), "down": (14_336, 4096)},
    hidden=4096, vocabulary=128_256, tile=8192, norms=(4096,), intermediate=(14_336,), heads=32, kv_heads=8, width=128,
    contexts=(1, 33, 385), far=131_072,
)  # fmt: skip
_SMALL_LATENT = OperatorShapes(
    products={"q_a": (256, 96), "expert down": (64, 256)},
    hidden=256, vocabulary=4096, tile=256, norms=(256, 48), intermediate=(64,), heads=8, kv_heads=1, width=16, contexts=(1, 33),
    far=8192, nope=32, value=24, rank=48, experts=64, groups=8, topk_group=4, top_k=8, expert_width=64,
)  # fmt: skip
_SMALL_LLAMA = OperatorShapes(
    products={"q and o": (256, 256), "down": (448, 256)},
    hidden=256, vocabulary=4096, tile=256, norms=(256,), intermediate=(448,), heads=8, kv_heads=2, width=32, contexts=(1, 33), far=8192,
)  # fmt: skip

SHAPES: Mapping[tuple[Shapes, Family], OperatorShapes] = {
    ("real", "latent"): _AXK1,
    ("real", "llama"): _LLAMA,
    ("small", "latent"): _SMALL_LATENT,
    ("small", "llama"): _SMALL_LLAMA,
}
