"""Devices that read prompts apart from devices that decode: how many of each, laid out how.

Decoding is then never stopped by a prompt, and the prompt's keys and values travel once (DistServe, Zhong et al. 2024, arXiv 2401.09670).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from seodang.testbed.predict.layouts import group_size
from seodang.testbed.predict.memory import memory_plan
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.step import Deployment
from seodang.testbed.workloads.operators import Layout

SPLIT_ASSUMED = (
    "where some devices read the prompts for others, keys and values travel over each device's own link between domains; groups have sizes "
    "that divide all devices; no measured row of the calibration is served so, and intervals are wider"
)
_PARTS = 8  # the devices for prompts are tried in so many steps
_ROUNDS, _NEAR = 6, 0.01  # until as many clients are there as were asked for, to a share of them
_BUSY = 0.9  # of what the readers of prompts can do: beyond, waiting grows without bound


@dataclass(frozen=True, slots=True)
class Readers:
    """The devices that read prompts: `rate` prompts a second of all of them at most, `alone_s` seconds for one that does not wait."""

    devices: int
    layout: Layout
    rate: float
    alone_s: float

    def wait_s(self, load: float) -> float:
        """Seconds that a prompt waits at `load` prompts a second: one server with fixed times (M/D/1; Pollaczek 1930), with the time that
        the devices take for a prompt on average."""
        busy = load / self.rate
        return busy / (2 * (1 - busy)) / self.rate


@dataclass(frozen=True, slots=True)
class Split:
    """A steady state: `clients` at once in all, `tpot_s` between the tokens of one, `requests_s` requests a second of all devices."""

    readers: Readers
    layout: Layout
    clients: float
    tpot_s: float
    ttft_s: float
    requests_s: float


def splits(
    deployments: Sequence[Deployment],
    count: int,
    input_tokens: float,
    output_tokens: float,
    loads: Callable[[float], Sequence[float]],
    clients: int | None = None,
) -> Iterator[Split]:
    """Every split of `count` devices into eighths, over the layouts of `deployments`: the readers laid out for the most prompts a second,
    the others in every layout that fits, with the sequences a rank that `loads(sequences that fit)` names, or with `clients` in all, as
    far as the readers keep up with them.
    """
    fitting = [found for deployment in deployments if (found := _sequences(deployment, input_tokens + output_tokens)) is not None]
    reading = [deployment for deployment in deployments if _sequences(deployment, input_tokens) is not None]
    for devices in sorted({count * part // _PARTS for part in range(1, _PARTS)} - {0}):
        readers = _best_readers(reading, devices, input_tokens)
        if readers is None:
            continue
        for deployment, sequences in fitting:
            group = group_size(deployment.layout)
            if (count - devices) % group:
                continue
            ranks = (count - devices) // group * deployment.layout.dp
            sent = _transfer_s(deployment, input_tokens)

            def at(
                per_rank: float, readers: Readers = readers, deployment: Deployment = deployment, ranks: int = ranks, sent: float = sent
            ) -> Split | None:
                """The state with `per_rank` sequences in decoding; None where the readers do not keep up."""
                tpot = deployment.decode_s(per_rank, input_tokens + output_tokens / 2)
                requests = ranks * per_rank / (output_tokens * tpot)
                if requests > _BUSY * readers.rate:
                    return None
                first = readers.alone_s + readers.wait_s(requests) + sent
                return Split(readers, deployment.layout, ranks * per_rank + requests * first, tpot, first, requests)

            if clients is None:
                yield from takewhile(lambda split: split is not None, map(at, loads(sequences)))  # pyright: ignore[reportReturnType]
            elif (settled := _with_clients(at, clients / ranks, sequences, clients)) is not None:
                yield settled


def _with_clients(at: Callable[[float], Split | None], most: float, sequences: float, clients: int) -> Split | None:
    """The state in which there are `clients` in all, those whose prompt is read or waits among them; None where there is none."""
    per_rank = min(most, sequences)
    for _ in range(_ROUNDS):
        split = at(per_rank)
        if split is None:
            return None
        if abs(split.clients - clients) < _NEAR * clients:
            return split
        per_rank *= clients / split.clients
        if per_rank > sequences:
            return None
    return None


def _best_readers(deployments: Sequence[Deployment], devices: int, input_tokens: float) -> Readers | None:
    """The layout of `devices` that reads the most prompts a second, of deployments whose memory holds one; of equal ones the quickest for
    one. None where none divides the devices."""
    found: list[Readers] = []
    for deployment in deployments:
        layout = deployment.layout
        if devices % group_size(layout):
            continue
        groups = devices // group_size(layout)
        rate = groups * layout.dp * layout.pp / deployment.prefill_s(1, input_tokens, 1)
        found.append(Readers(devices, layout, rate, deployment.prefill_s(1, input_tokens, 1 / layout.dp)))
    return max(found, key=lambda readers: (readers.rate, -readers.alone_s), default=None)


def _sequences(deployment: Deployment, tokens: float) -> tuple[Deployment, float] | None:
    """The deployment with the sequences of `tokens` that fit a rank; None where the model does not fit."""
    try:
        return deployment, memory_plan(deployment, tokens).sequences
    except PredictionRefused:
        return None


def _transfer_s(deployment: Deployment, input_tokens: float) -> float:
    """Seconds until a device has the keys and values of its part of a prompt, over its own link between domains."""
    held = sum(op.count * op.kv_bytes for op in deployment.counted("decode", 1.0, input_tokens, 1.0)[0])
    over = deployment.over
    return held / (over.out_bytes_s * deployment.parameters.link_out) + over.extra_s
