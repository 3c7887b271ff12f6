"""The commands lose no row, change none, and name lines of both files."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seodang.cli.commands.data.dedup import command as dedup
from seodang.cli.commands.data.scan import command as scan
from seodang.core.errors import InputError
from similar_texts import corpus, similarity

KOREAN = "데이터 로밍을 켜려면 어떤 메뉴에서 무엇을 선택해야 합니까?"


def run(command: Any, *arguments: object) -> Any:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_kept_and_removed_rows_are_the_input(tmp_path: Path) -> None:
    texts = corpus(50, 60)
    source = write(tmp_path / "in.jsonl", [{"text": text, "n": number} for number, text in enumerate(texts)])
    out = tmp_path / "new folder" / "out.jsonl"
    told = run(dedup, source, out, "--json")
    lines = source.read_bytes().splitlines()
    kept = out.read_bytes().splitlines()
    removed = [json.loads(line) for line in (out.parent / "out.removed.jsonl").read_text(encoding="utf-8").splitlines()]
    gone = {row["line"] for row in removed}
    assert kept == [line for number, line in enumerate(lines, start=1) if number not in gone]
    assert told["kept"] + told["removed_exact"] + told["removed_near"] == told["input"] == len(texts)
    assert (told["kept"], told["clusters"]) == (len(kept), len({row["kept_line"] for row in removed}))
    assert told["removed_exact"] == sum(row["reason"] == "exact" for row in removed) > 0
    for row in removed:
        assert row["row"] == json.loads(lines[row["line"] - 1])
        assert row["kept_line"] not in gone
        assert row["similarity"] == similarity(texts[row["line"] - 1], texts[row["kept_line"] - 1]) >= 0.8


def test_the_threshold_and_the_field_are_obeyed(tmp_path: Path) -> None:
    rows = [{"text": "x", "body": "the same body of some length"}, {"text": "y", "body": "the same body of some lengths"}]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    assert run(dedup, source, out, "--json")["kept"] == 2
    assert run(dedup, source, out, "--json", "--field", "body")["removed_near"] == 1
    assert run(dedup, source, out, "--json", "--field", "body", "--threshold", 0.99)["kept"] == 2
    assert "2 kept" in run(dedup, source, out)


def test_the_file_that_is_read_is_never_written_over(tmp_path: Path) -> None:
    source = write(tmp_path / "in.removed.jsonl", [{"text": "a"}])
    for out in (source, tmp_path / "in.jsonl"):
        with pytest.raises(InputError, match="written over"):
            run(dedup, source, out)
    assert source.read_text(encoding="utf-8") == '{"text": "a"}\n'


def test_a_broken_row_leaves_no_file(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"text": "a"}, {"nothing": 1}])
    with pytest.raises(InputError) as caught:
        run(dedup, source, tmp_path / "out.jsonl")
    assert caught.value.where == f"{source}:2"
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_an_empty_file_has_no_duplicates(tmp_path: Path) -> None:
    assert run(dedup, write(tmp_path / "in.jsonl", []), tmp_path / "out.jsonl", "--json")["input"] == 0


def test_dirty_rows_are_named_with_their_exam_lines(tmp_path: Path) -> None:
    exam = write(
        tmp_path / "exam.jsonl",
        [
            {"question": KOREAN, "answer": "설정"},
            {"question": "A train travels 1,250 km in 25 hours and stops 3 times for 40 minutes. What is its speed?", "answer": 50},
            {"question": "왜?", "answer": ""},
        ],
    )
    rows = [
        {"text": "아무 상관이 없는 글입니다."},
        {
            "messages": [
                {"role": "user", "content": f"질문이 있습니다. {KOREAN.replace(' ', '')}"},
                {"role": "assistant", "content": "설정입니다."},
            ]
        },
        {"question": "기차가 25시간 동안 1250km를 달리며 40분씩 3번 섭니다. 속력은?", "answer": "시속 50km"},
    ]
    source = write(tmp_path / "in.jsonl", rows)
    told = run(scan, source, "--against", exam, "--json")
    counts = {name: told[name] for name in ("rows", "dirty", "undecided", "exam_items", "exam_items_found", "exam_items_too_short")}
    assert counts == {"rows": 3, "dirty": 1, "undecided": 1, "exam_items": 3, "exam_items_found": 2, "exam_items_too_short": [3]}
    first, second = told["findings"]
    assert (first["line"], first["exam_line"], first["direction"], first["coverage"]) == (2, 1, "item_in_row", 1.0)
    assert first["matched"] == KOREAN.replace(" ", "").rstrip("?")
    assert (second["line"], second["exam_line"], second["direction"], second["outcome"]) == (3, 2, "answer_key", "undecided")
    said = run(scan, source, "--against", exam)
    assert f"{source}:2 dirty" in said
    assert "1 dirty, 1 undecided" in said
    assert told == run(scan, source, "--against", exam, "--json", "--workers", 2)


def test_an_exam_item_that_is_one_text_is_found(tmp_path: Path) -> None:
    text = {"text": "The quick brown fox jumps over the lazy dog near the river bank."}
    source = write(tmp_path / "in.jsonl", [text, {"text": "Nothing of the kind stands in this row here."}])
    told = run(scan, source, "--against", write(tmp_path / "exam.jsonl", [text]), "--json")
    assert (told["dirty"], told["exam_items_found"], told["exam_items_too_short"]) == (1, 1, [])


def test_an_empty_exam_is_refused_and_not_called_clean(tmp_path: Path) -> None:
    source, exam = write(tmp_path / "in.jsonl", [{"text": "a"}]), write(tmp_path / "exam.jsonl", [])
    with pytest.raises(InputError, match="no exam items") as caught:
        run(scan, source, "--against", exam)
    assert caught.value.where == str(exam)


def test_a_broken_row_is_named_from_a_worker_too(tmp_path: Path) -> None:
    source, exam = write(tmp_path / "in.jsonl", [{"text": "a"}, {"nothing": 1}]), write(tmp_path / "exam.jsonl", [{"question": KOREAN}])
    for workers in (1, 2):
        with pytest.raises(InputError) as caught:
            run(scan, source, "--against", exam, "--workers", workers)
        assert caught.value.where == f"{source}:2"
