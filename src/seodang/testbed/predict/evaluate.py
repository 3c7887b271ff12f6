"""The value of a metric for a case: seconds, tokens a second or bytes a second."""

from collections.abc import Callable
from dataclasses import dataclass

from seodang.testbed.predict.case import Case
from seodang.testbed.predict.communication import Network
from seodang.testbed.predict.lengths import MLPERF, PREFILL_TOKENS_PER_RANK
from seodang.testbed.predict.memory import memory_plan
from seodang.testbed.predict.parameters import Parameters
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.serving import Decode, Steady, most_per_rank, prompts_a_second, steady_state
from seodang.testbed.predict.step import Deployment

_NODE = 8  # devices of a server, where a figure is one a node
_MOST_PER_RANK = 2048.0  # sequences a rank that a run for throughput holds at most (assumed)
_REQUESTS_A_CLIENT = 10  # of a measured run; the first of all clients are sent at once (SemiAnalysisAI/InferenceX, utils/bench_serving)
_SERVER_S = 0.2  # to the first token beside the model: about what the calibration rows of `ttft_loaded` have beyond it


@dataclass(frozen=True, slots=True)
class Change:
    """A device changed a little: factors on bandwidth, FLOP/s and capacity, and another network."""

    bandwidth: float = 1.0
    compute: float = 1.0
    capacity: float = 1.0
    net: Network | None = None


AS_IS = Change()


def evaluate(case: Case, parameters: Parameters, change: Change = AS_IS) -> float:
    """The metric of the case's row in seconds, tokens a second or bytes a second. PredictionRefused for one that is not known."""
    found = METRICS.get(case.row.metric)
    if found is None:
        raise PredictionRefused(
            "unknown", f"no metric `{case.row.metric}`", hint=f"there are: {', '.join((*METRICS, 'latency_*, bandwidth_*'))}"
        )
    deployment = case.deployment(parameters, net=change.net, bandwidth_factor=change.bandwidth, compute_factor=change.compute)
    return found(case, deployment, change)


def serve(case: Case, deployment: Deployment, change: Change = AS_IS, per_rank: float | None = None) -> Steady:
    """The steady state with the case's clients, or with `per_rank` ones; no more than fit into the memory run at once."""
    plan = memory_plan(deployment, case.input_tokens + case.output_tokens, capacity_factor=change.capacity)
    clients = min(case.clients_per_rank if per_rank is None else per_rank, plan.sequences)
    return steady_state(
        clients,
        case.input_tokens,
        case.output_tokens,
        decode_seconds(case, deployment),
        deployment.prefill_s,
        ranks=case.layout.dp,
        stages=case.layout.pp,
    )


def decode_seconds(case: Case, deployment: Deployment) -> Decode:
    """Seconds a token. With speculative decoding a step reads each cache once for two tokens, of which 1 + acceptance are kept; the time of
    the drafting layer is left out."""
    accepted = case.row.acceptance
    if accepted is None:
        return deployment.decode_s
    return lambda batch, context: deployment.decode_s(2 * batch, context / 2) / (1 + accepted)


def _tpot(case: Case, deployment: Deployment, change: Change) -> float:
    if case.row.phase == "decode":
        memory_plan(deployment, case.input_tokens + case.output_tokens, capacity_factor=change.capacity)
        per_rank = case.row.batch_per_rank or case.clients_per_rank
        return decode_seconds(case, deployment)(per_rank, case.input_tokens + case.output_tokens / 2)
    return serve(case, deployment, change).tpot_s


def _ttft(case: Case, deployment: Deployment, change: Change) -> float:
    memory_plan(deployment, case.input_tokens, capacity_factor=change.capacity)
    return deployment.prefill_s(1, case.input_tokens, 1 / case.layout.dp)


def _ttft_loaded(case: Case, deployment: Deployment, change: Change) -> float:
    steady = serve(case, deployment, change)
    first_burst = case.clients_per_rank * steady.unloaded_ttft_s / case.layout.pp / (2 * _REQUESTS_A_CLIENT)
    return steady.ttft_s + first_burst + _SERVER_S


