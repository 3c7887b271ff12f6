"""Which experts tokens are given to: how many are hit, and how much more the fullest rank has to do than the mean one."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from seodang.core.errors import InputError

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Routing:
    """How tokens choose experts. Choices of different tokens are taken as independent.

    "uniform": every expert alike, which flatters every machine. "zipf": the i-th most popular expert is drawn with weight
    i ** -`exponent`; experts are dealt to ranks in order of popularity. "recorded": `histogram` has one row of counts for each layer,
    experts in their own order, neighbours on one rank.
    """

    kind: Literal["uniform", "zipf", "recorded"] = "uniform"
    exponent: float = 0.0
    histogram: tuple[tuple[int, ...], ...] = ()


UNIFORM = Routing()
_MOST = 10**15  # tokens that one expert is given: beyond that a count is a slip


def read_routing(path: Path) -> Routing:
    """A recorded histogram: a JSON list of counts, one an expert, or a list of such lists, one a layer. InputError for anything else."""
    hint = "write a JSON list of counts, one an expert, or a list of such lists, one a layer"
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"no histogram that can be read ({error})", where=str(path), hint=hint) from error
    rows: list[Any] = given if isinstance(given, list) and given and isinstance(given[0], list) else [given]
    for row in rows:
        whole = isinstance(row, list) and row and all(isinstance(n, int) and 0 <= n <= _MOST for n in cast("list[object]", row))
        if not whole or len(row) != len(rows[0]) or not sum(row):
            raise InputError("no histogram of experts: counts of 0 or more, as many in each layer, not all 0", where=str(path), hint=hint)
    return Routing("recorded", histogram=tuple(tuple(row) for row in rows))


def parse_routing(text: str) -> Routing:
    """`uniform`, `zipf:EXPONENT`, or the file of a histogram. InputError for anything else."""
    kind, _, number = text.partition(":")
    if kind == "uniform" and not number:
        return UNIFORM
    if kind == "zipf":
        try:
            exponent = float(number)
        except ValueError:
            exponent = math.nan
        if not 0 <= exponent <= 8:
            raise InputError("no exponent of a Zipf law between 0 and 8", where=text, hint="write zipf:0.5")
        return Routing("zipf", exponent)
    if Path(text).is_file():
        return read_routing(Path(text))
    raise InputError("no such routing", where=text, hint="write uniform, zipf:0.5, or name a JSON file of counts, one an expert")


@cache
def experts_hit(routing: Routing, experts: int, top_k: int, tokens: float) -> float:
    """Distinct experts of a layer that `tokens` tokens are given to, expected, as a mean over layers.

    sum over experts of 1 - (1 - p)^tokens with p the chance that a token chooses the expert; uniform: E (1 - (1 - k/E)^tokens).
    """
    if routing.kind == "uniform":
        return experts * -math.expm1(tokens * math.log1p(-top_k / experts)) if top_k < experts else float(experts) * min(1.0, tokens)
    with np.errstate(divide="ignore"):
        return float(-np.expm1(tokens * np.log1p(-chosen(routing, experts, top_k))).sum(axis=1).mean())


@cache
def fullest_rank(routing: Routing, experts: int, top_k: int, tokens: float, ranks: int) -> float:
    """Rows of the fullest of `ranks` ranks with `experts / ranks` experts each, over the mean of all; expected, as a mean over layers.

    A rank's rows are a sum of independent tokens, taken as normal with the mean and variance of sampling without replacement, and the
    ranks as independent: E max = sum over x of 1 - product of P(rank <= x). `ranks` has to divide `experts`.
    """
    if ranks == 1 or tokens <= 0 or not experts:
        return 1.0
    p_LE = chosen(routing, experts, top_k)
    p_LRE = p_LE.reshape(len(p_LE), ranks, -1) if routing.kind == "recorded" else p_LE.reshape(len(p_LE), -1, ranks).swapaxes(1, 2)
    share_LR = p_LRE.sum(axis=2)
    shrink = (experts - top_k) / (experts - 1)  # choosing an expert makes the others less likely: as in the hypergeometric law
    variance_LR = share_LR * (1 - share_LR / top_k) * shrink
    return float(np.mean([_expected_max(tokens * m_R, np.sqrt(tokens * v_R)) for m_R, v_R in zip(share_LR, variance_LR, strict=True)])) / (
        tokens * top_k / ranks
    )


@cache
def _weights(routing: Routing, experts: int) -> Floats:
    """Weights of drawing, (layers, experts)."""
    if routing.kind == "recorded":
        if len(routing.histogram[0]) != experts:
            what = f"a histogram of {len(routing.histogram[0])} experts for a model with {experts}"
            raise InputError(what, where="routing", hint="record the model that is asked for")
        return np.array(routing.histogram, dtype=np.float64)
    return np.arange(1, experts + 1, dtype=np.float64)[None, :] ** -(routing.exponent if routing.kind == "zipf" else 0.0)


@cache
def chosen(routing: Routing, experts: int, top_k: int) -> Floats:
    """The chance that one token is given to each expert, (layers, experts); rows sum to `top_k`.

    Recorded: counts times `top_k` over their sum. Zipf: `top_k` draws without replacement, whose chances are 1 - exp(-c w) with c such that
    they sum to `top_k` (Rosen, Ann. Math. Stat. 43, 1972). InputError where a recorded expert had more tokens than there were.
    """
    w_LE = _weights(routing, experts)
    if routing.kind == "recorded":
        p_LE = top_k * w_LE / w_LE.sum(axis=1, keepdims=True)
        if p_LE.max() > 1 + 1e-9:
            what = f"a histogram in which one expert has more than one of {top_k} choices of every token"
            raise InputError(what, where="routing", hint="count each token once for each of its experts")
        return np.minimum(p_LE, 1.0)
    low, high = 0.0, 1.0
    if top_k >= experts:
        return np.ones_like(w_LE)
    while -np.expm1(-high * w_LE).sum() < top_k:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if -np.expm1(-middle * w_LE).sum() < top_k else (low, middle)
    return -np.expm1(-high * w_LE)


def _expected_max(mean_R: Floats, deviation_R: Floats) -> float:
    """The expected largest of independent whole numbers of 0 or more: normal with corrections for continuity and skew (Edgeworth).

    The skew is that of rare events, deviation / mean.
    """
    top = float((mean_R + 8 * deviation_R).max()) + 1
    step = max(1.0, math.floor(top / 512))  # whole numbers, or at most 512 equal steps
    x_X = np.arange(0.0, top, step)
    z_XR = (x_X[:, None] + step / 2 - mean_R[None, :]) / np.maximum(deviation_R[None, :], 1e-9)
    skew_R = deviation_R / np.maximum(mean_R, 1e-9)
    density_XR = np.exp(-(z_XR**2) / 2) / math.sqrt(2 * math.pi)
    below_XR = _normal_below(z_XR) - skew_R * (z_XR**2 - 1) * density_XR / 6
    return float(step * (1 - np.prod(np.clip(below_XR, 0.0, 1.0), axis=1)).sum())


def _normal_below(z: Floats) -> Floats:
    """The standard normal distribution function, to 1e-7 (Abramowitz and Stegun, 7.1.26)."""
    t = 1 / (1 + 0.3275911 * np.abs(z) / math.sqrt(2))
    series: Sequence[float] = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
    erf = 1 - np.polyval([*series, 0.0], t) * np.exp(-(z**2) / 2)
    return np.asarray(0.5 * (1 + np.sign(z) * erf), dtype=np.float64)
