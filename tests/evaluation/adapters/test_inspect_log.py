"""inspect-ai's own log and its own metrics are the oracle (`inspect_run.py` wrote them)."""

import json
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from oracles import inspect_run
from seodang.core.errors import InputError
from seodang.evaluation.adapters.inspect_log import read_inspect
from seodang.evaluation.result import Evaluation
from seodang.evaluation.score import summarise
from seodang.pipeline.import_results import import_results

LOGS = Path(__file__).parent / "inspect_logs"
WITH_ZSTANDARD = hasattr(zipfile, "ZIP_ZSTANDARD") or find_spec("zipfile_zstd") is not None


def told() -> dict[str, Any]:
    return json.loads((LOGS / "lines.json").read_text(encoding="utf-8"))


def write(log: dict[str, Any], path: Path) -> Path:
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


def metric(log: dict[str, Any], scorer: str, name: str) -> float:
    (found,) = (one for one in log["results"]["scores"] if one["name"] == scorer)
    return found["metrics"][name]["value"]


def rows(evaluation: Evaluation) -> dict[str, list[dict[str, Any]]]:
    return {item.id: [result.row() for result in results] for item, results in evaluation.each()}


def test_a_log_is_imported_with_inspects_score_and_its_failures_counted(tmp_path: Path) -> None:
    evaluation = read_inspect(LOGS / "lines.json", tmp_path)
    summary = summarise(evaluation)
    assert summary["score_without_errors"] == pytest.approx(metric(told(), "named", "accuracy"))
    assert 0 < summary["score_without_errors"] < 1
    assert summary["errors"] == inspect_run.EPOCHS
    assert summary["score"] == pytest.approx(summary["score_without_errors"] * 3 / 4)
    assert summary["num_samples"] == inspect_run.EPOCHS
    assert {item.id: item.question for item in evaluation.items} == inspect_run.ITEMS
    assert evaluation.model == "mockllm/model"


def test_each_epoch_is_a_sample_in_its_place(tmp_path: Path) -> None:
    found = rows(read_inspect(LOGS / "lines.json", tmp_path))
    assert {name: [row["answer"] for row in found[name]] for name in inspect_run.REPLIES} == {
        name: said.split(", ") for name, said in inspect_run.REPLIES.items()
    }
    assert [row["score"] for row in found["on"]] == [1, 1, 0]
    assert [row["score"] for row in found["sum"]] == [0.5, 0.5, 0.5]
    assert [row["abstained"] for row in found["on"]] == [False, False, True]
    assert [row["sample"] for row in found["off"]] == [0, 1, 2]
    assert all("this sample breaks" in row["error"] for row in found["bad"])


def test_an_archive_says_what_json_says(tmp_path: Path) -> None:
    log = told()
    path = tmp_path / "lines.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({name: value for name, value in log.items() if name != "samples"}))
        for row in log["samples"]:
            archive.writestr(f"samples/{row['id']}_epoch_{row['epoch']}.json", json.dumps(row))
    assert rows(read_inspect(path, tmp_path / "one")) == rows(read_inspect(LOGS / "lines.json", tmp_path / "other"))


def test_inspects_own_archive_is_read_or_says_what_it_takes(tmp_path: Path) -> None:
    if WITH_ZSTANDARD:
        assert rows(read_inspect(LOGS / "lines.eval", tmp_path)) == rows(read_inspect(LOGS / "lines.json", tmp_path / "other"))
        return
    with pytest.raises(InputError, match="cannot be unpacked") as caught:
        read_inspect(LOGS / "lines.eval", tmp_path)
    assert "zipfile-zstd" in (caught.value.hint or "")


def test_a_run_of_today_is_imported_as_the_kept_one(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="inspect-ai needs an environment of its own", exc_type=ImportError)
    inspect_run.main(tmp_path)
    today, kept = (read_inspect(path / "lines.json", tmp_path / "eval") for path in (tmp_path, LOGS))
    assert summarise(today)["score"] == summarise(kept)["score"]


def test_a_sample_that_a_stopped_evaluation_lacks_is_an_error(tmp_path: Path) -> None:
    log = told()
    log["samples"] = [row for row in log["samples"] if (row["id"], row["epoch"]) != ("on", 2) and row["id"] != "off"]
    found = rows(read_inspect(write(log, tmp_path / "log.json"), tmp_path / "eval"))
    assert [row["error"] for row in found["on"]] == ["", "no sample in the log", ""]
    assert [row["error"] for row in found["off"]] == ["no sample in the log"] * 3


@pytest.mark.parametrize(("value", "score"), [("Yes", 1.0), ("no", 0.0), (True, 1.0), (0.25, 0.25), ([True, False], 0.5)])
def test_values_are_numbers_as_inspect_has_them(tmp_path: Path, value: Any, score: float) -> None:
    log = told()
    for row in log["samples"]:
        for found in (row.get("scores") or {}).values():
            found["value"] = value
    found = rows(read_inspect(write(log, tmp_path / "log.json"), tmp_path / "eval"))
    assert {row["score"] for row in found["on"]} == {score}


