"""What holds for every generator: needs come first, a kill costs nothing, equal seeds give equal records, what is cut is counted."""

from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from generators.cases import CASES
from generators.scripted import Completing, Constrained, Killed, Scoring, Scripted
from generators.shape import shape
from seodang.core.errors import ModelError, RecipeError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.generator_texts import load_texts, texts_digest
from seodang.data.build.run_generators import read_generators, refuse_missing, run_generators
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.data.build.written import num_cut_off

NAMES = sorted(CASES)


def run(name: str, path: Path, teacher: Any = None, seed: int = 7, **knobs: Any) -> list[Record]:
    case = CASES[name]
    with closing(Journal(path)) as journal:
        generators = read_generators([{"name": name, **case.knobs, **knobs}])
        return run_generators(generators, case.sources, teacher or case.teacher(case.say), seed, journal, Progress("build"))


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_give_equal_records_and_other_seeds_do_not(tmp_path: Path, name: str) -> None:
    records = run(name, tmp_path / "one.jsonl")
    assert records
    assert run(name, tmp_path / "two.jsonl") == records
    assert len({record.id for record in records}) == len(records)
    if name not in ("multi_hop", "translate", "dialogue"):  # their words do not depend on the seed
        assert run(name, tmp_path / "three.jsonl", seed=8) != records


@pytest.mark.parametrize("name", NAMES)
def test_after_a_kill_at_any_call_the_same_records_come_and_no_finished_unit_is_asked_again(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    whole = case.teacher(case.say)
    records = run(name, tmp_path / "whole.jsonl", whole)
    num_asked = len(whole.asked)
    last = 0
    for calls in (1, 2, 3, 4, 9, 14):
        path = tmp_path / f"{calls}.jsonl"
        try:
            run(name, path, case.teacher(case.say, calls=calls))
        except Killed:
            with closing(Journal(path)) as journal:
                last = max(last, len(journal))
        rest = case.teacher(case.say)
        assert run(name, path, rest) == records
        assert len(rest.asked) <= num_asked
        assert run(name, path, case.teacher(case.say, calls=0)) == records
    assert last >= 1, "at least one kill came between two units"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_cut_off_is_counted_and_not_taught(tmp_path: Path, name: str) -> None:
    case, path = CASES[name], tmp_path / "journal.jsonl"
    teacher = case.teacher(lambda messages, sampling: "\0cut" + case.say(messages, sampling), cut="\0cut")
    assert run(name, path, teacher) == []
    with closing(Journal(path)) as journal:
        assert num_cut_off(journal) == num_dropped(journal, name)["cut off"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_language_has_the_same_texts_with_the_same_places_to_fill_in(name: str) -> None:
    folder = resources.files("seodang.data.build") / "prompts" / name
    languages = sorted(file.name.removesuffix(".yaml") for file in folder.iterdir())
    assert languages == ["en", "ko"]
    assert shape(load_texts(name, "en")) == shape(load_texts(name, "ko"))
    assert texts_digest(name, "en") != texts_digest(name, "ko")


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_says_where_its_method_is_from_and_its_key_holds_its_knobs(name: str) -> None:
    (one,) = read_generators([{"name": name}])
    (other,) = read_generators([{"name": name, "answer_tokens": 11}])
    assert "arXiv" in one.source
    assert one.key != other.key
    assert one.key != read_generators([{"name": name, "prompts": "ko"}])[0].key


@pytest.mark.parametrize(
    ("name", "lacking", "words"),
    [
        ("multi_hop", Scoring, "`multi_hop` needs constrained decoding"),
        ("trajectories", Completing, "`trajectories` needs constrained decoding"),
        ("self_instruct", Constrained, "`self_instruct` needs raw completion"),
        ("magpie", Completing, "`magpie` needs log-probabilities"),
        ("gaps", Scripted, "`gaps` needs raw completion"),
    ],
)
def test_a_teacher_without_a_capability_is_refused_before_any_generator_begins(
    tmp_path: Path, name: str, lacking: type[Scripted], words: str
) -> None:
    """The generator that can work stands first, and asks nothing all the same."""
    teacher = lacking(CASES["persona"].say, calls=0)
    sources = BuildSources(
        CASES["persona"].sources.passages, student=CASES["gaps"].sources.student, environments=CASES["trajectories"].sources.environments
    )
    generators = read_generators([{"name": "persona"}, {"name": name}])
    with closing(Journal(tmp_path / "journal.jsonl")) as journal:
        with pytest.raises(ModelError, match=words):
            run_generators(generators, sources, teacher, 1, journal, Progress("build"))
        assert len(journal) == 0


def test_a_generator_without_its_sources_or_student_is_refused() -> None:
    teacher = Scoring(CASES["gaps"].say)
    with pytest.raises(RecipeError, match="`dialogue` writes from passages"):
        refuse_missing(read_generators([{"name": "dialogue"}]), BuildSources(), teacher)
    with pytest.raises(ModelError, match="`gaps` asks the student"):
        refuse_missing(read_generators([{"name": "gaps"}]), BuildSources(CASES["gaps"].sources.passages), teacher)
    deaf = BuildSources(CASES["gaps"].sources.passages, student=Completing(CASES["gaps"].say))
    with pytest.raises(ModelError, match="`gaps` needs log-probabilities"):
        refuse_missing(read_generators([{"name": "gaps"}]), deaf, teacher)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "evolv"}, "evolv"),
        ({"rounds": 2}, "without a name"),
        ({"name": "evolve", "round": 2}, "`round` of the generator `evolve`"),
        ({"name": "evolve", "rounds": 0}, "`rounds`"),
        ({"name": "questions"}, "no generator that a recipe names"),
    ],
)
def test_a_row_that_is_no_generator_is_named(row: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_generators([row])
    assert words in caught.value.render()


def test_one_generator_twice_with_other_knobs_does_both(tmp_path: Path) -> None:
    case = CASES["persona"]
    rows = [{"name": "persona", "personas": 5}, {"name": "persona", "personas": 5, "answer_tokens": 50}]
    with closing(Journal(tmp_path / "journal.jsonl")) as journal:
        teacher = Scripted(case.say)
        run_generators(read_generators(rows), case.sources, teacher, 1, journal, Progress("build"))
        assert len(teacher.asked) == 10
        assert len(journal) == 2
