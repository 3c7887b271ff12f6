"""Which student is raised: the teacher's weights with adapters, all of them, fewer of them, or new ones."""

from typing import Literal, Self

from pydantic import Field, model_validator

from seodang.core.sections import Section

_SIZES: dict[str, tuple[str, ...]] = {
    "lora": (),
    "full": (),
    "depth_prune": ("num_layers",),
    "width_prune": ("intermediate_size", "num_kv_heads", "hidden_size"),
    "prune": ("intermediate_size", "num_kv_heads", "hidden_size", "num_layers"),
    "fresh": ("intermediate_size", "num_heads", "num_kv_heads", "hidden_size", "num_layers"),
}
_EVERY_SIZE = _SIZES["fresh"]


class StudentSection(Section):
    """How the student is made from the teacher's (or its own) weights. A size that is not given stays as it is there."""

    method: Literal["lora", "full", "depth_prune", "width_prune", "prune", "fresh"] = Field(
        default="lora",
        description="lora: adapters on the weights; full: all weights trained; depth_prune: fewer blocks; width_prune: narrower blocks; "
        "prune: narrower, then fewer; fresh: random weights in these sizes",
    )
    rank: int = Field(default=32, ge=1, description="lora: rank of the adapters")
    alpha: float = Field(default=64.0, gt=0, description="lora: their scale is alpha / rank")
    first_layer: int = Field(default=0, ge=0, description="lora: blocks below this one stay as they are, which makes training faster")
    num_layers: int | None = Field(default=None, ge=1, description="depth_prune, prune, fresh: blocks; pruning always keeps first and last")
    intermediate_size: int | None = Field(default=None, ge=1, description="width_prune, prune, fresh: neurons of each block's MLP")
    num_kv_heads: int | None = Field(
        default=None, ge=1, description="width_prune, prune, fresh: heads of keys and values; pruning keeps their query heads with them"
    )
    num_heads: int | None = Field(default=None, ge=1, description="fresh: query heads, a multiple of `num_kv_heads`")
    hidden_size: int | None = Field(default=None, ge=1, description="width_prune, prune, fresh: channels between blocks")
    vocabulary_size: int | None = Field(
        default=None,
        ge=257,
        description="fresh: most tokens of a tokenizer of its own, trained on what is taught; needs the loss `alm` or `uld`. none: the "
        "tokenizer of its weights",
    )
    num_samples: int = Field(default=512, ge=1, description="pruning: examples over which activations are measured; all, if they are fewer")

    @model_validator(mode="after")
    def _sizes_are_used(self) -> Self:
        used = _SIZES[self.method]
        if self.vocabulary_size is not None and self.method != "fresh":
            raise ValueError(f"`vocabulary_size` is not used by the method `{self.method}`")
        if unused := [name for name in _EVERY_SIZE if getattr(self, name) is not None and name not in used]:
            raise ValueError(f"`{unused[0]}` is not used by the method `{self.method}`")
        if self.method.endswith("prune") and all(getattr(self, name) is None for name in used):
            raise ValueError(f"the method `{self.method}` needs one of {', '.join(f'`{name}`' for name in used)}")
        return self
