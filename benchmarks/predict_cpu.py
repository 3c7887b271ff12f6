"""Prediction against measurement on this machine: a model of 135 million parameters (random weights, synthetic) on the backend torch_cpu.

    python benchmarks/predict_cpu.py [--rounds 3] [--seconds 40] [--json]

A round measures the machine (`seodang devices measure`, and what an operator takes besides its work, on a model too small to have any),
then the model: decoding of several batches and contexts, and prompts of several lengths and batches, each the median of its repetitions.
What is predicted of a round is predicted from that round's own description alone; nothing is fitted to the model's times. The error of a
point is the median over rounds of predicted by measured, less 1. The load of the machine stands beside.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.build_graph import build_graph
from seodang.backends.contract import Feed, Limits, Session
from seodang.backends.description import Description, load_description
from seodang.backends.quantity import Quantity
from seodang.backends.registry import open_backend
from seodang.pipeline.collect import machine
from seodang.testbed.measure.machine import measure_machine
from seodang.testbed.predict.calibrated import frozen
from seodang.testbed.predict.schemes import scheme
from seodang.testbed.predict.step import Deployment
from seodang.testbed.workloads.layout import Layout
from seodang.testbed.workloads.routing import UNIFORM
from seodang.testbed.workloads.shape import read_shape

CONFIG: dict[str, Any] = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
    "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "tie_word_embeddings": True,
    "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000.0, "hidden_act": "silu",
}  # fmt: skip  # the sizes of SmolLM2-135M
DECODE = [(batch, context) for batch in (1, 4, 8, 16) for context in (64, 512, 1024)]
PREFILL = [(1, 64), (1, 256), (1, 1024), (4, 64), (4, 256)]
_BAR = 0.15
_REPEATS = 7


@dataclass(frozen=True)
class Point:
    """One thing that is predicted and measured: `requests` sequences of `tokens` tokens."""

    phase: str
    requests: int
    tokens: int

    @property
    def name(self) -> str:
        return f"{self.phase} of {self.requests} x {self.tokens}"


POINTS = [Point("decode", *one) for one in DECODE] + [Point("prefill", *one) for one in PREFILL]


def main() -> None:
    """Measures, predicts, and prints a table or JSON; exit code 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=40.0, help="of measuring the machine, in each round (default %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        session = open_session(CONFIG, folder)
        rounds = [one_round(session, folder, options.seconds) for _ in range(options.rounds)]
    report = summarise(rounds)
    print(json.dumps(report, indent=1) if options.json else "\n".join(table(report)))
    sys.exit(0 if report["median_error"] <= _BAR else 1)


def open_session(config: dict[str, Any], folder: Path) -> Session:
    """The model with random weights on torch_cpu, in float32."""
    graph = build_graph(config)
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape, np.float32) * np.float32(shape[-1] ** -0.5) for name, shape in graph.tensors.items()}
    backend = open_backend("torch_cpu")
    longest = 1024 + _REPEATS + 2
    limits = Limits(max_sequences=16, max_context=longest, max_step_tokens=16 * longest, dtype="float32")
    return backend.load(backend.compile(graph, limits, folder), weights)[0]


def one_round(session: Session, folder: Path, seconds: float) -> dict[str, Any]:
    """The machine's description, then every point measured and predicted."""
    before = os.getloadavg()[0]
    described, _ = measure_machine("cpu", seconds=seconds, ranks=1)
    told = f"a model of 30 blocks that are 16 wide, on torch_cpu, by its counted operators; load {os.getloadavg()[0]:.1f}"
    beside = {
        name: Quantity(value=seconds, unit="s", kind="measured", source=told, date=time.strftime("%Y-%m-%d"))
        for name, seconds in launches(folder).items()
    }
    described = described.model_copy(update={"reached": {**described.reached, **beside}})
    there = deployment(described, folder / "config.json")
    points = {point.name: {"measured_s": measure(session, point), "predicted_s": predict(there, point)} for point in POINTS}
    return {"load": [before, os.getloadavg()[0]], "description": described.model_dump(mode="json"), "points": points}


