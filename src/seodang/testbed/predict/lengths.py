"""How long inputs and outputs are where a row does not say, and the limits of MLPerf's scenarios."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """Mean tokens of a benchmark's inputs and outputs; limits in seconds of the 99th percentile: (time to first token, time per token)."""

    input_tokens: float
    output_tokens: float
    server: tuple[float, float]
    interactive: tuple[float, float]
    source: str


MLPERF: dict[str, Workload] = {
    "deepseek-v3": Workload(
        800, 3880, (2.0, 0.080), (1.5, 0.015),
        "DeepSeek-R1 in MLPerf v5.1: mean input about 800, mean output 3,880 (mlcommons.org/2025/09/deepseek-inference-5-1)",
    ),
    "llama-3.1-405b": Workload(
        9428, 684, (6.0, 0.175), (4.5, 0.080),
        "Llama-3.1-405B in MLPerf: mean output 684.68 (mlcommons/inference, language/llama3.1-405b/README.md), mean input 9,428",
    ),
    "mixtral-8x7b": Workload(
        350, 144.84, (2.0, 0.200), (2.0, 0.200),
        "Mixtral in MLPerf: mean output 144.84 (mlcommons/inference, language/mixtral-8x7b/README.md); mean input of 350 assumed",
    ),
}  # fmt: skip

DEEPSEEK_PRODUCTION_CONTEXT = 4989.0  # mean cached tokens an output token reads (deepseek-ai/open-infra-index, day 6)
PREFILL_TOKENS_PER_RANK = 16384.0  # of one batch of prompts under wide expert parallelism (LMSYS, 5 May 2025: 16,384 tokens a device)

INFERENCEX_LENGTH = (
    0.9  # lengths are uniform in 0.8 to 1 of the nominal ones (SemiAnalysisAI/InferenceX, utils/bench_serving: range ratio 0.8)
)


def mean_length_factor(source: str, framework: str, metric: str) -> tuple[float, str | None]:
    """What nominal lengths are to be multiplied by to get mean ones, with the assumption in words."""
    served = framework.lower().startswith(("sglang", "vllm", "trt", "tensorrt", "dynamo"))
    told = "InferenceX" in source
    if told or (not source and served and metric in ("tpot", "ttft", "ttft_loaded")):
        return INFERENCEX_LENGTH, "mean lengths are 0.9 of the nominal ones: InferenceX draws them between 0.8 and 1"
    return 1.0, None
