"""`seodang data split`: every row in one file, byte for byte, and nothing shared between two files."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seodang.cli.commands.data.split import command
from seodang.core.errors import InputError
from similar_texts import edited, similarity, written


def run(*arguments: str | Path | float) -> str:
    done = CliRunner().invoke(command, list(map(str, arguments)))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """Twenty documents of three rows each, and an edited copy of every tenth row in a document of its own."""
    draw = random.Random(3)
    texts = [written(draw, 40) for _ in range(60)]
    found = [{"text": text, "document": f"{number // 3}.md"} for number, text in enumerate(texts)]
    return found + [
        {"text": edited(draw, text, 0.02), "document": f"copy of {number}"} for number, text in enumerate(texts) if number % 10 == 0
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_splits_are_the_file_and_share_nothing(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", rows)
    arguments = (source, tmp_path / "out", "--source", "document", "--ratio", "train=0.5", "--ratio", "dev=0.25", "--ratio", "test=0.25")
    told = json.loads(run(*arguments, "--json"))
    splits = {name: Path(file).read_text(encoding="utf-8").splitlines() for name, file in told["files"].items()}
    assert sorted(line for lines in splits.values() for line in lines) == sorted(source.read_text(encoding="utf-8").splitlines())
    assert told["rows"] == {name: len(lines) for name, lines in splits.items()}
    assert all(told["rows"].values())
    named = {name: [json.loads(line) for line in lines] for name, lines in splits.items()}
    for name, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not {row["document"] for row in named[name]} & {row["document"] for row in named[other]}
        assert all(similarity(one["text"], two["text"]) < 0.6 for one in named[name] for two in named[other])


def test_the_order_of_the_rows_does_not_matter_and_a_seed_does(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    def train(given: list[dict[str, Any]], *more: str) -> set[str]:
        run(write(tmp_path / "in.jsonl", given), tmp_path / "out", "--source", "document", *more)
        return set((tmp_path / "out" / "train.jsonl").read_text(encoding="utf-8").splitlines())

    assert train(rows) == train(rows[::-1])
    assert train(rows) != train(rows, "--seed", "other")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--ratio", "train"), "no split and its share"),
        (("--ratio", "train=nan"), "no split and its share"),
        (("--ratio", "a/b=0.5"), "no split and its share"),
        (("--ratio", "in=1"), "written over"),
        (("--source", "origin"), "names no source"),
    ],
)
def test_bad_input_says_what_and_where(arguments: tuple[str, ...], said: str, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", rows)
    before = source.read_bytes()
    with pytest.raises(InputError, match=said):
        run(source, tmp_path, *arguments)
    assert source.read_bytes() == before


def test_one_source_is_one_split_and_that_is_said(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{**row, "document": "one.md"} for row in rows])
    done = CliRunner().invoke(command, [str(source), str(tmp_path / "out"), "--source", "document"])
    assert "in 1 groups" in done.stdout
    assert "nothing went to" in done.stderr
