"""The shape of a model: what its configuration says of layers, widths and experts."""

from dataclasses import dataclass
from typing import Literal

AttentionKind = Literal["mla", "mla_sparse", "gqa"]
MlpKind = Literal["dense", "moe"]


@dataclass(frozen=True, slots=True)
class LayerRun:
    """`count` equal layers in a row. `window` is the number of latest tokens that are attended to; none: all."""

    count: int
    attention: AttentionKind
    mlp: MlpKind
    window: int | None = None


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A decoder without weights for multi-token prediction. Widths are in values, and 0 or none where the model has no such part.

    Attention "mla" is multi-head latent attention (arXiv:2405.04434), "mla_sparse" the same on the keys that an indexer chooses
    (arXiv:2512.02556), "gqa" grouped queries (arXiv:2305.13245), of which full multi-head attention is the case kv_heads = heads.
    """

    name: str
    family: str
    hidden: int
    vocabulary: int
    max_context: int
    layers: tuple[LayerRun, ...]
    heads: int
    kv_heads: int
    head_width: int  # of queries and keys of "gqa"
    q_lora_rank: int | None = None
    kv_lora_rank: int = 0
    nope: int = 0
    rope: int = 0
    value: int = 0
    dense_intermediate: int = 0
    moe_intermediate: int = 0
    routed_experts: int = 0
    shared_experts: int = 0  # each as wide as a routed one
    top_k: int = 0
    groups: int = 1
    top_groups: int = 1
    tied: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    expert_bias: bool = False  # of experts and of the router
    qk_norm: bool = False  # a norm of each head's queries and keys
    post_mlp_norm: bool = False  # on the MLP's output, in every layer
    gated_norm_rank: int = 0  # of the gate on the input's norm, and on that before an MoE
    attention_gate: bool = False  # on attention's output, made of the queries' latent before and after its norm
    attention_sinks: bool = False  # one logit a head
    index_heads: int = 0
    index_width: int = 0
    index_top_k: int = 0
    source: str = ""
    date: str = ""
    published_total: str = ""
    published_active: str = ""
    published_source: str = ""
    differences: tuple[str, ...] = ()

    @property
    def num_layers(self) -> int:
        """Layers of the decoder."""
        return sum(run.count for run in self.layers)

    @property
    def num_moe_layers(self) -> int:
        """Layers with routed experts."""
        return sum(run.count for run in self.layers if run.mlp == "moe")

    @property
    def query_width(self) -> int:
        """Values of one head's query."""
        return self.nope + self.rope if self.kv_lora_rank else self.head_width

    @property
    def cached_width(self) -> int:
        """Values that a token leaves in the cache of a layer: the latent and the common key, or keys and values; the indexer's keys too."""
        own = self.kv_lora_rank + self.rope if self.kv_lora_rank else 2 * self.kv_heads * self.head_width
        return own + self.index_width
