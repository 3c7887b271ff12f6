"""A model's shape from a bundled configuration, or from a config.json as Hugging Face models have it."""

import difflib
import itertools
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

import yaml

from seodang.core.errors import InputError
from seodang.testbed.workloads.model_shape import LayerRun, MlpKind, ModelShape

_HINT = "a config.json of a Hugging Face decoder is read; `seodang workload ax-k1` shows a bundled one"


_MOST_LAYERS, _MOST = 10_000, 10**12  # beyond that a field is a slip
_NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "max_position_embeddings")


@dataclass(frozen=True, slots=True)
class _Family:
    """What a family's code does that its configuration does not say."""

    qkv_bias: bool | None = None  # none: as `attention_bias` says
    output_bias: bool | None = None
    qk_norm: bool = False
    post_mlp_norm: bool = False
    attention_gate: bool = False
    attention_sinks: bool = False
    expert_bias: bool = False


_NO_BIAS = _Family(qkv_bias=False, output_bias=False)
_FAMILIES = {
    "axk1": _Family(post_mlp_norm=True),
    "axk2": _Family(attention_gate=True),
    "deepseek_v2": _Family(),
    "deepseek_v3": _Family(),
    "deepseek_v32": _Family(),
    "kimi_k2": _Family(),
    "glm4_moe": _Family(output_bias=False),
    "phi3": _NO_BIAS,
    "qwen2": _Family(qkv_bias=True, output_bias=False),
    "qwen3": _Family(qk_norm=True),
    "qwen3_moe": _Family(qk_norm=True),
    "gpt_oss": _Family(attention_sinks=True, expert_bias=True),
    "llama": _Family(),
    "mistral": _NO_BIAS,
    "mixtral": _NO_BIAS,
}
_ATTENTIONS = ("full_attention", "sliding_attention")
_UNKNOWN_FAMILY = "no code of this family was compared: counted by its fields as a Llama-like decoder, and its norms and biases may differ"