def _output(case: Case, steady: Steady, per_rank: float) -> float:
    """Tokens a second of all replicas."""
    return case.replicas * case.layout.dp * per_rank * case.output_tokens / steady.request_s


def _throughput_output(case: Case, deployment: Deployment, change: Change) -> float:
    plan = memory_plan(deployment, case.input_tokens + case.output_tokens, capacity_factor=change.capacity)
    per_rank = min(case.clients_per_rank, plan.sequences)
    return _output(case, serve(case, deployment, change, per_rank), per_rank)


def _offline(case: Case, deployment: Deployment, change: Change) -> float:
    per_rank = _fullest(case, deployment, change)
    return _output(case, serve(case, deployment, change, per_rank), per_rank)


def _fullest(case: Case, deployment: Deployment, change: Change) -> float:
    plan = memory_plan(deployment, case.input_tokens + case.output_tokens / 2, capacity_factor=change.capacity)
    return max(1.0, min(case.row.batch_per_rank or _MOST_PER_RANK, plan.sequences))


def _limited(which: str) -> Callable[[Case, Deployment, Change], float]:
    def value(case: Case, deployment: Deployment, change: Change) -> float:
        known = MLPERF.get(case.row.model)
        if known is None:
            raise PredictionRefused("missing input", "no limits of the scenario are known for this model")
        first_s, each_s = known.server if which == "server" else known.interactive
        ceiling = _fullest(case, deployment, change)
        per_rank = most_per_rank(each_s, ceiling, lambda clients: serve(case, deployment, change, clients).tpot_s)
        if per_rank == 0:
            raise PredictionRefused("does not fit", f"not even one client a rank is served within {1e3 * each_s:.0f} ms a token")
        steady = serve(case, deployment, change, per_rank)
        each = deployment.prefill_s(1, case.input_tokens, 1 / case.layout.dp)
        prompts = prompts_a_second(each / case.layout.pp, first_s - each)
        by_prompts = case.replicas * case.layout.dp * prompts * case.output_tokens
        return min(_output(case, steady, per_rank), by_prompts)

    return value


def _prefill_per_node(case: Case, deployment: Deployment, change: Change) -> float:
    requests = max(1.0, PREFILL_TOKENS_PER_RANK / case.input_tokens)
    computed = case.input_tokens * (1 - case.row.cached_share)
    rank_tokens_s = requests * computed / deployment.prefill_s(requests, computed, requests)
    return _NODE / (case.layout.tp * case.layout.pp) * rank_tokens_s / (1 - case.row.cached_share)


def _decode_per_node(case: Case, deployment: Deployment, change: Change) -> float:
    context = case.input_tokens + case.output_tokens / 2
    plan = memory_plan(deployment, context, capacity_factor=change.capacity)
    if case.row.user_tokens_s is not None:
        limit = 1 / case.row.user_tokens_s
        per_rank = most_per_rank(limit, min(plan.sequences, _MOST_PER_RANK), lambda clients: deployment.decode_s(clients, context))
        if per_rank == 0:
            raise PredictionRefused("does not fit", f"not even one client a rank is served at {case.row.user_tokens_s:g} tokens a second")
    else:
        per_rank = min(case.row.batch_per_rank or case.clients_per_rank, plan.sequences)
    return _NODE / (case.layout.tp * case.layout.pp) * per_rank / deployment.decode_s(per_rank, context)


METRICS: dict[str, Callable[[Case, Deployment, Change], float]] = {
    "tpot": _tpot,
    "ttft": _ttft,
    "ttft_loaded": _ttft_loaded,
    "throughput_output": _throughput_output,
    "throughput_offline": _offline,
    "throughput_server": _limited("server"),
    "throughput_interactive": _limited("interactive"),
    "throughput_input_per_node": _prefill_per_node,
    "throughput_output_per_node": _decode_per_node,
}
