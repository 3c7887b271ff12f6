"""Who may certify, and what records may be done with: the most restrictive answers of what they were made from."""

from pathlib import Path

import pytest

from seodang.core.errors import RecipeError
from seodang.core.permissions import judge
from seodang.core.records import Passage, Record
from seodang.data.ledger.enter import by_name, document_entity, sample_entity, span_entity
from seodang.data.ledger.facts import Entity
from seodang.data.ledger.policy import _uncertifying, load_policy  # pyright: ignore[reportPrivateUsage] - its memory is emptied


@pytest.mark.parametrize("check", ["grounded", "judged", "second_answer"])
def test_a_check_whose_audit_does_not_allow_it_cannot_certify(tmp_path: Path, check: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"version: 1\nname: own\ncertified_by: {{know: [{check}]}}\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=f"{check} does not certify"):
        load_policy(path)


def test_a_check_with_a_good_audit_certifies(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1\nname: own\ncertified_by: {know: [json_schema]}\n", encoding="utf-8")
    assert load_policy(path).certified_by == {"know": ("json_schema",)}


def test_the_audits_that_a_policy_needs_are_announced_and_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1\nname: own\ncertified_by: {know: [json_schema], act: [json_schema, tool_calls]}\n", encoding="utf-8")
    _uncertifying.cache_clear()
    load_policy(path)
    assert "each of json_schema, tool_calls is put to its own probes" in capsys.readouterr().err
    load_policy(path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("author", "label"), [("teacher", "required"), ("words", "not_required")])
def test_a_record_carries_the_most_restrictive_answers_and_a_teachers_one_its_label(author: str, label: str) -> None:
    passages: list[Passage] = []
    documents: dict[str, Entity] = {}
    for name, terms in (("free.md", "MIT"), ("bound.md", "CC-BY-NC-4.0")):
        row = {"name": name, "sha256": name, "origin": name, "language": "en", "license": terms}
        documents |= by_name([document_entity({**row, "permissions": judge(terms).permissions.row()}, "The lamp burns oil.")])
        passages.append(Passage(name, 0, 19, "The lamp burns oil.", "", "", "The lamp burns oil.", "en", terms))
    spans = by_name(span_entity(passage, documents) for passage in passages)
    record = Record("know", "What does it burn?", "The lamp burns oil.", tuple(spans), "en", author=author)
    permissions = sample_entity(record, spans, "Apache-2.0").permissions
    assert (permissions["commercial"], permissions["ai_label"]) == ("deny", label)
    alone = sample_entity(Record("know", "What?", "Oil.", (passages[0].id,), "en", author=author), spans, "Apache-2.0").permissions
    assert alone["commercial"] == "allow"


def test_who_says_that_a_licence_holds_stands_with_the_document_alone() -> None:
    said = {"kind": "package", "says": "MIT", "where": "manual-1.0.dist-info/METADATA", "date": "2026-03-11"}
    row = {"name": "lamps.md", "sha256": "0", "origin": "lamps.md", "language": "en", "license": "MIT", "evidence": [said]}
    document = document_entity(row, "The lamp burns oil.")
    assert document.permissions["evidence"] == [said]
    assert document.id == document_entity({**row, "evidence": []}, "The lamp burns oil.").id
    passage = Passage("lamps.md", 0, 19, "The lamp burns oil.", "", "", "The lamp burns oil.", "en", "MIT")
    assert "evidence" not in span_entity(passage, by_name([document])).permissions
