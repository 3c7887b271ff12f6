"""The few numbers of the model that are fitted, and what was believed of each before a measurement was seen."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Parameters:
    """Shares of a device's peaks that are reached, and times. All above 0; the same for every device, framework and model."""

    memory: float  # share of the memory's bandwidth that reading weights reaches
    cache: float  # the same for reading keys and values in decoding
    gemm: float  # share of the peak FLOP/s of dense products over many rows
    grouped: float  # the same for products over experts, after padding to tiles
    attention: float  # the same for attention
    launch_s: float  # time of an operator beside its work: launch, drain, small kernels that are not counted
    turn_s: float  # time of turning from decoding to a prompt and back: planning, a launch without a recorded graph
    reduce_s: float  # latency of an all-reduce inside a fast domain
    exchange_s: float  # latency of an all-to-all inside a fast domain
    hop_s: float  # latency that each doubling of the number of domains adds
    link_in: float  # share of the described bandwidth that is reached inside the fast domain
    link_out: float  # the same between fast domains

    def digest(self) -> str:
        """SHA-256 of the numbers, rounded to 10 digits: what a frozen fit is known by."""
        rounded = {name: float(f"{value:.10g}") for name, value in asdict(self).items()}
        return hashlib.sha256(json.dumps(rounded, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Prior:
    """A belief: the logarithm is normal around that of `value` with deviation `spread`."""

    value: float
    spread: float
    source: str


PRIORS: dict[str, Prior] = {
    "memory": Prior(0.85, 0.10, "28 products by DeepGEMM on an H800 (evidence/products.csv): 0.86 of the peak"),
    "cache": Prior(0.85, 0.15, "FlashMLA reaches 3,000 of 3,350 GB/s on an H800 (deepseek-ai/open-infra-index)"),
    "gemm": Prior(0.58, 0.20, "18 dense products by DeepGEMM on an H800 (evidence/products.csv)"),
    "grouped": Prior(0.62, 0.30, "10 products over experts by DeepGEMM on an H800 (evidence/products.csv)"),
    "attention": Prior(0.55, 0.25, "FlashMLA reaches 580 of 989 TFLOP/s in BF16 on an H800 (deepseek-ai/open-infra-index)"),
    "launch_s": Prior(5e-6, 0.50, "aiconfigurator counts 3 us an operator; several kernels are launched for one of ours"),
    "turn_s": Prior(20e-3, 0.70, "assumed: about 20 us of the host for each of some thousand operators, which no recorded graph launches"),
    "reduce_s": Prior(10e-6, 0.40, "aiconfigurator counts 10 us between two devices"),
    "exchange_s": Prior(40e-6, 0.50, "InferenceX: a dispatch has a fixed cost of about 60 us at few tokens"),
    "hop_s": Prior(10e-6, 0.50, "aiconfigurator counts 10 us between two devices"),
    "link_in": Prior(0.80, 0.15, "DeepEP: 160 of the 200 GB/s of an H800 at most"),
    "link_out": Prior(0.90, 0.15, "assumed: what RDMA reaches of a 400 Gbit/s card"),
}
NAMES = tuple(field.name for field in fields(Parameters))


def prior() -> Parameters:
    """The centre of the beliefs."""
    return Parameters(**{name: PRIORS[name].value for name in NAMES})


def to_logs(parameters: Parameters) -> NDArray[np.float64]:
    """Natural logarithms in the order of NAMES, shape (num_parameters,)."""
    return np.log([getattr(parameters, name) for name in NAMES])


def from_logs(logs: Sequence[float] | NDArray[np.float64]) -> Parameters:
    """The reverse of `to_logs`."""
    return Parameters(**{name: math.exp(value) for name, value in zip(NAMES, logs, strict=True)})
