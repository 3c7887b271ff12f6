"""Rows of collectives: latency and bandwidth of dispatch and combine among the ranks that share experts."""

from collections.abc import Callable

from seodang.testbed.predict.case import device_of, shape_of
from seodang.testbed.predict.communication import Kind, Network, collective_s, network
from seodang.testbed.predict.parameters import Parameters
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.rows import Row

_SCALE_BLOCK = 128  # values that share a float32 scale in a float8 dispatch (DeepSeek-V3, arXiv:2412.19437)
_NODES_A_TOKEN = 4  # groups of nodes a token is sent to at most by kernels for throughput (DeepSeek-V3: limited to 4 nodes)


def exchange(row: Row) -> Callable[[Parameters], float]:
    """The row's metric as a function of the parameters: seconds for `latency_*`, bytes a second for `bandwidth_*`."""
    kind, what = _kind(row)
    shape, device = shape_of(row.model), device_of(row.device)
    if not shape.routed_experts:
        raise PredictionRefused("unknown", f"{row.model} has no experts to send tokens to")
    participants = row.ep or row.count
    if participants is None or row.concurrency is None:
        raise PredictionRefused("missing input", "no number of ranks or of tokens a rank", hint="fill the columns ep and concurrency")
    if participants < 2:
        raise PredictionRefused("missing input", "one rank sends nothing to others", hint="a collective needs two ranks at least")
    each = shape.hidden * (1 + 4 / _SCALE_BLOCK if kind == "all_to_all_dispatch" and "bf16" not in row.metric else 2)
    over = network(device)
    if what == "latency":
        num_bytes = row.concurrency * shape.top_k * each
        return lambda parameters: collective_s(kind, num_bytes, participants, over, parameters)
    return lambda parameters: _bandwidth(kind, row.concurrency or 1, each, participants, over, parameters)


def _bandwidth(kind: Kind, tokens: int, each: float, participants: int, over: Network, parameters: Parameters) -> float:
    """Bytes a second over the narrowest link: what DeepEP reports of its kernels for throughput, which send a token to each node once."""
    domains = -(-participants // over.domain)
    if domains == 1:
        num_bytes = tokens * each
        within = num_bytes * (participants - 1) / participants
        return within / collective_s(kind, num_bytes, participants, over, parameters)
    num_bytes = tokens * each * min(_NODES_A_TOKEN, domains)
    crossing = num_bytes * (domains - 1) / domains
    return crossing / (crossing / (over.out_bytes_s * parameters.link_out) + parameters.exchange_s)


def _kind(row: Row) -> tuple[Kind, str]:
    what, _, rest = row.metric.partition("_")
    if what in ("latency", "bandwidth") and rest.startswith("dispatch"):
        return "all_to_all_dispatch", what
    if what in ("latency", "bandwidth") and rest.startswith("combine"):
        return "all_to_all_combine", what
    raise PredictionRefused(
        "unknown", f"no metric `{row.metric}` of a collective", hint="there are: latency_ and bandwidth_ of dispatch and combine"
    )
