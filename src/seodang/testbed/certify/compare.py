"""How far two outputs are from each other, and how far they may be."""

from collections.abc import Mapping

import numpy as np

# Half a unit in the last place, relative: float32 has 24 significant bits, bfloat16 8, float16 11.
UNIT: Mapping[str, float] = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8 / 2, "float16": 2.0**-11}

# KL(truth || backend) of next-token distributions in nats, worst position. Float32 as the project promises; the others as a tiny model of
# three layers moves when every value is rounded.
_KL_LIMIT: Mapping[str, float] = {"float64": 1e-6, "float32": 1e-6, "float16": 1e-3, "bfloat16": 5e-2}
_ROUTED = 10.0  # times that below float32 where experts that are nearly equally good change places


def kl_limit(dtype: str, family: str) -> float:
    """How far a distribution of a tiny model may be from the truth's, in nats."""
    return _KL_LIMIT[dtype] * (_ROUTED if family == "latent" and UNIT[dtype] > UNIT["float32"] else 1.0)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities over the last axis in float64. Logits up to a constant give the same."""
    wide = np.asarray(logits, np.float64)
    raised = wide - wide.max(-1, keepdims=True)
    return raised - np.log(np.exp(raised).sum(-1, keepdims=True))


def worst_kl(truth_BV: np.ndarray, found_BV: np.ndarray) -> float:
    """KL(truth || found) of the worst row, in nats; not a number where a value is not finite or the shapes differ."""
    if truth_BV.shape != found_BV.shape or not np.isfinite(found_BV).all():
        return float("nan")
    p, q = log_softmax(truth_BV), log_softmax(found_BV)
    return float(max((np.exp(p) * (p - q)).sum(-1).max(), 0.0))


def nmse(truth: np.ndarray, found: np.ndarray) -> float:
    """Mean squared error over mean square of the truth: 1 for an output of zeros. Not a number where a value is not finite."""
    if truth.shape != found.shape:
        return float("nan")
    error = np.asarray(found, np.float64) - truth
    size = float(np.mean(truth * truth))
    return float(np.mean(error * error)) / size if size else float(np.mean(error * error))


def max_ulp(truth: np.ndarray, found: np.ndarray, dtype: str) -> float:
    """The largest error in units in the last place of `dtype`, each at the size of its value or of the root mean square of its row, where
    that is larger (a sum that cancels is as exact as its terms)."""
    if truth.shape != found.shape:
        return float("nan")
    if not truth.size:
        return 0.0
    rows = truth.reshape(-1, truth.shape[-1])
    size = np.maximum(np.abs(rows), np.sqrt((rows * rows).mean(-1, keepdims=True)))
    size = np.maximum(size, 2.0**-126)
    spacing = 2.0 ** np.floor(np.log2(size)) * 2 * UNIT[dtype]
    return float((np.abs(np.asarray(found, np.float64).reshape(rows.shape) - rows) / spacing).max())
