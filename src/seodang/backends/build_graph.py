"""A graph from a Hugging Face configuration: the families that backends are held to."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from seodang.backends.contract import Unsupported
from seodang.backends.frequencies import rotary_frequencies, yarn_scale
from seodang.backends.graph import Graph, Node, Shape

LLAMA = ("llama", "mistral", "qwen2")  # grouped-query attention and one SwiGLU MLP a layer
LATENT = ("axk1", "deepseek_v3")  # multi-head latent attention, routed experts


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a model's folder. Unsupported where there is none or it cannot be read."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unsupported(f"no configuration of a model ({error})", where=str(path), hint="name a Hugging Face model folder") from error
    if not isinstance(config, dict):
        raise Unsupported("no configuration of a model: not a JSON object", where=str(path), hint="name a Hugging Face model folder")
    return config


def build_graph(config: Mapping[str, Any], names: Collection[str] | None = None) -> Graph:
    """The graph of a configuration of one of `LLAMA` or `LATENT`. `names` are the checkpoint's tensors: what a model may store or not
    (the router's bias) is in the graph where it is among them. Unsupported for another family, or a setting that is missing,
    that no operator has or that makes no model."""
    kind = config.get("model_type")
    if kind not in LLAMA + LATENT:
        raise Unsupported(f"no graph for models of type `{kind}`", hint=f"there are: {', '.join(LLAMA + LATENT)}")
    if config.get("hidden_act", "silu") != "silu":
        raise Unsupported(f"activation `{config['hidden_act']}`", hint="silu is what the operators have")
    if kind == "mistral" and config.get("sliding_window"):
        raise Unsupported("a sliding window", hint="take a model without one")
    try:
        graph = _Builder(config, names).build()
        shapes: Mapping[str, tuple[Any, ...]] = graph.tensors  # as the file has them: not numbers, perhaps
        for name, shape in shapes.items():
            if not all(isinstance(size, int) and size > 0 for size in shape):
                raise ValueError(f"`{name}` would be of shape {shape!r:.60}")
        return graph
    except KeyError as error:
        raise Unsupported(f"the configuration has no {error}", hint="take the config.json that came with the model") from error
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise Unsupported(f"the configuration makes no model ({error})", hint="take the config.json that came with the model") from error


class _Builder:
    """Collects nodes and shapes of tensors, in order."""

    def __init__(self, config: Mapping[str, Any], names: Collection[str] | None) -> None:
        self.config = config
        self.names = names
        self.nodes: list[Node] = []
        self.tensors: dict[str, Shape] = {}
        self.latent = config["model_type"] in LATENT
        heads = config["num_attention_heads"]
        width = config["qk_rope_head_dim"] if self.latent else config.get("head_dim") or config["hidden_size"] // heads
        self.frequencies, self.magnitude = rotary_frequencies(config, width)

    def build(self) -> Graph:
        c = self.config
        hidden, layers = c["hidden_size"], c["num_hidden_layers"]
        value = self.add("embed_tokens", "embedding", "ids", {"table": ("model.embed_tokens.weight", (c["vocab_size"], hidden))})
        for layer in range(layers):
            value = self.layer(layer, value)
        value = self.norm("norm", value, "model.norm.weight", hidden)
        value = self.add("last", "last", value)
        head = "model.embed_tokens.weight" if c.get("tie_word_embeddings", False) else "lm_head.weight"
        self.add("logits", "linear", value, {"weight": (head, (c["vocab_size"], hidden))})
        cached = c["kv_lora_rank"] + c["qk_rope_head_dim"] if self.latent else 2 * self.kv_heads * self.width
        context = int(c.get("max_position_embeddings", 2048))
        return Graph("latent" if self.latent else "llama", tuple(self.nodes), self.tensors, c["vocab_size"], context, (cached,) * layers)

    @property
    def kv_heads(self) -> int:
        return self.config.get("num_key_value_heads") or self.config["num_attention_heads"]

    @property
    def width(self) -> int:
        return self.config.get("head_dim") or self.config["hidden_size"] // self.config["num_attention_heads"]

    def add(
        self, name: str, op: str, inputs: str | tuple[str, ...], weights: Mapping[str, tuple[str, Shape]] | None = None, **attributes: Any
    ) -> str:
        """Appends a node that writes the value of its own name."""
        weights = weights or {}
        self.tensors |= dict(weights.values())
        inputs = (inputs,) if isinstance(inputs, str) else inputs
        self.nodes.append(Node(name, op, inputs, name, {role: tensor for role, (tensor, _) in weights.items()}, attributes))
        return name

    def norm(self, name: str, value: str, tensor: str, width: int, eps: float | None = None) -> str:
        return self.add(name, "rms_norm", value, {"scale": (tensor, (width,))}, eps=self.config["rms_norm_eps"] if eps is None else eps)

    def linear(self, name: str, value: str, tensor: str, shape: Shape, *, bias: bool = False) -> str:
        weights: dict[str, tuple[str, Shape]] = {"weight": (f"{tensor}.weight", shape)}
        return self.add(name, "linear", value, weights | ({"bias": (f"{tensor}.bias", shape[:1])} if bias else {}))

    def rotary(self, name: str, value: str, heads: int, *, interleaved: bool) -> str:
        return self.add(name, "rotary", value, heads=heads, frequencies=self.frequencies, interleaved=interleaved, magnitude=self.magnitude)

    def layer(self, layer: int, value: str) -> str:
        c, hidden = self.config, self.config["hidden_size"]
        here, tensor = f"layers.{layer}", f"model.layers.{layer}"
        normed = self.norm(f"{here}.input_norm", value, f"{tensor}.input_layernorm.weight", hidden)
        attended = (self.latent_attention if self.latent else self.attention)(layer, normed)
        value = self.add(f"{here}.attended", "add", (value, attended))
        normed = self.norm(f"{here}.mlp_norm", value, f"{tensor}.post_attention_layernorm.weight", hidden)
        if self.latent and self._sparse(layer):
            out = self.mixture(layer, normed)
        else:
            out = self.mlp(f"{here}.mlp", normed, f"{tensor}.mlp", c["intermediate_size"])
        return self.add(f"{here}.out", "add", (value, out))

    def _sparse(self, layer: int) -> bool:
        kinds = self.config.get("mlp_layer_types")
        return kinds[layer] == "sparse" if kinds else layer >= self.config.get("first_k_dense_replace", 0)

    def mlp(self, name: str, value: str, tensor: str, width: int) -> str:
        hidden = self.config["hidden_size"]
        gate = self.linear(f"{name}.gate", value, f"{tensor}.gate_proj", (width, hidden))
        up = self.linear(f"{name}.up", value, f"{tensor}.up_proj", (width, hidden))
        return self.linear(f"{name}.down", self.add(f"{name}.act", "swiglu", (gate, up)), f"{tensor}.down_proj", (hidden, width))

    def attention(self, layer: int, value: str) -> str:
        c, here, tensor = self.config, f"layers.{layer}", f"model.layers.{layer}.self_attn"
        heads, kv_heads, width, hidden = c["num_attention_heads"], self.kv_heads, self.width, c["hidden_size"]
        bias = bool(c.get("attention_bias", c["model_type"] == "qwen2"))
        q = self.linear(f"{here}.q", value, f"{tensor}.q_proj", (heads * width, hidden), bias=bias)
        k = self.linear(f"{here}.k", value, f"{tensor}.k_proj", (kv_heads * width, hidden), bias=bias)
        v = self.linear(f"{here}.v", value, f"{tensor}.v_proj", (kv_heads * width, hidden), bias=bias)
        q = self.rotary(f"{here}.q_turned", q, heads, interleaved=False)
        k = self.rotary(f"{here}.k_turned", k, kv_heads, interleaved=False)
        sizes: dict[str, Any] = {"num_heads": heads, "num_kv_heads": kv_heads, "head_width": width}
        mixed = self.add(f"{here}.attention", "attention", (q, k, v), scale=width**-0.5, layer=layer, **sizes)
        return self.linear(f"{here}.o", mixed, f"{tensor}.o_proj", (hidden, heads * width), bias=bias and c["model_type"] != "qwen2")

    def latent_attention(self, layer: int, value: str) -> str:
        c, here, tensor = self.config, f"layers.{layer}", f"model.layers.{layer}.self_attn"
        heads, hidden, rank, q_rank = c["num_attention_heads"], c["hidden_size"], c["kv_lora_rank"], c.get("q_lora_rank")
        nope, rope, width = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
        bias, interleaved = bool(c.get("attention_bias")), bool(c.get("rope_interleave", True))
        if q_rank:
            q = self.linear(f"{here}.q_a", value, f"{tensor}.q_a_proj", (q_rank, hidden), bias=bias)
            q = self.norm(f"{here}.q_norm", q, f"{tensor}.q_a_layernorm.weight", q_rank, 1e-6)
            q = self.linear(f"{here}.q", q, f"{tensor}.q_b_proj", (heads * (nope + rope), q_rank))
        else:
            q = self.linear(f"{here}.q", value, f"{tensor}.q_proj", (heads * (nope + rope), hidden))
        q_nope = self.add(f"{here}.q_nope", "split", q, heads=heads, start=0, stop=nope)
        q_rope = self.add(f"{here}.q_rope", "split", q, heads=heads, start=nope, stop=nope + rope)
        q_rope = self.rotary(f"{here}.q_turned", q_rope, heads, interleaved=interleaved)
        kv = self.linear(f"{here}.kv_a", value, f"{tensor}.kv_a_proj_with_mqa", (rank + rope, hidden), bias=bias)
        latent = self.add(f"{here}.latent_raw", "split", kv, heads=1, start=0, stop=rank)
        latent = self.norm(f"{here}.latent", latent, f"{tensor}.kv_a_layernorm.weight", rank, 1e-6)
        k_rope = self.add(f"{here}.k_rope", "split", kv, heads=1, start=rank, stop=rank + rope)
        k_rope = self.rotary(f"{here}.k_turned", k_rope, 1, interleaved=interleaved)
        weights: dict[str, tuple[str, Shape]] = {"kv_b": (f"{tensor}.kv_b_proj.weight", (heads * (nope + width), rank))}
        sizes: dict[str, Any] = {"num_heads": heads, "nope": nope, "rope": rope, "value": width, "rank": rank, "layer": layer}
        scale = (nope + rope) ** -0.5 * yarn_scale(c)
        mixed = self.add(f"{here}.attention", "latent_attention", (q_nope, q_rope, latent, k_rope), weights, scale=scale, **sizes)
        return self.linear(f"{here}.o", mixed, f"{tensor}.o_proj", (hidden, heads * width), bias=bias)

    def mixture(self, layer: int, value: str) -> str:
        c, here, tensor = self.config, f"layers.{layer}", f"model.layers.{layer}.mlp"
        hidden, width, experts = c["hidden_size"], c["moe_intermediate_size"], c["n_routed_experts"]
        routing: dict[str, tuple[str, Shape]] = {"weight": (f"{tensor}.gate.weight", (experts, hidden))}
        bias = f"{tensor}.gate.e_score_correction_bias"
        if self.names is None or bias in self.names:
            routing["bias"] = (bias, (experts,))
        mixing = self.add(
            f"{here}.router", "router", value, routing, score="sigmoid", top_k=c["num_experts_per_tok"], num_groups=c["n_group"],
            topk_group=c["topk_group"], normalised=bool(c.get("norm_topk_prob", True)), scaling=float(c["routed_scaling_factor"]),
        )  # fmt: skip
        roles = {"gate": (width, hidden), "up": (width, hidden), "down": (hidden, width)}
        weights = {
            f"{role}.{e}": (f"{tensor}.experts.{e}.{role}_proj.weight", shape) for e in range(experts) for role, shape in roles.items()
        }
        routed = self.add(f"{here}.experts", "experts", (value, mixing), weights)
        shared = self.mlp(f"{here}.shared", value, f"{tensor}.shared_experts", width * (c.get("n_shared_experts") or 1))
        out = self.add(f"{here}.mixture", "add", (routed, shared))
        if c["model_type"] == "axk1":
            out = self.norm(f"{here}.post_mlp_norm", out, f"model.layers.{layer}.post_mlp_layernorm.weight", hidden)
        return out