@cache
def bundled_models() -> dict[str, Path]:
    """The configurations that come with seodang, by name."""
    folder = Path(str(resources.files("seodang.testbed.workloads") / "configs"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


@cache
def read_shape(given: str | Path) -> ModelShape:
    """By the name of a bundled model, or by a config.json or its folder.

    InputError for a name that is not known (with a near one), a file that is no configuration, and fields that are missing or impossible.
    """
    if str(given) in bundled_models():
        told = _bundled(str(given))
        published = told["published"]
        return shape_of(
            told["config"],
            str(given),
            name=told["title"],
            source=told["source"],
            date=told["date"],
            published_total=published["total"],
            published_active=published["active"],
            published_source=published["source"],
            differences=tuple(told["differences"]),
        )
    return shape_of(read_config(given), str(given), source=str(given))


def read_config(given: str | Path) -> dict[str, Any]:
    """The fields of a bundled model's or a file's configuration. InputError as of `read_shape`."""
    known = bundled_models()
    if str(given) in known:
        return cast("dict[str, Any]", _bundled(str(given))["config"])
    path = Path(given)
    path = path / "config.json" if path.is_dir() else path
    if not path.is_file():
        near = difflib.get_close_matches(str(given).lower(), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}; or name a config.json"
        raise InputError("no such model", where=str(given), hint=hint)
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"not JSON that can be read ({error})", where=str(path), hint=_HINT) from error
    if not isinstance(config, dict):
        raise InputError("not a configuration: no mapping of fields", where=str(path), hint=_HINT)
    return cast("dict[str, Any]", config)


def _bundled(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(bundled_models()[name].read_text(encoding="utf-8")))


def shape_of(config: dict[str, Any], where: str, **told: Any) -> ModelShape:
    """The shape of the fields of a config.json; `told` are fields of the shape that it does not have. InputError names what is missing."""
    if isinstance(config.get("text_config"), dict) and "hidden_size" not in config:
        config = config["text_config"]
    fields = _Fields(config, where)
    missing = [name for name in _NEEDED if not fields.has(name)]
    if missing:
        fields.refuse(f"no field {', '.join(f'`{name}`' for name in missing)}")
    family = str(config.get("model_type", ""))
    quirks = _FAMILIES.get(family, _Family())
    latent = fields.has("kv_lora_rank")
    routed = fields.first(("n_routed_experts", "num_local_experts", "num_experts"), 0)
    hidden, heads = fields.count("hidden_size"), fields.count("num_attention_heads")
    kv_heads = fields.count("num_key_value_heads", heads)
    if not latent and not fields.has("head_dim") and hidden % heads:
        fields.refuse(f"hidden_size = {hidden} is no multiple of num_attention_heads = {heads}, and there is no head_dim")
    head_width = fields.count("head_dim", hidden // heads) if not latent else 0
    intermediate = fields.count("intermediate_size")
    experts_width = fields.count("moe_intermediate_size", intermediate) if routed else 0
    if heads % kv_heads:
        fields.refuse(f"num_attention_heads = {heads} is no multiple of num_key_value_heads = {kv_heads}")
    if not routed and any("expert" in key and fields.has(key) for key in config):
        fields.refuse("experts under names that are not known: n_routed_experts, num_local_experts or num_experts is read")
    top_k = fields.first(("num_experts_per_tok", "num_experts_per_token", "top_k"), None) if routed else 0
    if top_k > routed:
        fields.refuse(f"{top_k} experts a token of {routed} that there are")
    bias = bool(config.get("attention_bias", False))
    shape: dict[str, Any] = {
        "name": str(told.pop("name", None) or config.get("_name_or_path") or Path(where).parent.name or where),
        "family": family or "unknown",
        "hidden": hidden,
        "vocabulary": fields.count("vocab_size"),
        "max_context": fields.count("max_position_embeddings"),
        "layers": _layers(fields, latent, bool(routed)),
        "heads": heads,
        "kv_heads": kv_heads,
        "head_width": head_width,
        "dense_intermediate": intermediate,
        "moe_intermediate": experts_width,
        "routed_experts": routed,
        "shared_experts": _shared(fields, experts_width) if routed else 0,
        "top_k": top_k,
        "groups": fields.count("n_group", 1),
        "top_groups": fields.count("topk_group", 1),
        "tied": bool(config.get("tie_word_embeddings", False)),
        "qkv_bias": bias if quirks.qkv_bias is None else quirks.qkv_bias,
        "output_bias": bias if quirks.output_bias is None else quirks.output_bias,
        "mlp_bias": bool(config.get("mlp_bias", False)),
        "expert_bias": quirks.expert_bias,
        "qk_norm": quirks.qk_norm or bool(config.get("use_qk_norm", False)),
        "post_mlp_norm": quirks.post_mlp_norm,
        "gated_norm_rank": fields.count("gated_norm_rank", 0),
        "attention_gate": quirks.attention_gate,
        "attention_sinks": quirks.attention_sinks,
        "differences": () if family in _FAMILIES else (_UNKNOWN_FAMILY,),
    }
    if latent:
        rank = fields.count("q_lora_rank", 0)
        shape |= {"q_lora_rank": rank or None, "kv_lora_rank": fields.count("kv_lora_rank")}
        shape |= {"nope": fields.count("qk_nope_head_dim"), "rope": fields.count("qk_rope_head_dim"), "value": fields.count("v_head_dim")}
        if fields.has("index_topk"):
            shape |= {"index_heads": fields.count("index_n_heads"), "index_width": fields.count("index_head_dim")}
            shape["index_top_k"] = fields.count("index_topk")
    return ModelShape(**(shape | told))


@dataclass(frozen=True, slots=True)
class _Fields:
    """Fields of a configuration, as whole numbers, and where it stands."""

    config: dict[str, Any]
    where: str

    def refuse(self, what: str) -> None:
        """InputError."""
        raise InputError(what, where=self.where, hint=_HINT)

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self.config.get(name) is not None

    def count(self, name: str, default: int | None = None) -> int:
        """A whole number above 0 (or 0, where that is the default), or the default where the field is missing or null. InputError for
        another value, and without default."""
        value = self.config.get(name)
        if value is None:
            if default is None:
                self.refuse(f"no field `{name}`")
            return cast("int", default)
        least = 0 if default == 0 else 1
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            self.refuse(f"`{name}` is {repr(value)[:40]}, not a whole number from {least} to {_MOST:,}")
        return cast("int", value)

    def first(self, names: tuple[str, ...], default: int | None) -> int:
        """The first of these fields that is there. InputError where there is none and no default."""
        found = next((name for name in names if self.has(name)), names[0])
        return self.count(found, default)


def _shared(fields: _Fields, experts_width: int) -> int:
    """Shared experts as widths of a routed one."""
    if fields.has("n_shared_experts"):
        return fields.count("n_shared_experts", 0)
    width = fields.count("shared_expert_intermediate_size", 0)
    if width % experts_width:
        fields.refuse(f"a shared expert of width {width}, no multiple of a routed one's {experts_width}, is not counted")
    return width // experts_width


def _layers(fields: _Fields, latent: bool, routed: bool) -> tuple[LayerRun, ...]:
    """Runs of equal layers, in order."""
    config, num_layers = fields.config, fields.count("num_hidden_layers")
    if num_layers > _MOST_LAYERS:
        fields.refuse(f"num_hidden_layers = {num_layers:,}: more than {_MOST_LAYERS:,} are not counted")
    attention = "gqa" if not latent else "mla_sparse" if fields.has("index_topk") else "mla"
    mlp, windows = _mlp_kinds(fields, num_layers, routed), _windows(fields, num_layers)
    if len(mlp) != num_layers or len(windows) != num_layers:
        fields.refuse(f"mlp_layer_types or layer_types have another length than num_hidden_layers = {config['num_hidden_layers']}")
    pairs = itertools.groupby(zip(mlp, windows, strict=True))
    return tuple(LayerRun(len(list(run)), attention, kind, window) for (kind, window), run in pairs)


def _mlp_kinds(fields: _Fields, num_layers: int, routed: bool) -> list[MlpKind]:
    config = fields.config
    if not routed:
        return ["dense"] * num_layers
    if isinstance(config.get("mlp_layer_types"), list):
        return ["moe" if kind == "sparse" else "dense" for kind in config["mlp_layer_types"]]
    dense_first, step = fields.count("first_k_dense_replace", 0), fields.first(("moe_layer_freq", "decoder_sparse_step"), 1)
    only_dense = config.get("mlp_only_layers") or []
    if not isinstance(only_dense, list):
        fields.refuse("`mlp_only_layers` is no list of layers")
    after = 1 if fields.has("decoder_sparse_step") else 0  # Qwen counts layers from 1
    return ["moe" if n >= dense_first and n not in only_dense and not (n + after) % step else "dense" for n in range(num_layers)]


def _windows(fields: _Fields, num_layers: int) -> list[int | None]:
    """The window of each layer; none where all tokens are attended to."""
    config = fields.config
    kinds = config.get("layer_types")
    others = [kind for kind in cast("list[object]", kinds) if kind not in _ATTENTIONS] if isinstance(kinds, list) else []
    if others:
        fields.refuse(f"`layer_types` has `{str(others[0])[:40]}`: only {' and '.join(_ATTENTIONS)} are counted")
    if not fields.has("sliding_window") or config.get("use_sliding_window") is False:
        return [None] * num_layers
    window = fields.count("sliding_window")
    if not isinstance(kinds, list):
        if config.get("model_type") == "gpt_oss":
            return [None if n % 2 else window for n in range(num_layers)]
        first_full = fields.count("max_window_layers", 0)
        return [window if n >= first_full else None for n in range(num_layers)]
    return [window if kind == "sliding_attention" else None for kind in cast("list[object]", kinds)]
