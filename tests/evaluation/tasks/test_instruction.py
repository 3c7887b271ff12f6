"""Every prompt can be followed: an answer that keeps to all of it scores, others do not, and the loose score forgives what it should."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.played import say
from evaluation.witnesses import witness
from seodang.evaluation.constraints.instructions import Constraint, Instruction, instructions, keeps, keeps_loosely
from seodang.evaluation.constraints.kinds import KINDS, go_together
from seodang.evaluation.task import Item
from seodang.evaluation.tasks.instruction import InstructionOptions, load, task

OPTIONS = InstructionOptions()
ITEMS = load(OPTIONS, Path())


def instruction_of(item: Item) -> Instruction:
    language, topic, index = item.id.split("/")
    made = instructions(language, OPTIONS.per_topic, OPTIONS.most_constraints, OPTIONS.seed)
    return next(one for one in made if (one.topic, one.index) == (topic, int(index)))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("seed", range(4))
def test_every_combination_has_an_answer_that_keeps_to_it(language: str, seed: int) -> None:
    for one in instructions(language, 20, 3, seed):
        assert witness(one)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_pair_of_kinds_that_go_together_has_an_answer_that_keeps_to_both(language: str) -> None:
    drawn: dict[str, Constraint] = {}
    for seed in range(3):
        for one in instructions(language, 12, 3, seed):
            drawn.update({constraint.kind: constraint for constraint in one.constraints if one.topic == "library"})
    pairs = [(one, other) for one in drawn for other in drawn if one < other and go_together(one, other)]
    assert len(pairs) > 100
    for pair in pairs:
        assert witness(Instruction("library", 0, language, "Explain.", tuple(drawn[kind] for kind in pair)))


def test_a_witness_scores_and_no_answer_or_an_idle_one_does_not() -> None:
    for item in ITEMS[:: len(ITEMS) // 40]:
        assert say(task, item, OPTIONS, witness(instruction_of(item))).score == 1.0
        assert say(task, item, OPTIONS, "").score == 0.0
        assert say(task, item, OPTIONS, "\n \n").score == 0.0


def test_one_text_that_has_something_of_everything_follows_few_prompts() -> None:
    everything = "<<Title>>\n* a\n1. b\n[name] *so* GO GO\n******\n좋습니다. 좋아요. 하나 둘 셋 넷, 3\nP.S. The end.\n추신: 끝."
    assert sum(say(task, item, OPTIONS, everything).score for item in ITEMS) / len(ITEMS) < 0.15


def test_a_prompt_scores_only_where_all_of_it_is_kept() -> None:
    item = Item("x", "en", "?", {"constraints": [{"kind": "no_commas", "params": {}}, {"kind": "words_at_most", "params": {"n": 2}}]})
    judged = say(task, item, OPTIONS, "three words here")
    assert (judged.score, judged.evidence["strict"]) == (0.0, {"no_commas": True, "words_at_most": False})
    assert say(task, item, OPTIONS, "two words").score == 1.0


@pytest.mark.parametrize(
    ("kind", "params", "text"),
    [
        ("json_only", {}, 'Sure:\n{"a": 1}'),
        ("no_commas", {}, "Of course, here it is.\nText.\nBye, now."),
        ("title", {}, "**<<Books>>**\nText."),
        ("starts_with", {"phrase": "It all"}, "*It all* begins."),
    ],
)
def test_the_loose_score_forgives_first_and_last_lines_and_asterisks(kind: str, params: dict[str, object], text: str) -> None:
    constraint = Constraint(kind, params)
    assert (keeps(constraint, text), keeps_loosely(constraint, text)) == (False, True)


def test_all_kinds_are_asked_one_to_three_at_a_time_and_never_two_that_exclude_each_other() -> None:
    for language in ("en", "ko"):
        rows = [item.content["constraints"] for item in ITEMS if item.language == language]
        assert {row["kind"] for one in rows for row in one} == {name for name, kind in KINDS.items() if language in kind.languages}
        assert {len(one) for one in rows} == {1, 2, 3}
        for one in rows:
            names = [row["kind"] for row in one]
            assert all(go_together(first, second) for first in names for second in names if first != second)


def test_equal_options_make_equal_items_and_another_seed_makes_others() -> None:
    assert load(OPTIONS, Path()) == ITEMS
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    other = load(OPTIONS.model_copy(update={"seed": 1}), Path())
    assert len({item.question for item in ITEMS} & {item.question for item in other}) < len(ITEMS) / 4


def test_no_idle_reply_gets_more_than_is_declared() -> None:
    """Over items enough to be within three points of it."""
    options = OPTIONS.model_copy(update={"per_topic": 24})
    items = load(options, Path())
    idle: dict[str, Callable[[Item], str]] = {
        text: lambda _, text=text: text for text in (".", "x", "네, 알겠습니다.", "- a\n- b\n- c", "{}")
    }
    idle["prompt"] = lambda item: item.question
    got = {name: sum(say(task, item, options, reply(item)).score for item in items) / len(items) for name, reply in idle.items()}
    assert task.chance is not None
    assert task.chance - 0.03 < max(got.values()) < task.chance + 0.03, got
