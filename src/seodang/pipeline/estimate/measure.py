"""A calibration: this machine with a recipe's model, in about a minute. What is found is a description like any other."""

import datetime
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Literal

from seodang.backends.description import Description, Execution, Memory, Runs
from seodang.backends.quantity import Quantity
from seodang.core.errors import ModelError
from seodang.models.source import LocalTeacher, model_folder
from seodang.pipeline.collect import machine
from seodang.pipeline.context import RunContext
from seodang.pipeline.estimate.chosen_device import keep_measurement
from seodang.pipeline.estimate.device import Device
from seodang.pipeline.estimate.model_size import ModelSize, find_size, num_adapter_parameters
from seodang.pipeline.estimate.work import Pass, decoding, reading

_PROMPT_TOKENS, _ROWS, _SCORED_TOKENS, _STEPS = 48, 64, 8, 12
_ALIVE = 0.6  # of the rows of a batch that are decoded, those that have not ended yet
_EXAMPLES, _EXAMPLE_TOKENS, _ANSWER_TOKENS = 60, 20, 20
_QUIET, _BUSY = 1.6, 3.0  # factors within which true times are expected, if the machine had nothing else to do, and if it had
_SOURCE = "seodang estimate --measure, on this machine with "


def measure_machine(context: RunContext) -> Path:
    """Measures and keeps the result; returns its file. ModelError where the student's weights are not on this machine yet."""
    source = context.student_source
    size, doubt = find_size(source, context.workspace.store, context.base)
    if doubt or size.source == "known beforehand":
        raise ModelError(
            f"the weights of `{source.name}` are not in the store yet, so nothing can be measured with them",
            hint="run the recipe once, or estimate without --measure",
        )
    device = measure(_folder(context, source), size, lora=context.recipe.student.method == "lora")
    return keep_measurement(device, context.workspace.store, size)


def measure(folder: Path, size: ModelSize, *, lora: bool) -> Description:
    """Peak products, memory, and what a model reaches of them in reading, decoding and training (adapters if `lora`, else all weights)."""
    import torch

    from seodang.models.chat_model import Sampling
    from seodang.models.decoding import decode_batch
    from seodang.models.local import LocalModel, use_threads
    from seodang.models.precision import best_dtype
    from seodang.models.scoring_batches import score_rows

    use_threads()
    peak = {dtype: _products(dtype) for dtype in {torch.float32, best_dtype("cpu")}}
    bandwidth = _moved_per_s()
    opening, model = _timed(lambda: LocalModel(folder, dtype="auto"))
    device = _blank(peak, bandwidth, opening / (4 * size.num_parameters), size)
    draw = torch.Generator().manual_seed(0)

    def ids(count: int) -> list[int]:
        return torch.randint(0, size.vocabulary, (count,), generator=draw).tolist()

    def decode(rows: int, steps: int) -> float:
        prompts = [ids(_SCORED_TOKENS) for _ in range(rows)]
        return _twice(lambda: decode_batch(model.model, prompts, Sampling(steps, 0.5, 0.95, 0), 1, frozenset(), lambda _: False))

    alone = decode(1, _STEPS) / _STEPS
    moved = (size.num_layers * size.block_used + size.head) * model.dtype.itemsize / bandwidth
    device = _with(device, "block", "s", max(1e-6, (alone - moved) / size.num_layers), size)
    prompts, answers = [ids(_PROMPT_TOKENS) for _ in range(_ROWS)], [ids(_SCORED_TOKENS) for _ in range(_ROWS)]
    seconds = _twice(lambda: score_rows(model.model, prompts, answers, 0, _ROWS))
    tokens, scored = _ROWS * (_PROMPT_TOKENS + _SCORED_TOKENS), _ROWS * _SCORED_TOKENS
    device = _reached(device, reading(size, tokens, scored, _PROMPT_TOKENS / 2, 1), seconds, size)
    seconds = decode(_ROWS, _STEPS) / _ALIVE
    device = _reached(device, decoding(size, _ROWS * (_STEPS + _SCORED_TOKENS), _SCORED_TOKENS, _STEPS), seconds, size)
    beside = _resident_bytes() - size.num_parameters * model.dtype.itemsize
    device = _with(device, "process", "B", max(1e8, beside), size)
    device = _reached(device, *_train(folder, size, ids, lora=lora), size)
    return device.description.model_copy(update={"runs": device.runs})