@pytest.mark.parametrize(("value", "said"), [([], "no score from 0 to 1"), (7, "no score from 0 to 1"), ("good", "no score")])
def test_a_value_that_is_no_score_is_named_with_its_sample(tmp_path: Path, value: Any, said: str) -> None:
    log = told()
    log["samples"][0]["scores"] = {"named": {"value": value}}
    log["samples"][0]["error"] = None
    with pytest.raises(InputError, match=said) as caught:
        read_inspect(write(log, tmp_path / "log.json"), tmp_path / "eval")
    assert f"sample {log['samples'][0]['id']}" in (caught.value.where or "")


def test_a_scorer_with_several_values_is_read_by_each_of_them(tmp_path: Path) -> None:
    log = told()
    for row in log["samples"]:
        for found in (row.get("scores") or {}).values():
            found["value"] = {"useful": "I", "safe": "C"}
    path = write(log, tmp_path / "log.json")
    (name, *_) = next(iter(row for row in log["samples"] if row.get("scores")))["scores"]
    assert {row["score"] for row in rows(read_inspect(path, tmp_path / "eval"))["on"]} == {0}
    assert {row["score"] for row in rows(read_inspect(path, tmp_path / "eval", scorer=f"{name}/safe"))["on"]} == {1}
    with pytest.raises(InputError, match="no scorer `safe`") as caught:
        read_inspect(path, tmp_path / "eval", scorer="safe")
    assert f"{name}/useful, {name}/safe" in (caught.value.hint or "")


def test_another_scorer_is_chosen_by_name_and_an_unknown_one_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`length` of an item is"):
        read_inspect(LOGS / "lines.json", tmp_path, scorer="length")
    with pytest.raises(InputError, match="no scorer `judge`") as caught:
        read_inspect(LOGS / "lines.json", tmp_path, scorer="judge")
    assert "named, length" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("log.json", b"{}", "not a log"), ("log.json", b"[1]", "not a log"), ("log.eval", b"PK", "not a log"), ("log.json", b"{", "not JSON")],
)
def test_what_is_no_log_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        import_results(tmp_path / name, tmp_path / "runs")


@pytest.mark.parametrize("name", ["log.json", "log.eval"])
def test_a_log_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="file not found"):
        read_inspect(tmp_path / name, tmp_path / "eval")


def test_random_weights_are_told_to_the_end(tmp_path: Path) -> None:
    (row,) = import_results(LOGS / "lines.json", tmp_path, synthetic=True)
    assert row["synthetic"]


@pytest.mark.parametrize(("place", "key"), [("eval", "model"), ("eval", "task"), ("sample", "id"), ("sample", "input")])
def test_a_missing_key_is_named(tmp_path: Path, place: str, key: str) -> None:
    log = told()
    del (log["eval"] if place == "eval" else log["samples"][0])[key]
    with pytest.raises(InputError, match=f"lacks the key `{key}`"):
        read_inspect(write(log, tmp_path / "log.json"), tmp_path / "out")


@pytest.mark.parametrize("sample", [1, None, [], "on"])
def test_a_sample_that_is_no_object_is_named_by_its_number(tmp_path: Path, sample: Any) -> None:
    log = told()
    log["samples"].insert(1, sample)
    with pytest.raises(InputError, match="a sample is an object") as caught:
        read_inspect(write(log, tmp_path / "log.json"), tmp_path / "out")
    assert caught.value.where == f"{tmp_path / 'log.json'}, sample 2"


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("log", "samples", {"a": 1}),
        ("log", "samples", "on"),
        ("log", "results", [1]),
        ("eval", "dataset", [1]),
        ("eval", "config", {"epochs": "many"}),
        ("eval", "packages", [1]),
        ("sample", "epoch", "first"),
        ("sample", "input", 5),
        ("sample", "input", [5]),
        ("sample", "scores", [1]),
        ("sample", "scores", {"named": 1}),
        ("sample", "messages", [1]),
        ("sample", "model_usage", [1]),
        ("sample", "error", [1]),
    ],
)
def test_a_value_of_another_kind_is_an_error_of_the_log(tmp_path: Path, place: str, key: str, value: Any) -> None:
    log = told()
    scored = next(row for row in log["samples"] if row.get("scores"))
    {"log": log, "eval": log["eval"], "sample": scored}[place][key] = value
    with pytest.raises(InputError, match="not a log of inspect-ai") as caught:
        read_inspect(write(log, tmp_path / "log.json"), tmp_path / "out")
    assert caught.value.hint


def test_numbers_that_are_not_finite_are_kept_as_null(tmp_path: Path) -> None:
    log = told()
    for row in log["samples"]:
        row["metadata"] = {"weight": float("inf")}
    evaluation = read_inspect(write(log, tmp_path / "log.json"), tmp_path / "out")
    assert [item.content["metadata"] for item in evaluation.items] == [{"weight": None}] * len(evaluation.items)


def test_an_archive_whose_header_is_no_object_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.eval"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", "[]")
    with pytest.raises(InputError, match="not a log of inspect-ai"):
        read_inspect(path, tmp_path / "out")
