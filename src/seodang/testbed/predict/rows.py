"""Rows of measured deployments: the columns of `evidence/serving.csv`, with what a note says read into fields."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from seodang.backends.description import Precision
from seodang.core.errors import InputError

_NUMBERS = ("count", "tp", "dp", "ep", "pp", "isl", "osl", "concurrency", "value")
_COLUMNS = ("id", "device", "count", "framework", "model_id", "weights", *_NUMBERS[1:-1], "phase", "metric", "value", "unit", "note")
_NEEDED = ("id", "device", "metric")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured or asked point. Numbers are None where the column is empty; `fault` says what in the row cannot be read."""

    id: str
    split: str
    device: str
    count: int | None
    framework: str
    model: str
    weights: str
    tp: int | None
    dp: int | None
    ep: int | None
    pp: int | None
    phase: str
    input_tokens: float | None
    output_tokens: float | None
    concurrency: int | None
    metric: str
    value: float | None
    unit: str
    note: str
    source: str
    fault: str = ""

    @property
    def deployment(self) -> tuple[object, ...]:
        """What stays the same over load points. A collective's number of devices is a load point."""
        if self.phase == "collective":
            return (self.device, self.framework, self.metric)
        layout = (self.tp or 1, self.dp or 1, self.ep or 1, self.pp or 1) if self.has_layout else None
        return (self.device, self.count, self.framework, self.model, self.weights, layout, self.phase)

    @property
    def has_layout(self) -> bool:
        """Whether one of the degrees of parallelism is given."""
        return any(size is not None for size in (self.tp, self.dp, self.ep, self.pp))

    @property
    def batch_per_rank(self) -> int | None:
        """From a note such as "batch per decode rank 32" or "batch 512"."""
        found = re.search(r"batch(?: per decode rank)? ([1-9]\d{0,8})(?!\d)", self.note)
        return int(found[1]) if found else None

    @property
    def kv(self) -> Precision | None:
        """From a note such as "FP8 KV"."""
        found = re.search(r"(FP8|FP16|BF16) KV", self.note)
        return None if found is None else "float8" if found[1] == "FP8" else "bfloat16"

    @property
    def attention_parallel_over_data(self) -> bool:
        """Whether a note says that every rank attends to its own sequences."""
        return "attention data parallel" in self.note

    @property
    def user_tokens_s(self) -> float | None:
        """From a note such as "20-22 token/s per user": the middle."""
        found = re.search(r"([1-9]\d{0,8})-(\d+) token/s per user", self.note)
        return (float(found[1]) + float(found[2])) / 2 if found else None

    @property
    def acceptance(self) -> float | None:
        """From a note such as "acceptance 0.8": how many of one drafted token are kept on average; None: no speculative decoding."""
        found = re.search(r"acceptance (0?\.\d+|[01](?:\.0*)?)(?![\w.])", self.note)
        return float(found[1]) if found else None

    @property
    def cached_share(self) -> float:
        """From a note such as "56.3 % of input tokens were cache hits": the share of input tokens that is not computed."""
        found = re.search(r"(?<![\d.])(\d{1,2}(?:\.\d+)?) % of input tokens were cache hits", self.note)
        return float(found[1]) / 100 if found else 0.0


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV with a header. InputError where it is no such file; a row that cannot be read keeps its fault."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or ()]
            if missing := [name for name in _NEEDED if name not in header]:
                raise InputError(
                    f"no column {', '.join(missing)}",
                    where=str(path),
                    hint=f"the columns are {', '.join(_COLUMNS)}; most may be empty",
                )
            return [_row(record) for record in reader]
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path), hint="name a CSV file of points") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"cannot be read as CSV in UTF-8 ({error})", where=str(path), hint="save it as CSV in UTF-8 with a header"
        ) from error


def evidence() -> list[Row]:
    """The measured rows that come with seodang."""
    return list(_bundled())


@cache
def _bundled() -> tuple[Row, ...]:
    return tuple(read_rows(Path(str(resources.files("seodang.testbed.predict") / "evidence" / "serving.csv"))))


def calibration(rows: Iterable[Row]) -> list[Row]:
    """Those that may be used for fitting."""
    return [row for row in rows if row.split == "calibrate"]


def _row(record: Mapping[str | None, str | list[str] | None]) -> Row:
    text = {str(name).strip(): value.strip() for name, value in record.items() if name is not None and isinstance(value, str)}
    numbers: dict[str, float | None] = {}
    faults: list[str] = []
    for name in _NUMBERS:
        given = text.get(name, "")
        try:
            numbers[name] = float(given) if given else None
        except ValueError:
            numbers[name] = None
            faults.append(f"`{name}` is not a number: {given[:40]}")
        number = numbers[name]
        if number is not None and not 0 < number < 1e15:
            numbers[name] = None
            faults.append(f"`{name}` is not above 0: {given[:40]}")
        elif number is not None and name in ("count", "tp", "dp", "ep", "pp", "concurrency") and number != int(number):
            numbers[name] = None
            faults.append(f"`{name}` is not a whole number: {given[:40]}")

    def whole(name: str) -> int | None:
        value = numbers[name]
        return None if value is None else int(value)

    return Row(
        id=text.get("id", ""),
        split=text.get("split", ""),
        device=text.get("device", ""),
        count=whole("count"),
        framework=text.get("framework", ""),
        model=text.get("model_id", ""),
        weights=text.get("weights", ""),
        tp=whole("tp"),
        dp=whole("dp"),
        ep=whole("ep"),
        pp=whole("pp"),
        phase=text.get("phase", "") or "mixed",
        input_tokens=numbers["isl"],
        output_tokens=numbers["osl"],
        concurrency=whole("concurrency"),
        metric=text.get("metric", ""),
        value=numbers["value"],
        unit=text.get("unit", ""),
        note=text.get("note", ""),
        source=text.get("source", ""),
        fault="; ".join(faults),
    )