def _train(folder: Path, size: ModelSize, ids: Callable[[int], list[int]], *, lora: bool) -> tuple[Pass, float]:
    """A step of training as a pass, and the seconds that it took: the second one, as the first allocates."""
    from seodang.distill.packing import Example
    from seodang.distill.students.make import make_student
    from seodang.distill.students.section import StudentSection
    from seodang.distill.train import Trainer
    from seodang.distill.train_section import TrainSection

    examples = [Example(str(i), (1, *ids(_EXAMPLE_TOKENS)), tuple(ids(_ANSWER_TOKENS))) for i in range(_EXAMPLES)]
    student = StudentSection(method="lora" if lora else "full")
    trainer = Trainer(
        make_student(folder, student, examples, 0), examples, TrainSection(), seed=0, divergence=None, weight=0.0, first_layer=0
    )
    trainer.take_step()
    seconds, taken = _timed(trainer.take_step)
    adapters = num_adapter_parameters(size, student.rank, size.num_layers) if lora else 0
    block, trained = (2, adapters) if lora else (3, size.num_parameters)
    flops = taken.num_tokens * (2 * block * size.num_layers * size.block_used + 6 * adapters)
    flops += 2 * block * taken.num_answer_tokens * size.head
    weights = size.num_layers * size.block_used + size.head
    return Pass("train", "auto" if lora else "float32", flops, block + 1, weights, size.num_layers, 40 * trained), seconds


def _reached(device: Device, work: Pass, seconds: float, size: ModelSize) -> Device:
    """The device with the share of the peak at which this work takes these seconds."""
    called = work.calls * work.num_blocks * device.runs.block.value
    left = max(0.1 * seconds, seconds - work.traffic_bytes / device.memory_bytes_per_s - called)
    dtype = device.dtype(work.dtype)
    share = work.flops / (device.peak(dtype) * left)
    device = _with(device, work.activity, "1", share, size)
    return _with(device, "train_float32", "1", share, size) if (work.activity, dtype) == ("train", "float32") else device


def _with(device: Device, name: str, unit: str, value: float, size: ModelSize) -> Device:
    return Device(device.description, device.runs.model_copy(update={name: _number(value, unit, size)}))


def _blank(peak: dict[Any, float], bandwidth: float, opening_s_per_byte: float, size: ModelSize) -> Device:
    """What is measured without passes of a model; the rest is filled in by `_with`."""
    here = machine()
    description = Description(
        name=f"{here['cores']} cores of {here['cpu']}",
        vendor="of this machine",
        kind="cpu",
        processor=here["cpu"],
        cores=here["cores"],
        memory=(Memory(name="RAM", capacity=_number(here["memory_bytes"], "B", size), bandwidth=_number(bandwidth, "B/s", size)),),
        peak={_name(dtype): _number(value, "FLOP/s", size) for dtype, value in peak.items()},
        execution=Execution(mode="eager"),
    )
    whole = _number(1.0, "1", size)
    runs = Runs(
        read=whole,
        decode=whole,
        train=whole,
        block=_number(1e-6, "s", size),
        process=_number(1e8, "B", size),
        opening=_number(opening_s_per_byte, "s/B", size),
        error_factor=_error_factor(here["cores"]),
    )
    return Device(description, runs)


def _name(dtype: Any) -> Literal["float32", "bfloat16"]:
    return "bfloat16" if str(dtype) == "torch.bfloat16" else "float32"


def _error_factor(cores: int) -> Quantity:
    load = os.getloadavg()[0]
    if load > cores:
        return _derived(_BUSY, f"other work ran beside: the load was {load:.1f} on {cores} cores")
    return _derived(_QUIET, "as between two recipes on the reference machine")


def _derived(factor: float, source: str) -> Quantity:
    return Quantity(value=factor, unit="1", kind="derived", source=source, date=datetime.date.today().isoformat())


def _number(value: float, unit: str, size: ModelSize) -> Quantity:
    today = datetime.date.today().isoformat()
    return Quantity(value=float(f"{value:.4g}"), unit=unit, kind="measured", source=_SOURCE + size.name, date=today)


def _products(dtype: Any) -> float:
    """FLOP/s of the median of some products of 512 x 2048 x 2048."""
    import torch

    left_MK, right_KN = torch.randn(512, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
    return 2 * 512 * 2048 * 2048 / median(_timed(lambda: left_MK @ right_KN)[0] for _ in range(9))


def _moved_per_s() -> float:
    """Bytes read and written in a second when 128 MB are copied."""
    import torch

    source_N = torch.ones(32_000_000)
    copy_N = torch.empty_like(source_N)
    return 2 * 4 * len(source_N) / median(_timed(lambda: copy_N.copy_(source_N))[0] for _ in range(5))


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def _twice(work: Callable[[], Any]) -> float:
    """Seconds of the faster of two calls: the first one sets things up."""
    return min(_timed(work)[0] for _ in range(2))


def _resident_bytes() -> float:
    return 4096.0 * int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])


def _folder(context: RunContext, source: LocalTeacher) -> Path:
    return model_folder(source, context.workspace.store, context.base)
