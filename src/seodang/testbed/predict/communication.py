"""Time of a collective: a latency and bytes over a bandwidth, inside the fast domain and across (Hockney 1994, two tiers)."""

import math
from dataclasses import dataclass
from typing import Literal

from seodang.backends.description import Description
from seodang.testbed.predict.parameters import Parameters

OUT_BYTES_S = 50e9  # one card of 400 Gbit/s a device: assumed where a description has no link between domains
_DOMAIN = 8  # devices of a fast domain where a description does not say: one server

Kind = Literal["all_reduce", "all_gather", "reduce_scatter", "all_to_all_dispatch", "all_to_all_combine", "send"]


@dataclass(frozen=True, slots=True)
class Network:
    """What collectives see of a device: bytes a second in one direction and the devices of one fast domain."""

    domain: int
    in_bytes_s: float
    out_bytes_s: float
    extra_s: float = 0.0  # added to every latency, in seconds: may be below 0 to ask what a shorter one buys
    assumed: tuple[str, ...] = ()


def network(device: Description) -> Network:
    """From a description; what it does not say is assumed, and `assumed` says so."""
    assumed: list[str] = []
    inner = device.link
    outer = next((link for link in device.links if link.reach == "scale_out" and link.bandwidth is not None), None)
    host = next((link for link in device.links if link.reach == "host" and link.bandwidth is not None), None)
    domain = inner.devices if inner is not None and inner.devices else _DOMAIN
    if inner is None or not inner.devices:
        assumed.append(f"{domain} devices share one fast domain: the description does not say how many")
    if inner is not None and inner.bandwidth is not None:
        in_bytes_s = inner.bandwidth.value
    elif host is not None and host.bandwidth is not None:
        in_bytes_s = host.bandwidth.value
        assumed.append("devices of a domain reach each other by the link to the host: no bandwidth of a faster one is described")
    else:
        in_bytes_s = OUT_BYTES_S
        assumed.append(f"devices of a domain reach each other at {OUT_BYTES_S / 1e9:.0f} GB/s: no link's bandwidth is described")
    if outer is not None and outer.bandwidth is not None:
        out_bytes_s = outer.bandwidth.value
    else:
        out_bytes_s = min(OUT_BYTES_S, in_bytes_s)
        assumed.append(f"{out_bytes_s / 1e9:.0f} GB/s a device between domains (a card of 400 Gbit/s): none is described")
    return Network(domain, in_bytes_s, out_bytes_s, assumed=tuple(assumed))


def collective_s(kind: Kind, num_bytes: float, participants: int, over: Network, parameters: Parameters) -> float:
    """Seconds of one collective of `participants` devices, each of which holds `num_bytes`.

    For an all-to-all `num_bytes` is what a rank sends, to itself included, evenly to all; messages inside the domain and across go one
    after the other. An all-reduce is a reduce-scatter and an all-gather in the domain, and one of a domain's share between domains.
    For all_gather and reduce_scatter `num_bytes` is the whole vector.
    """
    if participants <= 1 or num_bytes <= 0:
        return 0.0
    inside = min(participants, over.domain)
    domains = -(-participants // over.domain)
    in_s, out_s = over.in_bytes_s * parameters.link_in, over.out_bytes_s * parameters.link_out
    hops_s = parameters.hop_s * math.log2(domains)
    if kind == "send":
        return max(0.0, parameters.reduce_s / 2 + hops_s + over.extra_s) + num_bytes / (in_s if domains == 1 else out_s)
    if kind in ("all_to_all_dispatch", "all_to_all_combine"):
        across = 1 - inside / participants
        within = (inside - 1) / participants
        return max(0.0, parameters.exchange_s + hops_s + over.extra_s) + num_bytes * (within / in_s + across / out_s)
    rounds = 2 if kind == "all_reduce" else 1
    share = num_bytes / inside
    latency = (parameters.reduce_s / 2 + hops_s) * rounds
    return max(0.0, latency + over.extra_s) + rounds * (inside - 1) * share / in_s + rounds * (domains - 1) / domains * share / out_s
