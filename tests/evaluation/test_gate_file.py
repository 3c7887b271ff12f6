"""A gate's file: what it may say, and that a fault is told with its line."""

import unicodedata
from pathlib import Path

import pytest

from seodang.core.errors import RecipeError
from seodang.core.sections import load_section
from seodang.evaluation.gate_file import Gate, GateTask, Waiver, load_gate, parse_waiver

WHOLE = """name: support
student: runs/a
base: runs/a:base
references: {last: runs/b}
tasks:
  - task: exam
    role: primary
    rules:
      - {rule: superior}
      - {rule: non_inferior, margin: 0.02, against: last}
"""

FAULTS = [
    ("margin: 0.02", "margin: -0.02", r":10: `tasks.0.rules.1.margin`"),
    ("margin: 0.02, ", "", r":10: .*margin.*missing"),
    ("against: last", "against: lost", r":10: `tasks.0.rules.1`: held against `lost`"),
    ("against: last", "against: student", r"held against `student`"),
    ("{rule: superior}", "{rule: retention, minimum: 0.9}", r"held against `teacher`, which is not declared"),
    ("{rule: superior}", "{rule: better}", r":9: "),
    ("role: primary", "role: first", r":7: `tasks.0.role`"),
    ("role: primary", "role: secondary", r"nothing would decide"),
    ("    role: primary", "    role: primary\n    sample: 3", r":8: `tasks.0.sample`: unknown key"),
    ("    role: primary", "    role: primary\n    samples: 3", r":8: `tasks.0.samples`: greedy samples"),
    ("{last: runs/b}", "{base: runs/b}", r":4: `references`: `base`"),
    ("name: support", "name: ../support", r":1: `name`"),
    ("tasks:\n", "tasks:\n  - {task: exam}\n", r"two tasks are called `exam`"),
]


def test_a_whole_gate_is_read_and_its_digest_follows_its_content(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    first = load_gate(path)
    assert first.models == {"student": "runs/a", "base": "runs/a:base", "last": "runs/b"}
    path.write_text("# a remark\n" + WHOLE, encoding="utf-8")
    assert load_gate(path).digest == first.digest
    path.write_text(WHOLE.replace("0.02", "0.03"), encoding="utf-8")
    assert load_gate(path).digest != first.digest


@pytest.mark.parametrize("name", ["support-2", "상담-2호", "दूरसंचार", "a" * 64, "가" * 64])
def test_a_gate_may_have_a_name_of_any_script_however_it_is_composed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "gate.yaml"
    for form in ("NFC", "NFD"):
        path.write_text(WHOLE.replace("name: support", f"name: {unicodedata.normalize(form, name)}"), encoding="utf-8")
        assert load_gate(path).name == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", ["''", "한 국", "a/b", "..", ".a", "-a", "_a", "a" * 65, "𠮷" * 64, "✓", "\u0301a"])
def test_a_name_that_no_folder_can_have_is_told_in_plain_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(WHOLE.replace("name: support", f"name: {name}"), encoding="utf-8")
    with pytest.raises(RecipeError, match=r":1: `name`: .* cannot be a folder's name") as found:
        load_gate(path)
    assert "letters, digits and" in (found.value.hint or "")


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_a_fault_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "gate.yaml"
    assert old in WHOLE
    path.write_text(WHOLE.replace(old, new), encoding="utf-8")
    with pytest.raises(RecipeError) as found:
        load_gate(path)
    import re

    assert re.search(told, str(found.value)), str(found.value)


def test_the_guide_has_a_waiver_and_every_key_of_a_gate_and_its_tasks(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / Waiver.guide).read_text(encoding="utf-8")
    section = text.partition("\n## gate\n")[2].partition("\n## ")[0]
    gate, waiver = section.split("```")[1::2]
    for name, words, kind in (("gate", gate, Gate), ("waiver", waiver, Waiver)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(words, encoding="utf-8")
        load_section(kind, path)
    for key in (*Gate.model_fields, *GateTask.model_fields):
        assert f"`{key}`" in section or f"{key}:" in gate, key


@pytest.mark.parametrize("text", ["", "Kim", "Kim:", ": because"])
def test_a_waiver_needs_a_name_and_a_reason(text: str) -> None:
    with pytest.raises(RecipeError, match="NAME: REASON"):
        parse_waiver(text)


def test_hints_lead_to_where_a_gates_keys_are_told(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    for text in (WHOLE + "zzzzzzzz: 1\n", WHOLE.replace("student: runs/a\n", ""), WHOLE.replace("name: support", "name: [1]")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecipeError) as found:
            load_gate(path)
        assert "`seodang explain gate`" in (found.value.hint or "")
