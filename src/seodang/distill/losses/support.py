"""Which divergence can be computed from which kind of target.

| loss | dense, hidden | sparse (head and tail bucket) | sampled |
| --- | --- | --- | --- |
| forward_kl | exact | bound | unbiased |
| reverse_kl | exact | bound | refused |
| generalized_jsd | exact | bound | refused |
| skew_kl | exact | bound | refused |
| skew_reverse_kl | exact | bound | refused |
| total_variation | exact | bound | refused |
| alpha_beta | exact | refused | refused |

- *bound*: joining outcomes into one bucket can only lose an f-divergence (the data processing inequality), so the result lies between 0 and
  the full divergence, and is equal to it where the whole vocabulary is kept. The alpha-beta divergence is not an f-divergence: its bucketed
  value is neither above nor below, so a sparse target is refused unless the whole vocabulary is kept.
- *unbiased*: value and gradient have the full ones as their expectation, because they are linear in the teacher's distribution. The others
  are not, and what they would give on draws is not an estimate of anything.
"""

from typing import Literal

from seodang.distill.losses.target import Sampled, Sparse, Target

Support = Literal["exact", "bound", "unbiased", "refused"]
KINDS = ("dense", "hidden", "sparse", "sampled")
_OF_F_DIVERGENCES: dict[str, Support] = {"dense": "exact", "hidden": "exact", "sparse": "bound", "sampled": "refused"}

SUPPORT: dict[str, dict[str, Support]] = {
    "forward_kl": {**_OF_F_DIVERGENCES, "sampled": "unbiased"},
    "reverse_kl": _OF_F_DIVERGENCES,
    "generalized_jsd": _OF_F_DIVERGENCES,
    "skew_kl": _OF_F_DIVERGENCES,
    "skew_reverse_kl": _OF_F_DIVERGENCES,
    "total_variation": _OF_F_DIVERGENCES,
    "alpha_beta": {**_OF_F_DIVERGENCES, "sparse": "refused"},
}


def refuse(loss: str, target: Target, vocabulary: int) -> None:
    """ValueError where the table refuses the loss on this kind of target."""
    kind = type(target).__name__.lower()
    if SUPPORT[loss][kind] != "refused":
        return
    if isinstance(target, Sampled):
        why = "its value on draws is not an estimate of the full one"
    elif isinstance(target, Sparse) and bool((target.offsets.diff() < vocabulary).any()):
        why = "joining the rest into one bucket moves it up or down"
    else:
        return
    others = ", ".join(name for name, row in SUPPORT.items() if row[kind] != "refused")
    raise ValueError(f"`{loss}` cannot be computed from a {kind} target: {why}; use {others}, or keep the full logits")
