"""Logs of UK AISI's inspect-ai (0.3): each sample with its epochs, read as an evaluation.

A log is JSON (`--log-format json`, or `inspect log dump`), or a ZIP archive `.eval` whose `header.json` and `samples/*.json` hold the same.
Archives are packed with Zstandard, which Python's `zipfile` reads from 3.14 on, and before with the package `zipfile-zstd` (inspect-ai
brings it). Source: inspect-ai 0.3.285, `inspect_ai/log/_log.py` and `inspect_ai/_util/zipfile.py`.
"""

import importlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.evaluation.adapters.keep import as_score, keep_evaluation
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item

_NO_ANSWER = "N"
_VALUES = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}  # as `value_to_float` there
_NONE = "no sample in the log"


def read_inspect(
    path: Path, out: Path, *, scorer: str | None = None, synthetic: bool = False, known: Mapping[str, Any] | None = None
) -> Evaluation:
    """The evaluation of one log, kept below `out`. `scorer` chooses among several (none: the first), and an epoch is a sample of its item.
    A scorer that gives several values has one name for each: `SCORER/VALUE`. `known` is what stands in the place of what a log tells of
    the model, its name and identity.

    A sample that ended in an error, or that the log lacks, is an error here too; inspect-ai leaves it out of its metrics. InputError where
    the log cannot be read, has no such scorer, or gives a score that is none from 0 to 1.
    """
    log = _read(path)
    try:
        items, results, about, epochs = _parse(log, scorer, str(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        hint = "write the log anew with `inspect log dump`; 0.3 is the version that is read"
        fault = f"it lacks the key `{error.args[0]}`" if isinstance(error, KeyError) else f"a value is of another kind ({error})"
        raise InputError(f"not a log of inspect-ai: {fault}", where=str(path), hint=hint) from error
    return keep_evaluation(out, items, results, {**about, **(known or {})}, num_samples=epochs, synthetic=synthetic)


def _parse(log: Mapping[str, Any], scorer: str | None, where: str) -> tuple[list[Item], list[Result], dict[str, Any], int]:
    """Items, results, what is told of them, and the number of epochs. KeyError where the log lacks a key, TypeError, ValueError or
    AttributeError where a value is of another kind."""
    rows = sorted(log["samples"], key=lambda row: (str(row["id"]), row.get("epoch", 1)))
    chosen = _scorer(log, rows, scorer, where)
    items: dict[str, Item] = {}
    found: dict[tuple[str, int], Result] = {}
    for row in rows:
        name, epoch = str(row["id"]), row.get("epoch", 1)
        items.setdefault(name, Item(name, "all", _question(row), {"target": row.get("target"), "metadata": row.get("metadata", {})}))
        found[name, epoch] = _result(row, name, chosen, where)
    told = log["eval"]
    for name in map(str, (told.get("dataset") or {}).get("sample_ids") or ()):
        items.setdefault(name, Item(name, "all", ""))
    epochs = max([(told.get("config") or {}).get("epochs") or 1, *(epoch for _, epoch in found)])
    wanted = [(name, epoch) for name in items for epoch in range(1, epochs + 1)]
    results = [found.get((name, epoch)) or Result(name, epoch - 1, "error", 0.0, error=_NONE) for name, epoch in wanted]
    about = {
        "model": told["model"],
        "identity": {"kind": "inspect-ai", "model": told["model"], "base_url": told.get("model_base_url")},
        "task": f"inspect:{told['task']}",
        "task_version": told.get("task_version"),
        "source": f"inspect-ai {(told.get('packages') or {}).get('inspect_ai', 'of unknown version')}, scorer {chosen}",
    }
    return list(items.values()), results, about, epochs


def _scorer(log: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], wanted: str | None, where: str) -> str:
    """The scorer that is read: the wanted one, or the log's first. Where every sample failed none is known, and none is needed."""
    used = list(dict.fromkeys(name for row in rows for name in _scores(row)))
    order = [one["name"] for one in (log.get("results") or {}).get("scores") or ()]
    known = [*dict.fromkeys(name for name in order if name in used), *(name for name in used if name not in order)]
    if wanted is None:
        return known[0] if known else "unknown"
    if known and wanted not in known:
        raise InputError(f"no scorer `{wanted}` in this log", where=where, hint=f"there are: {', '.join(known)}")
    return wanted


def _read(path: Path) -> dict[str, Any]:
    log = _unzip(path) if path.suffix == ".eval" else read_json(path)
    if not isinstance(log, dict) or not isinstance(log.get("eval"), dict) or not log.get("samples") or not isinstance(log["samples"], list):
        raise InputError("not a log of inspect-ai with samples", where=str(path), hint="name a .eval or .json file below its `logs`")
    for number, row in enumerate(log["samples"], start=1):
        if not isinstance(row, dict):
            where = f"{path}, sample {number}"
            raise InputError("a sample is an object with keys", where=where, hint="write the log anew with `inspect log dump`")
    return log


def _unzip(path: Path) -> dict[str, Any]:
    with suppress(ImportError):
        importlib.import_module("zipfile_zstd")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith("samples/")]
            header = json.loads(archive.read("header.json"))
            if not isinstance(header, dict):
                raise ValueError("its header is no object with keys")
            return {**header, "samples": [json.loads(archive.read(name)) for name in names]}
    except NotImplementedError as error:
        raise InputError(
            f"cannot be unpacked: {error}",
            where=str(path),
            hint="`pip install zipfile-zstd`, or write the log as JSON with `inspect log dump FILE > LOG.json`",
        ) from error
    except FileNotFoundError as error:
        raise InputError("file not found", where=str(path), hint="check the path; it starts where you are") from error
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"not a log of inspect-ai ({error})", where=str(path), hint="an evaluation under way has no header yet") from error


def _question(row: Mapping[str, Any]) -> str:
    asked = row["input"]
    return asked if isinstance(asked, str) else "\n".join(_text(message) for message in asked if message.get("role") == "user")


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content", "")
    return content if isinstance(content, str) else "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def _scores(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A sample's scores by scorer; of one with several values each value by itself."""
    found: dict[str, dict[str, Any]] = {}
    for name, score in (row.get("scores") or {}).items():
        several = score["value"] if isinstance(score.get("value"), dict) else None
        found |= {name: score} if several is None else {f"{name}/{key}": {**score, "value": value} for key, value in several.items()}
    return found


def _result(row: Mapping[str, Any], name: str, scorer: str, where: str) -> Result:
    score = _scores(row).get(scorer)
    usage: list[Mapping[str, int | None]] = list((row.get("model_usage") or {}).values())
    bare = Result(
        name,
        row.get("epoch", 1) - 1,
        "error",
        0.0,
        transcript=tuple({"role": str(message.get("role")), "content": _text(message)} for message in row.get("messages", ())),
        num_prompt_tokens=sum(one.get("input_tokens") or 0 for one in usage),
        num_new_tokens=sum(one.get("output_tokens") or 0 for one in usage),
        num_reasoning_tokens=sum(one.get("reasoning_tokens") or 0 for one in usage),
    )
    if row.get("error") or score is None:
        return replace(bare, error=str((row.get("error") or {}).get("message", f"no score of `{scorer}`")))
    value = score["value"]
    known = _VALUES.get(value.lower(), value) if isinstance(value, str) else value
    return replace(
        bare,
        outcome="judged",
        score=as_score(known, scorer, f"{where}, sample {name}"),
        answer=str(score.get("answer") or ""),
        evidence={"explanation": score.get("explanation"), "value": value},
        abstained=value == _NO_ANSWER,
    )
