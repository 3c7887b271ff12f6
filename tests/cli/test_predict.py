"""`seodang predict`: JSON alone on stdout, intervals around values, one-line refusals, drawings that parse."""

import csv
import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from seodang.cli.main import main

Call = Callable[..., tuple[int, str, str]]

ASKED = ("--model", "ax-k1", "--device", "h200_sxm", "--count", 8)


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command; returns its exit code, stdout and stderr."""

    def call(*arguments: str | int | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seodang", "predict", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return call


def test_one_deployment_is_told_whole(predict: Call) -> None:
    code, out, err = predict(*ASKED, "--layout", "TP8", "--concurrency", 16, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    for name in ("tpot_ms", "tokens_s_user", "tokens_s_device"):
        low, high = told[name]["interval"]
        assert 0 < low < told[name]["value"] < high
    assert set(told["ttft_ms"]["loaded"]) == {"interval"}
    assert told["tokens_s_user"]["value"] == pytest.approx(1e3 / told["tpot_ms"]["value"])
    assert told["joules_token"]["at_most"] == pytest.approx(700 / told["tokens_s_device"]["value"])
    assert (told["layout"], told["tier"], told["device_said"]) == ("TP8", "same_stack", "claimed")
    assert told["calibration"]
    assert told["assumptions"]
    assert len(told["fit"]) == 64


def test_without_json_it_is_lines(predict: Call) -> None:
    code, out, _ = predict(*ASKED, "--layout", "TP8")
    assert code == 0
    assert "time per token" in out
    assert "what binds a step" in out


def test_without_a_layout_all_are_searched_and_drawn(predict: Call, tmp_path: Path) -> None:
    code, out, _ = predict(*ASKED, "--json", "--svg", tmp_path / "a.svg", "--html", tmp_path / "a.html")
    assert code == 0
    told = json.loads(out)
    rates = [(one["tokens_s_user"]["value"], one["tokens_s_device"]["value"]) for one in told["front"]]
    assert rates == sorted(rates, key=lambda rate: (-rate[0], rate[1]))
    picture = ElementTree.fromstring((tmp_path / "a.svg").read_text(encoding="utf-8"))
    marks = [one for one in picture.iter("{http://www.w3.org/2000/svg}circle") if one.get("class") == "front"]
    assert len(marks) == len(rates)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert ElementTree.fromstring(page.split("\n", 1)[1]) is not None
    assert all(one["layout"] in page for one in told["front"])


def test_points_are_answered_row_by_row(predict: Call, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "device": "h200_sxm", "count": "8", "framework": "sglang-0.5.9", "model_id": "deepseek-v3", "weights": "fp8", "tp": "8",
         "isl": "1024", "osl": "1024", "concurrency": "8", "metric": "tpot", "unit": "ms"},
        {"id": "b", "device": "nosuch", "model_id": "deepseek-v3", "metric": "tpot"},
        {"id": "c", "device": "h800", "model_id": "deepseek-v3", "ep": "16", "phase": "collective", "concurrency": "128",
         "framework": "deepep-v1-low-latency", "metric": "latency_dispatch_fp8", "unit": "us"},
        {"id": "d", "device": "", "metric": ""},
    ]  # fmt: skip
    path = tmp_path / "points.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, sorted({key for row in rows for key in row}))
        writer.writeheader()
        writer.writerows(rows)
    code, out, err = predict("--points", path, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert [one["id"] for one in told] == ["a", "b", "c", "d"]
    assert [("refused" in one) for one in told] == [False, True, False, True]
    assert told[0]["tier"] == told[2]["tier"] == "same_deployment"
    assert 5 < told[0]["predicted"] < 25
    assert told[0]["interval"][0] < told[0]["predicted"] < told[0]["interval"][1]
    assert told[1]["refused"].startswith("unknown")
    assert predict("--points", path)[0] == 0


def test_an_anchor_is_a_row_or_a_file(predict: Call, tmp_path: Path) -> None:
    plain = json.loads(predict(*ASKED, "--layout", "TP8", "--json")[1])
    path = tmp_path / "anchor.csv"
    path.write_text(
        "id,device,count,framework,model_id,weights,tp,isl,osl,concurrency,metric,value,unit,source\n"
        f"mine,h200_sxm,8,sglang,ax-k1,fp8,8,1024,1024,16,tpot,{1.2 * plain['tpot_ms']['value']},ms,mine\n",
        encoding="utf-8",
    )
    moved = json.loads(predict(*ASKED, "--layout", "TP8", "--anchor", path, "--json")[1])
    assert moved["anchor"] == "mine"
    assert 1.05 < moved["tpot_ms"]["value"] / plain["tpot_ms"]["value"] <= 1.2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--model", "ax-k1"),
        (*ASKED, "--layout", "TP8", "--svg", "x.svg"),
        (*ASKED, "--anchor", "1"),
        (*ASKED, "--layout", "TP9"),
        (*ASKED, "--layout", "nosuch"),
        (*ASKED, "--layout", "TP8", "--anchor", "nosuch"),
        (*ASKED, "--layout", "TP8", "--weights", "fp7"),
        ("--model", "nosuch", "--device", "h200_sxm", "--count", 8),
        ("--model", "ax-k1", "--device", "nosuch", "--count", 8),
        ("--model", "ax-k2", "--device", "h200_sxm", "--count", 8, "--layout", "TP8"),
        ("--model", "ax-k1", "--device", "h200_sxm", "--count", 1),
        ("--points", "nosuch.csv"),
    ],
)
def test_what_cannot_be_answered_is_one_line_with_a_hint(predict: Call, arguments: tuple[str | int, ...]) -> None:
    code, out, err = predict(*arguments)
    assert code in (2, 3)
    assert out == ""
    assert [line.split(":")[0] for line in err.strip().splitlines()] == ["error", "hint"]


def test_a_refusal_is_json_with_its_reason(predict: Call) -> None:
    code, out, err = predict("--model", "ax-k2", "--device", "h200_sxm", "--count", 64, "--layout", "TP16", "--json")
    assert code == 3
    assert json.loads(out)["refused"]["reason"] == "no evidence"
    assert err.startswith("error: ")


def test_an_anchor_of_another_stack_is_refused(predict: Call) -> None:
    code, out, _ = predict(*ASKED, "--layout", "TP8", "--anchor", "1", "--json")
    assert code == 3
    assert "says nothing" in json.loads(out)["refused"]["what"]


def test_a_hardly_kept_draft_is_not_one_that_is_always_kept(predict: Call) -> None:
    seconds = [
        json.loads(predict(*ASKED, "--layout", "TP8", "--acceptance", kept, "--json")[1])["tpot_ms"]["value"] for kept in ("1e-8", "0", "1")
    ]
    assert seconds[0] == pytest.approx(seconds[1])
    assert seconds[1] > 1.5 * seconds[2]


def test_a_search_counts_drafted_tokens(predict: Call) -> None:
    fronts = [json.loads(predict(*ASKED, "--concurrency", 8, *more, "--json")[1])["front"] for more in ((), ("--acceptance", "1"))]
    assert fronts[0] != fronts[1]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--input-tokens", "nan"),
        ("--output-tokens", "inf"),
        ("--acceptance", "nan"),
        ("--concurrency", "9" * 400),
        ("--points", "any.csv"),
    ],
)
def test_impossible_numbers_and_options_that_would_be_ignored_are_usage(predict: Call, wrong: tuple[str, str]) -> None:
    code, out, err = predict(*ASKED, "--layout", "TP8", *wrong)
    assert (code, out) == (2, "")
    assert "fault" not in err


@pytest.mark.parametrize("asked", [("100000", "--layout", "DP100000EP100000"), ("8", "--concurrency", "1000000")])
def test_what_is_too_much_is_refused_without_a_fault(predict: Call, asked: tuple[str, ...]) -> None:
    code, _, err = predict("--model", "ax-k1", "--device", "h200_sxm", "--count", *asked)
    assert code == 3
    assert "fewer" in err
