"""Level 1, operators at real shapes against float64."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seodang.backends.frequencies import rotary_frequencies
from seodang.testbed.certify.check import LATENT, Check
from seodang.testbed.certify.finding import Case, Outcome, outcome
from seodang.testbed.certify.levels.l1_shapes import SHAPES, OperatorShapes
from seodang.testbed.certify.levels.operators import Trial, judge, power_of_two, random_array, runner, truth_of
from seodang.testbed.certify.subject import Subject

_TOKENS = 13
_EXPECTED = "float64 within what the type allows"


def shapes_of(subject: Subject) -> OperatorShapes:
    """The shapes of the subject's family."""
    return SHAPES[subject.shapes, subject.family]


def _all(subject: Subject, trials: Sequence[Trial], look: str) -> Outcome:
    cases: list[Case] = []
    for trial in trials:
        cases += judge(subject, trial)
    return outcome(cases, expected=_EXPECTED, look=look)


def product(name: str, size: tuple[int, int], tokens: int, seed: int, *, bias: bool = False) -> Trial:
    """x (tokens, in) times a weight (out, in)."""
    width, out = size
    weights = {"weight": random_array((out, width), seed, power_of_two(width**-0.5))}
    if bias:
        weights["bias"] = random_array((out,), seed + 7)
    x = random_array((tokens, width), seed + 11)
    return Trial(f"{name} {width} x {out}, {tokens} tokens", "linear", [x], weights, terms=width, roundings=1 + bias)


def products(subject: Subject) -> Outcome:
    """Every product of the model: one token, and several."""
    runner(subject)
    cases: list[Case] = []
    for seed, (name, size) in enumerate(shapes_of(subject).products.items()):
        several = product(name, size, _TOKENS, seed)
        one = replace(several, name=several.name.replace(f"{_TOKENS} tokens", "1 token"), inputs=[several.inputs[0][:1]])
        truth = truth_of(several)
        cases += judge(subject, one, truth[:1]) + judge(subject, several, truth)
    cases += judge(subject, product("with a bias", next(iter(shapes_of(subject).products.values())), 3, 31, bias=True))
    return outcome(cases, expected=_EXPECTED, look="`linear`: the type that sums are kept in, tiles at the edges, scales of blocks")


