"""Logs of UK AISI's inspect-ai (0.3): each sample with its epochs, read as an evaluation.

A log is JSON (`--log-format json`, or `inspect log dump`), or a ZIP archive `.eval` whose `header.json` and `samples/*.json` hold the same.
Source: inspect-ai 0.3.285, `inspect_ai/log/_log.py`.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.evaluation.adapters.keep import keep_evaluation
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item

_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, True: 1.0, False: 0.0}  # correct, incorrect, partial, no answer


def read_inspect(path: Path, out: Path, *, scorer: str | None = None) -> Evaluation:
    """The evaluation of one log, kept below `out`. `scorer` chooses among several; an epoch is a sample of its item.

    A sample that ended in an error is an error here too. InputError where the log cannot be read or has no such scorer.
    """
    log = _read(path)
    rows = sorted(log["samples"], key=lambda row: (str(row["id"]), row.get("epoch", 1)))
    known = sorted({name for row in rows for name in row.get("scores") or {}})
    chosen = scorer or next(iter(known), None)
    if chosen is None or (known and chosen not in known):
        raise InputError(f"no scorer `{scorer}` in this log", where=str(path), hint=f"there are: {', '.join(known) or 'none'}")
    items: dict[str, Item] = {}
    results: list[Result] = []
    for row in rows:
        name = str(row["id"])
        items.setdefault(name, Item(name, "all", _question(row), {"target": row.get("target"), "metadata": row.get("metadata", {})}))
        results.append(_result(row, name, chosen))
    told = log["eval"]
    about = {
        "model": told["model"],
        "identity": {"kind": "inspect-ai", "model": told["model"], "base_url": told.get("model_base_url")},
        "task": f"inspect:{told['task']}",
        "task_version": told.get("task_version"),
        "source": f"inspect-ai {(told.get('packages') or {}).get('inspect_ai', '')}, scorer {chosen}".replace("  ", " "),
    }
    short = told["task"].rsplit("/", 1)[-1]
    return keep_evaluation(out / f"{told['model'].replace('/', '__')}__{short}", list(items.values()), results, about)


def _read(path: Path) -> dict[str, Any]:
    if path.suffix == ".eval":
        return _unzip(path)
    log = read_json(path)
    if not isinstance(log, dict) or "eval" not in log or not isinstance(log.get("samples"), list):
        raise InputError("not a log of inspect-ai with samples", where=str(path), hint="name a .eval or .json file below its `logs`")
    return log


def _unzip(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith("samples/")]
            header: dict[str, Any] = json.loads(archive.read("header.json"))
            return {**header, "samples": [json.loads(archive.read(name)) for name in names]}
    except NotImplementedError as error:  # a compression that this Python does not have
        raise InputError(
            f"cannot be unpacked ({error})", where=str(path), hint="`inspect log dump FILE > LOG.json` writes it as JSON"
        ) from error
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"not a log of inspect-ai ({error})", where=str(path), hint="an evaluation under way has no header yet") from error


def _question(row: Mapping[str, Any]) -> str:
    asked = row["input"]
    return asked if isinstance(asked, str) else "\n".join(_text(message) for message in asked if message.get("role") == "user")


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content", "")
    return content if isinstance(content, str) else "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def _result(row: Mapping[str, Any], name: str, scorer: str) -> Result:
    score = (row.get("scores") or {}).get(scorer)
    usage: list[Mapping[str, int]] = list((row.get("model_usage") or {}).values())
    bare = Result(
        name,
        row.get("epoch", 1) - 1,
        "error",
        0.0,
        transcript=tuple({"role": str(message.get("role")), "content": _text(message)} for message in row.get("messages", ())),
        num_prompt_tokens=sum(one.get("input_tokens", 0) for one in usage),
        num_new_tokens=sum(one.get("output_tokens", 0) for one in usage),
    )
    if row.get("error") or score is None:
        return replace(bare, error=str((row.get("error") or {}).get("message", "no score")))
    value = score["value"]
    if isinstance(value, Mapping):
        hint = "name another scorer, or one whose value is a number"
        raise InputError(f"the scorer `{scorer}` gives several values", where=name, hint=hint)
    number = _VALUES[value] if value in _VALUES else float(value)
    evidence = {"explanation": score.get("explanation"), "value": value}
    return replace(bare, outcome="judged", score=number, answer=str(score.get("answer") or ""), evidence=evidence)
