"""How a model is laid out over devices, and what every device holds of it."""

from dataclasses import dataclass
from functools import cache

from seodang.backends.description import Precision
from seodang.core.errors import InputError
from seodang.testbed.workloads.dtypes import VALUE_BYTES
from seodang.testbed.workloads.matrices import Cut, Matrix, attention_matrices, attention_norms, layer_norms, mlp_matrices
from seodang.testbed.workloads.model_shape import MlpKind, ModelShape


@dataclass(frozen=True, slots=True)
class Layout:
    """Degrees of parallelism. A stage of the pipeline has tp x dp devices, and there are `pp` stages.

    Attention and dense MLPs are divided over `tp` devices; `dp` such groups have sequences of their own. Experts are divided over `ep` of a
    stage's devices, and each expert over the tp x dp / ep that are left. Where dp and ep are above 1, tokens are sent to their experts
    (dispatch and combine), divided over `tp` before, and each device holds the shared experts whole.
    """

    tp: int = 1
    dp: int = 1
    ep: int = 1
    pp: int = 1

    @property
    def stage_devices(self) -> int:
        """Devices of one stage."""
        return self.tp * self.dp

    @property
    def devices(self) -> int:
        """All of them."""
        return self.tp * self.dp * self.pp

    @property
    def sends_tokens(self) -> bool:
        """Whether an MoE layer sends tokens to experts on other devices."""
        return self.dp > 1 and self.ep > 1


ONE_DEVICE = Layout()


@cache
def check_layout(shape: ModelShape, layout: Layout) -> None:
    """InputError where a model cannot be laid out so, with the reason."""
    tp, dp, ep, pp = layout.tp, layout.dp, layout.ep, layout.pp
    kv = shape.kv_heads if not shape.kv_lora_rank else tp
    faults = {
        "every degree is 1 or more": min(tp, dp, ep, pp) < 1,
        f"tp = {tp} does not divide {shape.heads} heads": tp > 0 and shape.heads % tp > 0,
        f"tp = {tp} neither divides {kv} key heads nor is a multiple of them": tp > 0 and kv % tp > 0 and tp % kv > 0,
        f"ep = {ep} does not divide the {tp * dp} devices of a stage": ep > 0 and tp * dp % ep > 0,
        f"ep = {ep} does not divide {shape.routed_experts} experts": ep > 1 and (not shape.routed_experts or shape.routed_experts % ep > 0),
        f"pp = {pp} is more than {shape.num_layers} layers": pp > shape.num_layers,
    }
    found = next((reason for reason, holds in faults.items() if holds), None)
    if found is not None:
        raise InputError(found, where=f"layout of {shape.name}", hint="choose degrees of tp, dp, ep and pp that divide the model")


def divided(shape: ModelShape, matrix: Matrix, layout: Layout) -> int:
    """Over how many devices of a stage one matrix is divided; all others hold copies."""
    if matrix.cut == "experts":
        return layout.stage_devices
    if matrix.kind == "shared_experts" and layout.sends_tokens:
        return 1
    return cut_over(shape, matrix.cut, layout)


def cut_over(shape: ModelShape, cut: Cut, layout: Layout) -> int:
    """Over how many devices of a group something is divided."""
    return 1 if cut == "whole" else min(layout.tp, shape.kv_heads) if cut == "key_heads" else layout.tp


@cache
def weights_held(shape: ModelShape, layout: Layout, weights: Precision) -> float:
    """Bytes of weights on a device of the fullest stage, all at one type. Stages have equal numbers of layers, the first ones more.

    The first stage has the input embedding and the last one the head, both divided over `tp`.
    """
    check_layout(shape, layout)
    each, more = divmod(shape.num_layers, layout.pp)
    layers = [_held(shape, run.mlp, layout) for run in shape.layers for _ in range(run.count)]
    table = shape.vocabulary * shape.hidden / layout.tp
    stages: list[float] = []
    for n in range(layout.pp):
        start = n * each + min(n, more)
        last = n == layout.pp - 1
        head = table if last and not (shape.tied and n == 0) else 0.0
        stages.append(sum(layers[start : start + each + (n < more)]) + (table if n == 0 else 0.0) + head + (shape.hidden if last else 0))
    return max(stages) * VALUE_BYTES[weights]


@cache
def _held(shape: ModelShape, mlp: MlpKind, layout: Layout) -> float:
    """Parameters of one layer on a device."""
    own = sum((m.values + m.bias_values) / divided(shape, m, layout) for m in (*attention_matrices(shape), *mlp_matrices(shape, mlp)))
    sinks = shape.heads / layout.tp if shape.attention_sinks else 0.0
    return own + sinks + sum(norm.values for norm in (*layer_norms(shape, mlp), *attention_norms(shape)))


def cache_values(shape: ModelShape, tokens: float) -> float:
    """Values that a sequence of so many tokens leaves in the caches of all layers; a layer with a window keeps its latest tokens."""
    return sum(run.count * min(tokens, run.window or tokens) for run in shape.layers) * shape.cached_width


def cache_held(shape: ModelShape, layout: Layout, kv: Precision, tokens: float) -> float:
    """Bytes of cache of one such sequence on each device of its group, as a mean over stages. No device holds less of a latent than all."""
    parts = 1 if shape.kv_lora_rank else min(layout.tp, shape.kv_heads)
    return cache_values(shape, tokens) * VALUE_BYTES[kv] / parts / layout.pp
