"""The samples that lm-evaluation-harness (0.4.13) logs: a row for each document and filter, as an item and what came of it."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines
from seodang.evaluation.adapters.keep import as_score
from seodang.evaluation.result import Result
from seodang.evaluation.task import Item


@dataclass(frozen=True, slots=True)
class Sample:
    """One row, with its file and line. What was asked are lists of arguments, one for each reply."""

    where: str
    row: Mapping[str, Any]
    place: int
    filter: str
    metrics: tuple[str, ...]
    item: Item
    asked: tuple[tuple[Any, ...], ...]
    said: tuple[Any, ...]
    turns: tuple[Mapping[str, Any], ...]

    def result(self, metric: str) -> Result:
        """What came of the document by one of its metrics. InputError where that is no score from 0 to 1."""
        evidence = {"metrics": {name: self.row[name] for name in self.metrics if name in self.row}, "target": self.row.get("target")}
        if error := self.row.get("error"):
            return Result(self.item.id, 0, "error", 0.0, _answer(self.said), self.turns, evidence, error=str(error))
        score = as_score(self.row[metric], metric, f"{self.where}, document {self.place}")
        return Result(self.item.id, 0, "judged", score, _answer(self.said), self.turns, evidence)


def read_samples(path: Path) -> list[Sample]:
    """The rows of a file. InputError, with the line, for one that is not as lm-eval writes it."""
    found: list[Sample] = []
    for number, row in read_numbered_json_lines(path):
        where = f"{path}:{number}"
        try:
            found.append(_sample(row, where))
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            fault = f"it lacks the key `{error.args[0]}`" if isinstance(error, KeyError) else str(error)
            raise InputError(
                f"not a sample of lm-eval: {fault}", where=where, hint="run lm-eval 0.4.13 with `--log_samples` again, or restore the file"
            ) from error
    return found


def _sample(row: Any, where: str) -> Sample:
    if not isinstance(row, dict):
        raise TypeError("a row is an object with keys")
    place, metrics = row["doc_id"], row.get("metrics", [])
    if not isinstance(place, int) or not isinstance(metrics, list):
        raise TypeError("`doc_id` is a number, and `metrics` a list")
    asked, said = tuple(_arguments(row)), tuple(row.get("filtered_resps", []))
    told = "\n".join(turn["content"] for turn in _turns(asked[0][0])) if asked and asked[0] else json.dumps(row["doc"], ensure_ascii=False)
    name = f"{place}-{str(row.get('doc_hash', ''))[:8]}"
    item = Item(name, "all", told, {"doc": row["doc"], "target": row.get("target")})
    turns = tuple(_transcript(asked, said))
    return Sample(where, row, place, str(row.get("filter", "none")), tuple(map(str, metrics)), item, asked, said, turns)


def _transcript(asked: Sequence[Sequence[Any]], said: Sequence[Any]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = _turns(asked[0][0]) if asked and asked[0] else []
    for arguments, reply in zip(asked, said, strict=False):
        if _ranked(reply):
            turns.append(
                {"role": "continuation", "content": str(arguments[1]), "logprob": _likely(reply), "greedy": str(reply[1]) == "True"}
            )
        else:
            turns.append({"role": "assistant", "content": str(reply)})
    return turns


def _turns(asked: Any) -> list[dict[str, Any]]:
    """What was asked: a text, or the conversation that lm-eval's clients of chat endpoints log as a list of one JSON text."""
    if isinstance(asked, list) and len(asked) == 1:
        with suppress(TypeError, ValueError, KeyError):
            return [{"role": turn["role"], "content": str(turn["content"])} for turn in json.loads(asked[0])]
    return [{"role": "context", "content": str(asked)}]


def _ranked(reply: Any) -> bool:
    """Whether a reply is a continuation's log-probability and whether it was the greedy one."""
    return isinstance(reply, list) and len(reply) == 2 and str(reply[1]) in ("True", "False")


def _likely(reply: Sequence[Any]) -> float | None:
    """A continuation's log-probability; None where it is not finite, which JSON cannot say."""
    value = float(reply[0])
    return value if math.isfinite(value) else None


def _answer(said: Sequence[Any]) -> str:
    """What was chosen: of ranked continuations the number of the most likely one, otherwise the text."""
    if said and all(_ranked(reply) for reply in said):
        values = [_likely(reply) for reply in said]
        return str(max(range(len(said)), key=lambda place: -math.inf if (value := values[place]) is None else value))
    return "\n".join(map(str, said))


def _arguments(row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    given = row.get("arguments", [])
    return [tuple(one.values()) for one in given.values()] if isinstance(given, Mapping) else [tuple(one) for one in given]