def output_head(subject: Subject) -> Outcome:
    """The product with the output head, in tiles of its columns: the first, one in the middle, the last."""
    runner(subject)
    shapes = shapes_of(subject)
    cases: list[Case] = []
    for begin in (0, shapes.vocabulary // 2, shapes.vocabulary - shapes.tile):
        trial = product(f"columns {begin} to {begin + shapes.tile} of {shapes.vocabulary},", (shapes.hidden, shapes.tile), 2, begin % 1009)
        cases += judge(subject, trial)
    return outcome(cases, expected=_EXPECTED, look="`linear` with many columns")


def embedding(subject: Subject) -> Outcome:
    """Rows of the table as they are, the first and the last among them, one more than once."""
    runner(subject)
    shapes = shapes_of(subject)
    table = random_array((shapes.tile, shapes.hidden), 2)
    ids = np.array([0, 1, shapes.tile - 1, 5, 5, shapes.tile // 2, 0], np.int64)
    return _all(subject, [Trial(f"{len(ids)} of {shapes.tile} rows", "embedding", [ids], {"table": table})], "`embedding`")


def norms(subject: Subject) -> Outcome:
    """Root-mean-square norms of every width, of rows of usual, very small and very large values."""
    runner(subject)
    trials: list[Trial] = []
    for seed, width in enumerate(shapes_of(subject).norms):
        x = random_array((_TOKENS, width), seed) * np.array([2.0 ** (4 * (row - 6)) for row in range(_TOKENS)], np.float32)[:, None]
        scale = 1 + random_array((width,), seed + 5, 0.25)
        weights = {"scale": np.asarray(scale.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)}
        trials.append(Trial(f"width {width}", "rms_norm", [x], weights, {"eps": 1e-6}, terms=width, roundings=4))
    return _all(subject, trials, "`rms_norm`: the type of the mean, and where epsilon is added")


def split(subject: Subject) -> Outcome:
    """Columns of each head, the first and the last ones."""
    runner(subject)
    shapes = shapes_of(subject)
    first, second = shapes.nope or shapes.width // 2, shapes.width
    x = random_array((_TOKENS, shapes.heads * (first + second)), 3)
    places = {"first": (0, first), "last": (first, first + second)}
    trials = [
        Trial(f"{name} of {shapes.heads} heads", "split", [x], {}, {"heads": shapes.heads, "start": start, "stop": stop})
        for name, (start, stop) in places.items()
    ]
    return _all(subject, trials, "`split`: heads")


def rotary(subject: Subject) -> Outcome:
    """Positions from 0 to far ones, all heads and one head, with YaRN and without. An angle is as exact as a position in float32."""
    runner(subject)
    shapes = shapes_of(subject)
    stretched = {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096}
    trials: list[Trial] = []
    for name, told in {"plain": {}, "YaRN": stretched}.items():
        config: dict[str, Any] = {"rope_theta": 10_000.0, "max_position_embeddings": 131_072, "rope_scaling": told}
        frequencies, magnitude = rotary_frequencies(config, shapes.width)
        for heads, tokens in ((shapes.heads, 512), (1, shapes.far)):
            attributes = {
                "heads": heads, "frequencies": frequencies, "interleaved": subject.family == "latent", "magnitude": magnitude,
            }  # fmt: skip
            x = random_array((tokens, heads * shapes.width), 4)
            label = f"{name}, {heads} heads, positions to {tokens - 1}"
            trials.append(Trial(label, "rotary", [x], {}, attributes, roundings=8, angle=tokens * max(frequencies)))
    return _all(subject, trials, "`rotary`: the type of positions and angles")


def attention(subject: Subject) -> Outcome:
    """Grouped-query attention over contexts of one token and many."""
    runner(subject)
    s = shapes_of(subject)
    attributes = {"num_heads": s.heads, "num_kv_heads": s.kv_heads, "head_width": s.width, "scale": s.width**-0.5, "layer": 0}
    trials: list[Trial] = []
    for tokens in s.contexts:
        sizes = (s.heads, s.kv_heads, s.kv_heads)
        inputs = [random_array((tokens, count * s.width), seed) for seed, count in enumerate(sizes)]
        trials.append(Trial(f"context {tokens}", "attention", inputs, {}, attributes, terms=s.width + tokens, roundings=24))
    return _all(subject, trials, "`attention`: the softmax, key heads, the causal mask")


def latent_attention(subject: Subject) -> Outcome:
    """Latent attention of all heads over contexts of one token and many."""
    runner(subject)
    s = shapes_of(subject)
    kv_b = random_array((s.heads * (s.nope + s.value), s.rank), 1, power_of_two(s.rank**-0.5))
    attributes = {
        "num_heads": s.heads, "nope": s.nope, "rope": s.width, "value": s.value, "rank": s.rank,
        "scale": (s.nope + s.width) ** -0.5, "layer": 0,
    }  # fmt: skip
    trials: list[Trial] = []
    for tokens in s.contexts:
        widths = (s.heads * s.nope, s.heads * s.width, s.rank, s.width)
        inputs = [random_array((tokens, width), seed) for seed, width in enumerate(widths)]
        trials.append(
            Trial(f"context {tokens}", "latent_attention", inputs, {"kv_b": kv_b}, attributes, terms=2 * s.rank + tokens, roundings=48)
        )
    return _all(subject, trials, "`latent_attention`: how kv_b is cut, absorbed queries, the softmax")


def swiglu(subject: Subject) -> Outcome:
    """silu(gate) * up of usual and of large values, where the exponential would overflow."""
    runner(subject)
    trials: list[Trial] = []
    for seed, width in enumerate(shapes_of(subject).intermediate):
        for size in (1.0, 128.0):
            inputs = [random_array((_TOKENS, width), seed, size), random_array((_TOKENS, width), seed + 1)]
            trials.append(Trial(f"width {width}, size {size:.0f}", "swiglu", inputs, {}, {}, roundings=6))
    return _all(subject, trials, "`swiglu`: the sigmoid")


def router_trial(subject: Subject, tokens: int) -> Trial:
    """Tokens whose experts are chosen by the widest margins of many, so that rounding chooses no others."""
    s = shapes_of(subject)
    weight = random_array((s.experts, s.hidden), 2, power_of_two(1.5 * s.hidden**-0.5))
    bias = random_array((s.experts,), 3, 0.125)
    x = random_array((24 * tokens, s.hidden), 1)
    scores = 1 / (1 + np.exp(-(x.astype(np.float64) @ weight.T)))
    groups = (scores + bias).reshape(len(x), s.groups, -1)
    sums = np.sort(np.sort(groups, -1)[..., -2:].sum(-1), -1)[:, ::-1]
    allowed = np.sort(groups, -1)[..., -2:].sum(-1) >= sums[:, s.topk_group - 1 : s.topk_group]
    best = np.sort(np.where(allowed[..., None], groups, -np.inf).reshape(len(x), -1), -1)[:, ::-1]
    margin = np.minimum(best[:, s.top_k - 1] - best[:, s.top_k], sums[:, s.topk_group - 1] - sums[:, s.topk_group])
    chosen = np.sort(np.argsort(-margin)[:tokens])
    attributes = {
        "score": "sigmoid", "top_k": s.top_k, "num_groups": s.groups, "topk_group": s.topk_group, "normalised": True, "scaling": 2.5,
    }  # fmt: skip
    name = f"{s.experts} experts in {s.groups} groups, {tokens} tokens"
    return Trial(name, "router", [x[chosen]], {"weight": weight, "bias": bias}, attributes, terms=s.hidden, roundings=16)


def router(subject: Subject) -> Outcome:
    """The router's choice and its mixing weights, all groups and experts."""
    runner(subject)
    return _all(subject, [router_trial(subject, 32)], "`router`: scores in float32, groups, bias, normalisation, factor")


def experts(subject: Subject) -> Outcome:
    """A few experts of full size; one gets no token, one all, and tokens differ in how many they have."""
    runner(subject)
    s, count = shapes_of(subject), 3
    mixing = np.zeros((7, count), np.float32)
    mixing[:, 0], mixing[2:4, 2], mixing[6, 0] = 0.5, 1.25, 0.0
    weights = {
        f"{role}.{e}": random_array(shape, place + 3 * e, power_of_two(shape[1] ** -0.5))
        for e in range(count)
        for place, (role, shape) in enumerate(
            {"gate": (s.expert_width, s.hidden), "up": (s.expert_width, s.hidden), "down": (s.hidden, s.expert_width)}.items()
        )
    }
    x = random_array((7, s.hidden), 1)
    terms = s.hidden + s.expert_width
    trial = Trial(f"{count} experts {s.hidden} x {s.expert_width}", "experts", [x, mixing], weights, {}, terms=terms, roundings=16)
    return _all(subject, [trial], "`experts`: who gets which token, and the sum")


def sums_and_rows(subject: Subject) -> Outcome:
    """The residual sum, and the last row of a sequence."""
    runner(subject)
    hidden = shapes_of(subject).hidden
    a, b = random_array((_TOKENS, hidden), 1), random_array((_TOKENS, hidden), 2)
    trials = [Trial("add", "add", [a, b], {}, {}, roundings=1), Trial("last", "last", [a])]
    return _all(subject, trials, "`add`, `last`")


CHECKS = (
    Check(products),
    Check(output_head),
    Check(embedding),
    Check(norms),
    Check(rotary),
    Check(attention, ("llama",)),
    Check(split, LATENT),
    Check(latent_attention, LATENT),
    Check(swiglu),
    Check(router, LATENT),
    Check(experts, LATENT),
    Check(sums_and_rows),
)
