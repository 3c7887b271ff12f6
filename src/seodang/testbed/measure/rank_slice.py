"""The true shapes of one rank of a model, run with weights that are drawn: real work of the full model on one device.

Weights and routing are synthetic, so times, bytes and shapes mean something, and texts, skew of routing and power of real weights do not.
Communication is not done: its time is added by latency and bandwidth of a described or measured link.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.backends.contract import Unsupported
from seodang.backends.description import Link
from seodang.testbed.measure.slice_runner import MEMORY_LIMIT, Asked, LayerBytes, Runner, one_layer
from seodang.testbed.measure.timing import Timing, time_each
from seodang.testbed.workloads.model_shape import MlpKind, ModelShape
from seodang.testbed.workloads.operators import Collective, traffic


@dataclass(frozen=True, slots=True)
class Slice:
    """Layers of one kind on one rank: seconds of one layer's step, its bytes, and the seconds that its collectives would take."""

    asked: Asked
    device: str
    mlp: MlpKind
    layers: int  # distinct ones that were gone through
    held_bytes: int
    timing: Timing
    bytes: LayerBytes
    collectives: Sequence[Collective]
    link: Link | None

    @property
    def communication_s(self) -> float | None:
        """Of one layer; none where no link was given for the collectives that there are."""
        if not self.collectives:
            return 0.0
        return None if self.link is None else sum(stub_seconds(one, self.link) * one.count for one in self.collectives)

    def row(self) -> dict[str, Any]:
        compute, wire = self.timing.median, self.communication_s
        read = sum(self.bytes.read.values())
        return {
            "synthetic": True,
            **self.asked.row(),
            "device": self.device,
            "mlp": self.mlp,
            "layers": self.layers,
            "held_bytes": self.held_bytes,
            "layer": {"compute": self.timing.row(), "communication_s": wire, "total_s": None if wire is None else compute + wire},
            "bytes": self.bytes.row(),
            "read_bytes_per_s": read / compute,
            "collectives": [dataclasses.asdict(one) for one in self.collectives],
            "link": None if self.link is None else self.link.model_dump(exclude_none=True),
            "meaning": "drawn weights and routing, one rank, sums over ranks left out; collectives by latency and bandwidth of the link",
        }

    def lines(self) -> list[str]:
        """For people."""
        read, compute, wire = sum(self.bytes.read.values()), self.timing, self.communication_s
        carried = "none" if not self.collectives else "their link is not known" if wire is None else f"{1e3 * wire:.3f} ms"
        rate = f"{read / compute.median / 1e9:.1f} GB/s"
        return [
            f"one {self.mlp} layer: {1e3 * compute.median:.2f} ms, +- {100 * compute.spread:.0f} %, best {1e3 * compute.best:.2f} ms",
            f"collectives of a layer: {carried}{f', by {self.link.name}' if self.link and self.collectives else ''}",
            f"read: {read / 1e6:.1f} MB, {'equal to' if self.bytes.equal else 'NOT equal to'} the accounting; {rate}",
        ]


def stub_seconds(one: Collective, link: Link) -> float:
    """One call as a ring: latency once, and what passes a device's link. Unsupported where the link's numbers are not known."""
    if link.bandwidth is None:
        raise Unsupported("the bandwidth of the link is not known", where=link.name, hint="name a device whose link is described")
    n = one.participants
    share = {"all_reduce": 2 * (n - 1) / n, "send": 1.0}.get(one.kind, (n - 1) / n)
    return (link.latency.value if link.latency else 0.0) + share * one.num_bytes / link.bandwidth.value


def rank_slice(
    asked: Asked,
    device: str = "cpu",
    *,
    layers: int = 1,
    mlp: MlpKind | None = None,
    link: Link | None = None,
    find_link: Callable[[], Link] | None = None,
    seconds: float = 10.0,
    memory_limit: float = MEMORY_LIMIT,
) -> Slice:
    """Times steps of `layers` distinct layers of a kind (the model's most frequent by default), one after another. OutOfMemory, before
    anything is taken, where it would pass `memory_limit`; Unsupported for parts that slices do not compute. `find_link` is asked where no
    `link` is given and the layer has collectives."""
    kind = mlp or ("moe" if asked.shape.num_moe_layers else "dense")
    runner = Runner(asked, device, {kind: layers}, memory_limit=memory_limit)
    timing = time_each({"layer": lambda: runner.step([kind])}, device, seconds=seconds)["layer"]
    collectives = [one for one in _traffic(one_layer(asked.shape, kind), asked) if one.name not in ("embedding", "logits", "stage")]
    if link is None and collectives and find_link is not None:
        link = find_link()
    return Slice(asked, device, kind, layers, runner.held_bytes, timing, runner.check_bytes(kind), collectives, link)


def _traffic(shape: ModelShape, asked: Asked) -> list[Collective]:
    layout = dataclasses.replace(asked.layout, pp=1)
    return traffic(
        shape,
        phase="decode",
        batch=asked.batch,
        context=asked.context,
        new_tokens=1,
        activations=asked.dtype,
        layout=layout,
        dispatch=asked.dtype,
    )
