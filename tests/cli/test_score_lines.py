"""Scores as they are printed: what was cut and what failed is told."""

from typing import Any

import pytest

from seodang.cli.score_lines import print_scores


def row(**told: Any) -> dict[str, Any]:
    known = {"model": "m", "task": "t", "score": 0.5, "interval": [0.4, 0.6], "n": 8, "errors": 0, "synthetic": False, "folder": "f"}
    return {**known, "score_without_errors": 0.5, "cost": {"cut_share": 0.0}, **told}


def test_the_share_of_cut_answers_is_told_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    print_scores([row()], as_json=False)
    assert "cut" not in capsys.readouterr().out
    print_scores([row(cost={"cut_share": 0.25})], as_json=False)
    assert "25.0 % of the answers were cut" in capsys.readouterr().out


def test_an_evaluation_of_errors_alone_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    print_scores([row(errors=8, score_without_errors=None)], as_json=False)
    assert "every answer ended in an error" in capsys.readouterr().err
