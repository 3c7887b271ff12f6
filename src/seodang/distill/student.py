"""Which student is raised: the teacher's weights with adapters, or with some of its blocks taken out."""

from typing import Literal

from pydantic import Field

from seodang.core.sections import Section


class StudentSection(Section):
    """How the student is made from the teacher's (or its own) weights."""

    method: Literal["lora", "depth_prune"] = Field(
        default="lora", description="lora: adapters on the teacher's weights; depth_prune: fewer blocks, all of them trained"
    )
    rank: int = Field(default=32, ge=1, description="lora: rank of the adapters")
    alpha: float = Field(default=64.0, gt=0, description="lora: their scale is alpha / rank")
    first_layer: int = Field(default=0, ge=0, description="lora: blocks below this one stay as they are, which makes training faster")
    keep_layers: int = Field(
        default=15, ge=1, description="depth_prune: how many blocks are kept, chosen by how much each one changes its input"
    )
