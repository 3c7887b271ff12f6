"""How weights are stored and multiplied: what `fp8`, `fp4`, `int4` and `bf16` mean class by class, and in which type caches are kept."""

from dataclasses import dataclass

from seodang.backends.description import Description, Precision
from seodang.testbed.predict.refused import PredictionRefused


@dataclass(frozen=True, slots=True)
class Scheme:
    """Bytes a parameter, scales included, and the type of the product, for experts and for the other linear layers. Heads stay bfloat16."""

    name: str
    expert_bytes: float
    expert_type: Precision
    linear_bytes: float
    linear_type: Precision
    head_bytes: float = 2.0


_FP8_BLOCK = 1 + 4 / 128**2  # one float32 scale a block of 128 x 128 (DeepSeek-V3, arXiv:2412.19437)
_FP4_BLOCK = 0.5 + 1 / 16  # NVFP4: one float8 scale a block of 16
_MXFP4_BLOCK = 0.5 + 1 / 32  # OCP MX: one scale of 8 bits a block of 32
_INT4_BLOCK = 0.5 + 2 / 32  # Kimi-K2-Thinking: groups of 32 with a bfloat16 scale; multiplied in bfloat16

_MIXTURE = {
    "fp32": Scheme("fp32", 4.0, "float32", 4.0, "float32", 4.0),
    "bf16": Scheme("bf16", 2.0, "bfloat16", 2.0, "bfloat16"),
    "fp8": Scheme("fp8", _FP8_BLOCK, "float8", _FP8_BLOCK, "float8"),
    "fp4": Scheme("fp4", _FP4_BLOCK, "float4", 2.0, "bfloat16"),
    "mxfp4": Scheme("mxfp4", _MXFP4_BLOCK, "float4", 2.0, "bfloat16"),
    "int4": Scheme("int4", _INT4_BLOCK, "bfloat16", 2.0, "bfloat16"),
    "int8": Scheme("int8", 1.0, "int8", 1.0, "int8"),
}
_DENSE = {
    **_MIXTURE,
    "fp4": Scheme("fp4", _FP4_BLOCK, "float4", _FP4_BLOCK, "float4"),
    "mxfp4": Scheme("mxfp4", _MXFP4_BLOCK, "float4", _MXFP4_BLOCK, "float4"),
    "int4": Scheme("int4", _INT4_BLOCK, "bfloat16", _INT4_BLOCK, "bfloat16"),
}
_ALIASES = {
    "float32": "fp32",
    "bfloat16": "bf16",
    "fp16": "bf16",
    "float16": "bf16",
    "float8": "fp8",
    "nvfp4": "fp4",
    "float4": "fp4",
    "w4a16": "int4",
}


def scheme(weights: str, *, mixture: bool) -> Scheme:
    """By name. In a mixture of experts whose experts have 4 bits the other layers stay in bfloat16, as in published weights."""
    name = _ALIASES.get(weights.lower(), weights.lower())
    table = _MIXTURE if mixture else _DENSE
    if name not in table:
        raise PredictionRefused("unknown", f"no precision of weights `{weights}`", hint=f"there are: {', '.join(table)}")
    return table[name]


def peak_flop_s(device: Description, wanted: Precision) -> tuple[float, str | None]:
    """The device's peak in a type; where it has none, that of the nearest wider type that it has, and an assumption that says so."""
    order: tuple[Precision, ...] = ("float4", "int8", "float8", "bfloat16", "float16", "float32")
    if wanted in device.peak:
        return device.peak[wanted].value, None
    for other in order[order.index(wanted) + 1 :] if wanted in order else order:
        if other in device.peak and other != "int8" and (wanted, other) != ("int8", "float8"):
            return device.peak[other].value, f"{device.name} has no peak in {wanted}: products are counted in {other}"
    raise PredictionRefused(
        "missing input", f"{device.name} is described without a peak in {wanted} or wider", hint="add it to the description"
    )


def cache_type(framework: str, device: Description) -> tuple[Precision, str]:
    """The type of keys and values that a framework uses by default in published runs, with the assumption in words.

    Source: the launch scripts of SemiAnalysisAI/InferenceX at 8eec0d4, benchmarks/single_node/fixed_seq_len (Apache-2.0).
    """
    family = framework.lower()
    hopper = any(name in device.name for name in ("H100", "H200", "H800", "H20"))
    if family.startswith(("tensorrt", "trt", "mlperf")):
        return "float8", "keys and values in float8, as TensorRT-LLM is launched in InferenceX"
    if family.startswith("sglang") and not hopper and "float8" in device.peak:
        return "float8", "keys and values in float8, as SGLang is launched in InferenceX on devices after Hopper"
    return "bfloat16", "keys and values in bfloat16, the default of vLLM, and of SGLang on Hopper, in InferenceX"