def deployment(described: Description, config: Path) -> Deployment:
    """One such device with the model in float32."""
    shape = read_shape(config)
    return Deployment(shape, described, Layout(), scheme("fp32", mixture=False), "float32", frozen().parameters, UNIFORM)


def predict(there: Deployment, point: Point) -> float:
    """Seconds of a step, without serving around it."""
    timed = there.decode(point.requests, point.tokens) if point.phase == "decode" else there.prefill(point.requests, point.tokens)
    return sum(one.seconds for one in timed)


def measure(session: Session, point: Point) -> float:
    """The median of the device's own times of repeated steps, after one that warms up."""
    rng, times = np.random.default_rng(1), list[float]()
    if point.phase == "prefill":
        for _ in range(_REPEATS // 2 + 2):
            handles = [session.kv.allocate() for _ in range(point.requests)]
            times.append(session.prefill([Feed(handle, rng.integers(0, 49152, point.tokens)) for handle in handles]).device_s)
            for handle in handles:
                session.kv.free(handle)
        return statistics.median(times[1:])
    handles = [session.kv.allocate() for _ in range(point.requests)]
    for handle in handles:
        session.prefill([Feed(handle, rng.integers(0, 49152, point.tokens - 1))])
    for _ in range(_REPEATS + 1):
        times.append(session.decode([Feed(handle, rng.integers(0, 49152, 1)) for handle in handles]).device_s)
    for handle in handles:
        session.kv.free(handle)
    return statistics.median(times[1:])


def launches(folder: Path) -> dict[str, float]:
    """Seconds that an operator takes besides its work, and attention for each further sequence: of a model whose products are nothing."""
    small = CONFIG | {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 16}
    small["vocab_size"] = 64
    place = folder / "small"
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(small), encoding="utf-8")
    session = open_session(small, place)
    handles = [session.kv.allocate() for _ in range(8)]
    session.prefill([Feed(handle, np.arange(8)) for handle in handles])
    one, many = (
        statistics.median(session.decode([Feed(handle, np.array([3])) for handle in handles[:count]]).device_s for _ in range(30))
        for count in (1, 8)
    )
    session.close()
    dummy = Deployment(
        read_shape(place / "config.json"), load_description("h200_sxm"), Layout(), scheme("fp32", mixture=False), "float32",
        frozen().parameters, UNIFORM,
    )  # fmt: skip
    ops, _ = dummy.counted("decode", 1, 8, 1)
    return {"launch": one / sum(op.count for op in ops), "launch_sequence": max(0.0, many - one) / 7 / CONFIG["num_hidden_layers"]}


def summarise(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Errors of points over rounds, and their median."""
    rows = []
    for point in POINTS:
        ratios = [one["points"][point.name]["predicted_s"] / one["points"][point.name]["measured_s"] for one in rounds]
        measured = statistics.median(one["points"][point.name]["measured_s"] for one in rounds)
        rows.append({"point": point.name, "measured_s": measured, "error": statistics.median(ratios) - 1, "ratios": ratios})
    errors = sorted(abs(row["error"]) for row in rows)
    return {
        "synthetic": True,
        "machine": machine(),
        "median_error": statistics.median(errors),
        "largest_error": errors[-1],
        "bar": _BAR,
        "rows": sorted(rows, key=lambda row: -abs(row["error"])),
        "loads": [one["load"] for one in rounds],
        "descriptions": [one["description"] for one in rounds],
    }


def table(report: dict[str, Any]) -> list[str]:
    """Worst points first."""
    lines = [f"{'point':<24}{'measured':>12}{'predicted less measured, median and each round':>60}"]
    for row in report["rows"]:
        each = ", ".join(f"{100 * (ratio - 1):+.0f} %" for ratio in row["ratios"])
        lines.append(f"{row['point']:<24}{1e3 * row['measured_s']:>9.2f} ms{100 * row['error']:>+12.1f} %  ({each})")
    loads = ", ".join(f"{before:.1f} to {after:.1f}" for before, after in report["loads"])
    said = f"median error {100 * report['median_error']:.1f} %, bar {100 * _BAR:.0f} %; largest {100 * report['largest_error']:.0f} %"
    return [*lines, f"{said}; load {loads}"]


if __name__ == "__main__":
    main()
