"""Evaluations below the runs: what has one key is asked once, whatever the model is called."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import characters, text

from seodang.core.errors import InputError, RecipeError
from seodang.evaluation.result import RESULTS
from seodang.evaluation.run import Settings, task_items
from seodang.evaluation.task import find_task, task_names
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.models.local import LocalModel
from seodang.pipeline.asked_tasks import parse_options
from seodang.pipeline.evaluate import answer, evaluation_folder
from seodang.pipeline.plain_name import plain_name

EXAM = Path(__file__).parents[2] / "packs" / "general"


class Counted(LocalModel):
    """A local model that counts what it is asked."""

    asked = 0

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        self.asked += 1
        return super().chat(conversations, sampling, num_samples)


def test_equal_weights_under_another_name_are_not_asked_again(tiny_model_dir: Path, tmp_path: Path) -> None:
    task = find_task("exam")
    options = parse_options(task, [f"files={EXAM}", "max_new_tokens=4"], limit=6)
    items, settings = task_items(task, options, tmp_path), Settings()
    first, second = (Counted(tiny_model_dir, dtype="float32", name=name, synthetic=True) for name in ("run:base", "run:teacher"))
    folders = [evaluation_folder(model, task, options, settings, items, tmp_path) for model in (first, second)]
    found = [answer(model, task, options, settings, items, folder) for model, folder in zip((first, second), folders, strict=True)]
    assert (first.asked, second.asked) == (1, 0)
    assert [one.model for one in found] == ["run:base", "run:teacher"]
    assert folders[0] != folders[1]
    assert (folders[0] / RESULTS).read_bytes() == (folders[1] / RESULTS).read_bytes()
    assert found[1].synthetic
    foreign = folders[0].with_name(f"mine__{folders[0].name.rsplit('__', 1)[1]}")
    foreign.mkdir()
    (foreign / "items.jsonl").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="no evaluation wrote"):
        answer(second, task, options, settings, items, foreign)
    assert [(path.name, path.read_text(encoding="utf-8")) for path in foreign.iterdir()] == [("items.jsonl", "mine")]
    (foreign / "manifest.json").write_text('{"name": "x"}', encoding="utf-8")
    assert answer(second, task, options, settings, items, folders[0].with_name(f"next__{foreign.name[6:]}")).model == "run:teacher"
    other = Counted(tiny_model_dir, dtype="float32", name="run:other", synthetic=True)
    answer(other, task, options, Settings(seed=1), items, tmp_path / "eval" / "elsewhere__exam__00000000")
    assert other.asked == 1


def test_answers_that_were_changed_are_not_taken_over_under_another_name(tiny_model_dir: Path, tmp_path: Path) -> None:
    task = find_task("exam")
    options = parse_options(task, [f"files={EXAM}", "max_new_tokens=4"], limit=2)
    items, settings = task_items(task, options, tmp_path), Settings()
    first, second = (Counted(tiny_model_dir, dtype="float32", name=name, synthetic=True) for name in ("run:base", "run:teacher"))
    before, after = (evaluation_folder(model, task, options, settings, items, tmp_path) for model in (first, second))
    answer(first, task, options, settings, items, before)
    (before / RESULTS).write_text((before / RESULTS).read_text(encoding="utf-8").replace('"score": 0.0', '"score": 1.0'), encoding="utf-8")
    with pytest.raises(InputError, match="changed since it was written") as caught:
        answer(second, task, options, settings, items, after)
    assert caught.value.where == str(before / RESULTS)
    assert not (after / RESULTS).exists()


@pytest.mark.parametrize(
    ("name", "plain"),
    [("run:base", "run-base"), ("a,b=c d", "a-b-c-d"), ("../..", "model"), (".hidden", "hidden"), ("", "model"), ("x" * 200, "x" * 80)],
)
def test_a_plain_name_holds_nothing_that_a_path_or_an_argument_minds(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(text(characters(max_codepoint=127)))
def test_a_name_in_ascii_keeps_the_folder_that_it_had(name: str) -> None:
    assert plain_name(name) == (re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-").lstrip(".-")[:80] or "model")


@given(text())
def test_a_plain_name_of_any_script_fits_into_a_path_however_it_is_composed(name: str) -> None:
    plain = plain_name(name)
    assert plain == plain_name(unicodedata.normalize("NFD", name))
    assert 0 < len(plain.encode()) <= 120
    assert "/" not in plain


def test_two_names_in_korean_are_two_folders() -> None:
    names = ("한국어-선생-모형", "한국어-학생-모형", "큐원 2.5: 학생", "दूरसंचार")
    assert [plain_name(name) for name in names] == ["한국어-선생-모형", "한국어-학생-모형", "큐원-2.5-학생", "दूरसंचार"]


def test_an_option_without_a_value_is_told_how_it_is_written() -> None:
    with pytest.raises(InputError, match="KEY=VALUE") as caught:
        parse_options(find_task("exam"), ["files"])
    assert caught.value.hint == "write it as files=VALUE"


@pytest.mark.parametrize("name", ["kmmlu", "hrm8k", "gsm8k", "ifeval", "click", "kobest", "HumanEval"])
def test_a_benchmark_of_a_hub_is_named_with_its_command(name: str) -> None:
    with pytest.raises(RecipeError, match="model hub") as caught:
        find_task(name)
    assert f"seodang eval lm-eval --model M --tasks {name.lower()}" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["ifeval_ko", "ifeval-ko", "IFEval-Ko"])
def test_a_benchmark_whose_task_its_authors_keep_is_named_with_where_it_lies(name: str) -> None:
    with pytest.raises(RecipeError, match="model hub") as caught:
        find_task(name)
    hint = caught.value.hint or ""
    assert "allganize/IFEval-Ko" in hint
    assert "seodang eval lm-eval --model M --tasks ifeval_ko --chat" in hint
    assert parse_options(find_task("instruction"), ["languages=ko"]).model_dump()["languages"] == ("ko",)


def test_a_benchmark_with_a_program_of_its_own_is_not_sent_to_lm_evals_section() -> None:
    with pytest.raises(RecipeError, match="model hub") as caught:
        find_task("livecodebench")
    assert "seodang serve" in (caught.value.hint or "")
    assert "docs/evaluation.md" not in (caught.value.hint or "")


def test_no_task_that_ships_is_taken_for_one_of_a_hub() -> None:
    assert [find_task(name).name for name in task_names()] == task_names()
