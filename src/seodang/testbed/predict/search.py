"""Every layout of a model on some devices, and those of which none is better in both what a user and what a device gets."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from seodang.testbed.predict.case import Case, with_layout
from seodang.testbed.predict.evaluate import decode_seconds
from seodang.testbed.predict.layouts import all_layouts
from seodang.testbed.predict.memory import memory_plan
from seodang.testbed.predict.parameters import Parameters
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.serving import Prefill, steady_state
from seodang.testbed.predict.split import Readers, splits
from seodang.testbed.predict.step import Deployment
from seodang.testbed.workloads.operators import Layout

_MOST_PER_RANK = 1024  # clients a rank that are tried at most


@dataclass(frozen=True, slots=True)
class Point:
    """A layout under a load: `clients` at once on all devices, tokens a second for one of them, and for one device.

    Where `readers` read the prompts, `layout` is that of the devices that decode.
    """

    layout: Layout
    clients: int
    tokens_s_user: float
    tokens_s_device: float
    readers: Readers | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """All points, the front in order of `tokens_s_user`, the numbers of layouts that fit and do not, and of steady states computed."""

    points: tuple[Point, ...]
    front: tuple[Point, ...]
    fitting: int
    too_large: int
    computed: int


def search(case: Case, parameters: Parameters, count: int, clients: int | None = None) -> Found:
    """Of `count` devices, with `clients` clients, or without it with 1, 2, 4 ... a rank until memory is full.

    Every point counts all clients as decoding and prompts of a step to half a power of two; those of the front are then computed in full.
    Splits into devices that read prompts and devices that decode are among the points. PredictionRefused where no layout fits.
    """
    points: list[Point] = []
    deployments: list[Deployment] = []
    fitting = too_large = 0
    refused: PredictionRefused | None = None
    for layout in all_layouts(case.shape, count):
        laid = with_layout(case, layout)
        deployment = laid.deployment(parameters)
        deployments.append(deployment)
        try:
            plan = memory_plan(deployment, laid.input_tokens + laid.output_tokens)
        except PredictionRefused as error:
            too_large, refused = too_large + 1, error
            continue
        fitting += 1
        prefill = _roughly(deployment)
        points += (
            _point(laid, count, load, deployment, prefill, rounds=0) for load in _loads(plan.sequences, laid.replicas * layout.dp, clients)
        )
    for split in splits(deployments, count, case.input_tokens, case.output_tokens, _powers, clients):
        rate = split.requests_s * case.output_tokens / count
        points.append(Point(split.layout, round(split.clients), 1 / split.tpot_s, rate, split.readers))
    if not points and fitting:
        what = f"{clients} clients at once are more than any layout of {count} devices has memory for"
        raise PredictionRefused("does not fit", what, hint="ask for fewer clients, or leave --concurrency out")
    if not points:
        raise refused or PredictionRefused("does not fit", f"no layout of {count} devices", hint="ask for more devices")
    exact: list[Point] = []
    for point in front(points):
        if point.readers is not None:
            exact.append(point)
            continue
        laid = with_layout(case, point.layout)
        deployment = laid.deployment(parameters)
        load = point.clients / laid.replicas / point.layout.dp
        exact.append(_point(laid, count, load, deployment, deployment.prefill_s, rounds=8))
    return Found(tuple(points), front(exact), fitting, too_large, len(points) + len(exact))


def _point(case: Case, count: int, per_rank: float, deployment: Deployment, prefill: Prefill, *, rounds: int) -> Point:
    layout = case.layout
    steady = steady_state(
        per_rank,
        case.input_tokens,
        case.output_tokens,
        decode_seconds(case, deployment),
        prefill,
        ranks=layout.dp,
        stages=layout.pp,
        rounds=rounds,
    )
    clients = case.replicas * layout.dp * per_rank
    return Point(layout, round(clients), 1 / steady.tpot_s, clients * case.output_tokens / steady.request_s / count)


def _roughly(deployment: Deployment) -> Prefill:
    """Prefill with numbers of prompts to half a power of two, so that loads share what was computed."""

    def near(number: float) -> float:
        return 2 ** (round(2 * math.log2(number)) / 2)

    return lambda fullest, tokens, mean: deployment.prefill_s(near(fullest), tokens, near(mean))


def front(points: Iterable[Point]) -> tuple[Point, ...]:
    """Those that no other one beats in one of the two rates without losing in the other, by falling rate of a user."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (-one.tokens_s_user, -one.tokens_s_device)):
        if not kept or point.tokens_s_device > kept[-1].tokens_s_device:
            kept.append(point)
    return tuple(kept)


def _loads(sequences: float, ranks: int, clients: int | None) -> list[float]:
    if clients is not None:
        per_rank = clients / ranks
        return [per_rank] if per_rank <= sequences else []
    return _powers(sequences)


def _powers(sequences: float) -> list[float]:
    """1, 2, 4 ... sequences a rank, and as many as fit."""
    most = min(_MOST_PER_RANK, int(sequences))
    loads = [float(1 << power) for power in range(most.bit_length()) if 1 << power <= most]
    return loads if not loads or loads[-1] == most else [*loads, float(most)]
