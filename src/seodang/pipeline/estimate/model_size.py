"""How large a model is: read from its configuration and the heads of its weight files, without opening the weights."""

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import ModelError
from seodang.distill.students.section import StudentSection
from seodang.models.source import LocalTeacher

_BLOCK = re.compile(r"\.(?:layers|h|blocks)\.\d+\.")
_ROUTED = re.compile(r"(?<!shared_)experts\.")
_MLP = re.compile(r"mlp|feed_forward|ffn|experts")
_IN_A_NAME = re.compile(r"(\d+(?:\.\d+)?)[ _]?([mb])(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A causal language model in numbers. `attention` and `mlp` are parameters of one block, on average over the blocks; `mlp_used` are
    those of its MLP that one token meets (fewer than `mlp` where experts are routed)."""

    name: str
    num_layers: int
    hidden: int
    intermediate: int
    num_heads: int
    num_kv_heads: int
    head_width: int
    vocabulary: int
    attention: float
    mlp: float
    mlp_used: float
    tied: bool  # head and embeddings are one matrix
    stored_bytes: float  # of the weight files
    source: str  # where the numbers come from

    @property
    def head(self) -> float:
        """Parameters of the head, and of the embeddings."""
        return self.vocabulary * self.hidden

    @property
    def num_parameters(self) -> float:
        return self.num_layers * (self.attention + self.mlp) + self.head * (1 if self.tied else 2)

    @property
    def block_used(self) -> float:
        """Parameters of a block that one token meets."""
        return self.attention + self.mlp_used

    @property
    def kv_values(self) -> int:
        """Numbers that a token leaves in the cache of keys and values, over all blocks."""
        return 2 * self.num_layers * self.num_kv_heads * self.head_width

    def row(self) -> dict[str, Any]:
        """For the estimate's JSON."""
        sizes = {name: getattr(self, name) for name in ("name", "num_layers", "hidden", "vocabulary", "source")}
        return {**sizes, "num_parameters": round(self.num_parameters)}


SMOLLM2_135M = ModelSize(
    "SmolLM2-135M",
    num_layers=30,
    hidden=576,
    intermediate=1536,
    num_heads=9,
    num_kv_heads=3,
    head_width=64,
    vocabulary=49_152,
    attention=885_888,
    mlp=2_654_208,
    mlp_used=2_654_208,
    tied=True,
    stored_bytes=538_090_408,
    source="known beforehand",
)


def find_size(source: LocalTeacher, store: Path, base: Path) -> tuple[ModelSize, str | None]:
    """The size of a recipe's model, and what had to be assumed: None where its configuration was read.

    A package is looked for in the store, where it is once it was used; nothing is downloaded. ModelError for a folder without a model.
    """
    if source.path is not None:
        return read_size((base / source.path).resolve(), source.name), None
    artifact = Artifact(store / "models" / source.key()[:16])
    if artifact.done:
        return read_size(artifact.folder, source.name), None
    if "smollm2-135m" in source.name.lower():
        return replace(SMOLLM2_135M, name=source.name), None
    told = _IN_A_NAME.search(source.name)
    if told is None:
        return replace(SMOLLM2_135M, name=source.name, source="assumed"), (
            f"`{source.name}` is not in the store yet and its name tells no size: counted as SmolLM2-135M"
        )
    wanted = float(told[1]) * (1e6 if told[2].lower() == "m" else 1e9)
    return _scaled(source.name, wanted), f"`{source.name}` is not in the store yet: its size, {told[0]}, is taken from its name"


def read_size(folder: Path, name: str) -> ModelSize:
    """The size of the model in a folder. Parameters are counted in the heads of its safetensors files; without such files they follow
    from config.json. ModelError where there is no configuration, or one without sizes."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError("no model here (config.json is missing)", where=str(folder), hint="name a Hugging Face model folder in the recipe")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config = {**config, **config.get("text_config", {})}
        size = _from_config(config, name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            "a configuration without a model's sizes", where=str(path), hint="it needs hidden_size, num_hidden_layers and vocab_size"
        ) from error
    shapes = _shapes(folder)
    if not shapes:
        return size
    parts = {"attention": 0, "mlp": 0, "routed": 0}
    for tensor, shape in shapes.items():
        if _BLOCK.search(f".{tensor}"):
            kind = "routed" if _ROUTED.search(tensor) else "mlp" if _MLP.search(tensor) else "attention"
            parts[kind] += math.prod(shape)
    layers = size.num_layers
    mlp = (parts["mlp"] + parts["routed"]) / layers
    return replace(
        size,
        attention=parts["attention"] / layers,
        mlp=mlp,
        mlp_used=(parts["mlp"] + parts["routed"] * _share_routed(config)) / layers,
        tied=not any("lm_head" in tensor for tensor in shapes),
        stored_bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        source="its configuration and weight files",
    )


def student_size(size: ModelSize, section: StudentSection) -> ModelSize:
    """The student that a recipe makes of a model: fewer or narrower blocks, or another vocabulary, where the section says so."""
    hidden = section.hidden_size or size.hidden
    intermediate = section.intermediate_size or size.intermediate
    kv_heads = section.num_kv_heads or size.num_kv_heads
    grown = kv_heads / size.num_kv_heads
    heads = section.num_heads or (size.num_heads if section.method == "fresh" else round(size.num_heads * grown))
    width = hidden // heads if section.method == "fresh" and size.head_width * size.num_heads == size.hidden else size.head_width
    wide = hidden / size.hidden
    queries = heads * width / (size.num_heads * size.head_width)
    keys = kv_heads * width / (size.num_kv_heads * size.head_width)
    share = size.num_kv_heads / (size.num_heads + size.num_kv_heads)
    mlp = wide * intermediate / size.intermediate
    return replace(
        size,
        num_layers=section.num_layers or size.num_layers,
        hidden=hidden,
        intermediate=intermediate,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_width=width,
        vocabulary=section.vocabulary_size or size.vocabulary,
        attention=size.attention * wide * ((1 - share) * queries + share * keys),
        mlp=size.mlp * mlp,
        mlp_used=size.mlp_used * mlp,
    )


def num_adapter_parameters(size: ModelSize, rank: int, num_blocks: int) -> int:
    """Parameters of adapters of a rank on the seven linear layers of each of `num_blocks` blocks of Llama's kind."""
    queries, keys = size.num_heads * size.head_width, size.num_kv_heads * size.head_width
    attention = 2 * (size.hidden + queries) + 2 * (size.hidden + keys)
    return rank * num_blocks * (attention + 3 * (size.hidden + size.intermediate))


def _from_config(config: dict[str, Any], name: str) -> ModelSize:
    hidden, heads = int(_first(config, "hidden_size", "n_embd")), int(_first(config, "num_attention_heads", "n_head"))
    kv_heads = int(config.get("num_key_value_heads") or heads)
    width = int(config.get("head_dim") or hidden // heads)
    intermediate = int(config.get("intermediate_size") or 4 * hidden)
    experts = int(config.get("n_routed_experts") or config.get("num_local_experts") or config.get("num_experts") or 0)
    each = 3 * hidden * int(config.get("moe_intermediate_size") or intermediate)
    mlp = experts * each if experts else 3 * hidden * intermediate
    attention = 2 * hidden * width * (heads + kv_heads) + 2 * hidden
    layers, vocabulary = int(_first(config, "num_hidden_layers", "n_layer")), int(config["vocab_size"])
    tied = bool(config.get("tie_word_embeddings", True))
    return ModelSize(
        name,
        layers,
        hidden,
        intermediate,
        heads,
        kv_heads,
        width,
        vocabulary,
        attention,
        mlp,
        mlp * _share_routed(config) if experts else mlp,
        tied=tied,
        stored_bytes=4 * (layers * (attention + mlp) + vocabulary * hidden * (1 if tied else 2)),
        source="its configuration",
    )


def _first(config: dict[str, Any], *names: str) -> Any:
    """The value of the first name that the configuration has; KeyError where it has none of them."""
    return config[next((name for name in names if name in config), names[0])]


def _share_routed(config: dict[str, Any]) -> float:
    """The share of the routed experts that one token meets."""
    experts = config.get("n_routed_experts") or config.get("num_local_experts") or config.get("num_experts")
    return float(config.get("num_experts_per_tok") or 1) / experts if experts else 1.0


def _shapes(folder: Path) -> dict[str, list[int]]:
    """The shape of every tensor, from the heads of the safetensors files: eight bytes with the length of a JSON text, and the text."""
    found: dict[str, list[int]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            try:
                head: dict[str, Any] = json.loads(file.read(min(length, 100_000_000)))
            except ValueError as error:
                raise ModelError("not a safetensors file", where=str(path), hint="copy the model again: the file is torn") from error
        found |= {name: told["shape"] for name, told in head.items() if name != "__metadata__"}
    return found


def _scaled(name: str, num_parameters: float) -> ModelSize:
    """A model of SmolLM2's proportions with about so many parameters."""
    base = SMOLLM2_135M
    growth = (num_parameters / base.num_parameters) ** (1 / 3)
    hidden = max(64, 64 * round(base.hidden * growth / 64))
    wide = (hidden / base.hidden) ** 2
    layers = max(1, round((num_parameters - base.vocabulary * hidden) / (wide * base.block_used)))
    return replace(
        base,
        name=name,
        num_layers=layers,
        hidden=hidden,
        intermediate=round(base.intermediate * hidden / base.hidden),
        num_heads=hidden // base.head_width,
        num_kv_heads=max(1, hidden // base.head_width // 3),
        attention=base.attention * wide,
        mlp=base.mlp * wide,
        mlp_used=base.mlp_used * wide,
        stored_bytes=4 * num_parameters,
        source="assumed from its name",
    )
