"""Rotary frequencies from a model's configuration: plain, linear, Llama 3's and YaRN."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from seodang.backends.contract import Unsupported


def rotary_frequencies(config: Mapping[str, Any], width: int) -> tuple[tuple[float, ...], float]:
    """The angle of each pair at position 1 (width / 2), and the factor that both halves are multiplied by. Unsupported for a kind that is
    not known.

    Sources: arXiv:2104.09864; Llama 3.1's model card; YaRN, arXiv:2309.00071.
    """
    told: Mapping[str, Any] = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = float(told.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    plain = base ** -(np.arange(0, width, 2, dtype=np.float64) / width)
    kind = told.get("rope_type") or told.get("type") or "default"
    if kind == "default":
        return tuple(plain), 1.0
    if kind == "linear":
        return tuple(plain / told["factor"]), 1.0
    if kind == "llama3":
        return tuple(_llama3(plain, told)), 1.0
    if kind == "yarn":
        return _yarn(plain, told, base, width, int(config["max_position_embeddings"]))
    raise Unsupported(f"rotary positions of kind `{kind}`", hint="there are: default, linear, llama3, yarn")


def yarn_scale(config: Mapping[str, Any]) -> float:
    """What attention's scale is multiplied by where YaRN is told `mscale_all_dim`, as DeepSeek's models are; else 1."""
    told: Mapping[str, Any] = config.get("rope_parameters") or config.get("rope_scaling") or {}
    all_dim = told.get("mscale_all_dim") or 0.0
    return _magnitude(told["factor"], all_dim) ** 2 if all_dim and (told.get("rope_type") or told.get("type")) == "yarn" else 1.0


def _llama3(plain: np.ndarray, told: Mapping[str, Any]) -> np.ndarray:
    """Long waves are stretched by `factor`, short ones left, and those between are mixed."""
    low, high, factor = told["low_freq_factor"], told["high_freq_factor"], told["factor"]
    waves = told["original_max_position_embeddings"] * plain / (2 * math.pi)  # turns within the original context
    share = np.clip((waves - low) / (high - low), 0.0, 1.0)
    return plain * (share + (1 - share) / factor)


def _yarn(plain: np.ndarray, told: Mapping[str, Any], base: float, width: int, max_context: int) -> tuple[tuple[float, ...], float]:
    """Pairs that turn more than `beta_fast` times in the original context are left, those below `beta_slow` stretched, others mixed."""
    original = told.get("original_max_position_embeddings") or max_context
    factor = float(told.get("factor") or max_context / original)

    def pair_that_turns(times: float) -> float:
        return width * math.log(original / (times * 2 * math.pi)) / (2 * math.log(base))

    low, high = pair_that_turns(told.get("beta_fast") or 32), pair_that_turns(told.get("beta_slow") or 1)
    if told.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, width - 1)
    stretched = np.clip((np.arange(width // 2) - low) / max(high - low, 0.001), 0.0, 1.0)
    frequencies = plain * (1 - stretched) + plain / factor * stretched
    magnitude = told.get("attention_factor")
    if magnitude is None:
        mscale, all_dim = told.get("mscale"), told.get("mscale_all_dim")
        magnitude = _magnitude(factor, mscale) / _magnitude(factor, all_dim) if mscale and all_dim else _magnitude(factor, 1.0)
    return tuple(frequencies), float(magnitude)


def _magnitude(factor: float, scale: float) -> float:
    return 1.0 if factor <= 1 else 0.1 * scale * math.log(factor) + 1.0
