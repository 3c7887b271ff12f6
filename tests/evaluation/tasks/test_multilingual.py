"""One world in five languages: right answers score in each, wrong, many or foreign ones do not, and the candidates can be told apart."""

import pickle
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evaluation.played import play, say
from seodang.evaluation.scenarios.lexical import LANGUAGES, Entry, Lexicon, ask_for_names, read_lexicon, read_plain
from seodang.evaluation.scenarios.tell import Told, fill, tell, texts_of
from seodang.evaluation.scenarios.worlds import WORLDS
from seodang.evaluation.task import Ask, Item, Rank
from seodang.evaluation.tasks import multilingual
from seodang.evaluation.tasks.multilingual import MultilingualOptions, load, task

PLACED = ("person", "thing")  # kinds of answers that stand in the text
OPTIONS = MultilingualOptions(per_scenario=2, lexical=0)
ITEMS = load(OPTIONS, Path())
FOREIGN = {"en": "서울", "ko": "is the answer ", "zh": "これはひらがなです", "ja": "정답입니다", "es": "정답입니다"}
TOLD = {"en": "It is {}.", "ko": "{}입니다.", "zh": "是{}。", "ja": "{}です。", "es": "Es {}."}


def candidates(item: Item) -> list[str]:
    return list(item.content["candidates"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_right_candidate_scores_alone_or_in_a_sentence_and_no_other_does(language: str) -> None:
    for item in (item for item in ITEMS if item.language == language):
        right, *others = candidates(item)
        assert [say(task, item, OPTIONS, text).score for text in (right, f"  {right}.\n", TOLD[language].format(right))] == [1.0] * 3, item
        written = [*others, *(TOLD[language].format(other) for other in others)]
        rejected = [*written, " ".join([right, *others]), f"{others[0]}, {right}", "", item.question, f"{right} " * 200]
        assert [say(task, item, OPTIONS, text).score for text in rejected] == [0.0] * len(rejected), item


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_right_answer_in_another_script_is_wrong_and_the_evidence_says_so(language: str) -> None:
    item = next(item for item in ITEMS if item.language == language and item.content["kind"] == "person")
    judged = say(task, item, OPTIONS, f"{candidates(item)[0]} {FOREIGN[language] * 3}")
    assert (judged.score, judged.evidence["named"], judged.evidence["in_script"]) == (0.0, True, False)


def test_every_candidate_can_be_told_from_the_others() -> None:
    for item in ITEMS:
        found = candidates(item)
        assert len(set(found)) == 4
        assert not any(one in other for one in found for other in found if one != other and item.content["kind"] in ("person", "thing"))


def test_all_languages_are_asked_about_the_same_worlds() -> None:
    asked = {language: [item.id.rpartition("/")[0] for item in ITEMS if item.language == language] for language in LANGUAGES}
    assert all(names == asked["en"] for names in asked.values())
    numbers = {
        language: [candidates(item) for item in ITEMS if item.language == language and item.content["kind"] == "number"]
        for language in LANGUAGES
    }
    assert all(found == numbers["en"] for found in numbers.values())
    people = {
        language: [
            tuple(map(place_of(item), candidates(item))) for item in ITEMS if item.language == language and item.content["kind"] in PLACED
        ]
        for language in LANGUAGES
    }
    assert all(found == people["en"] for found in people.values()), "the right one is introduced at the same place"
    assert {item.group for item in ITEMS} == set(WORLDS), "variants of one scenario are one cluster"


def place_of(item: Item) -> Callable[[str], int]:
    """Which candidate of those that the text names, in the order in which it does; a clause about several may turn them about."""
    text = item.question.partition("\n\n")[0]
    order = sorted(candidates(item), key=text.find)
    return order.index


def test_texts_are_complete_and_hold_no_placeholder() -> None:
    for name in WORLDS:
        texts = texts_of(name)
        for row in (*texts["facts"].values(), *texts["questions"].values(), *(texts[key] for key in ("things", "opening") if key in texts)):
            assert set(row) == set(LANGUAGES)
    shared = texts_of("language")
    assert {len(names) for names in shared["names"].values()} == {12}
    assert not any(mark in item.question for item in ITEMS for mark in "{}")


def test_the_candidates_stand_in_the_text_so_that_only_reading_helps() -> None:
    for item in (item for item in ITEMS if item.content["kind"] in ("person", "thing") and not item.id.startswith(("meeting", "train"))):
        text = item.question.partition("\n\n")[0]
        assert all(candidate in text for candidate in candidates(item)), item.question


def test_korean_particles_follow_the_names() -> None:
    assert fill("{a은/는} {b을/를} {r으로/로}", {"a": "정예린", "b": "이서아", "r": "서랍"}) == "정예린은 이서아를 서랍으로"


def test_equal_options_make_equal_items_and_another_seed_makes_others() -> None:
    assert load(OPTIONS, Path()) == ITEMS
    other = load(OPTIONS.model_copy(update={"seed": 9}), Path())
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    assert len({item.question for item in ITEMS} & {item.question for item in other}) < len(ITEMS) / 20


@pytest.mark.parametrize(("best", "score"), [(0, 1.0), (1, 0.0)])
def test_choosing_is_right_where_the_right_candidate_is_the_likeliest(best: int, score: float) -> None:
    options = OPTIONS.model_copy(update={"mode": "choose"})
    for item in ITEMS[:20]:
        wanted = candidates(item)[best]

        def rank(request: Ask | Rank, wanted: str = wanted) -> Sequence[float]:
            assert isinstance(request, Rank)
            return [-1.0 * len(text) if text == wanted else -2.0 * len(text) for text in request.continuations]

        assert play(task, item, options, rank).score == score
        tied = play(task, item, options, lambda request: [-1.0 * len(text) for text in request.continuations])  # type: ignore[union-attr]
        assert (tied.score, tied.evidence["ties"]) == (0.0, 3)


def made_lexicon() -> Lexicon:
    entries = tuple(Entry("territories", code, {language: f"{code}{language}" for language in LANGUAGES}) for code in "ABCDEFGH")
    same = Entry("territories", "S", dict.fromkeys(LANGUAGES, "S") | {"ko": "에스"})
    return Lexicon((*entries, same), {spoken: {of: f"{of}-in-{spoken}" for of in LANGUAGES} for spoken in LANGUAGES})


def test_names_are_asked_from_another_language_and_never_where_both_names_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [one for seed in range(20) for one in ask_for_names(made_lexicon(), 9, ("en", "ko"), seed)]
    assert {one.target for one in asked} == {"en", "ko"}
    assert all(one.source != one.target and one.entry.names[one.source] != one.candidates[0] for one in asked)
    assert all(len(set(one.candidates)) == 4 for one in asked)
    monkeypatch.setattr(multilingual, "read_lexicon", lambda store: made_lexicon())
    items = load(MultilingualOptions(per_scenario=0, lexical=5, languages=("en", "ko")), Path())
    assert len(items) == 10
    assert len({item.group for item in items}) == 5
    for item in items:
        source = item.id.split("/")[-1].split("-")[0]
        assert f"{item.language}-in-{source}" in item.question


def test_a_pickle_runs_nothing() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, ("raise SystemExit('ran')",))

    with pytest.raises(TypeError):
        read_plain(pickle.dumps({"names": Bomb()}))
    assert read_plain(pickle.dumps({"territories": {"DE": "독일"}})) == {"territories": {"DE": "독일"}}


@pytest.mark.network
def test_the_package_has_every_name(tmp_path: Path) -> None:
    lexicon = read_lexicon(tmp_path)
    assert lexicon.languages["ko"]["ja"] == "일본어"
    assert next(entry for entry in lexicon.entries if entry.code == "DE").names["ja"] == "ドイツ"
    for kind in {entry.kind for entry in lexicon.entries}:
        for language in LANGUAGES:
            names = [entry.names[language] for entry in lexicon.entries if entry.kind == kind]
            assert len(set(names)) == len(names)


def test_the_narrated_order_of_a_world_is_that_of_its_answers() -> None:
    for variant in range(8):
        told = {one.question_name: one for one in tell("books", "en", 3, variant)}
        first, by = (int(word) for word in told["third"].prompt.replace(".", " ").split() if word.isdigit())
        by = -by if "fewer" in told["third"].prompt else by
        assert told["third"].candidates[0] == str(2 * first + by)
        assert told["all"].candidates[0] == str(5 * first + by)


@pytest.mark.parametrize(
    ("name", "more", "less"), [("arrival", " before ", " only after "), ("height", " is taller than ", " is not as tall as ")]
)
def test_an_order_follows_from_what_is_told(name: str, more: str, less: str) -> None:
    places = {"first": 0, "tallest": 0, "second": 1, "third": 2, "last": 3, "shortest": 3}
    for variant in range(20):
        for told in tell(name, "en", 4, variant):
            pairs: list[tuple[str, str]] = []
            for sentence in told.prompt.partition("\n\n")[0].split(". ")[1:]:
                left, right = sentence.split()[0], sentence.rstrip(".").split()[-1]
                assert more in sentence or less in sentence
                pairs.append((left, right) if more in sentence else (right, left))
            order = next(row for row in permutations(told.candidates) if all(row.index(left) < row.index(right) for left, right in pairs))
            assert order[places[told.question_name]] == told.candidates[0]


def test_variants_of_a_scenario_are_different_worlds() -> None:
    asked = [one for variant in range(12) for one in tell("books", "ko", 0, variant) if one.question_name == "third"]
    assert len({one.candidates[0] for one in asked}) > 4


def mentions(told: Told) -> list[str]:
    """Each mention of a candidate in the text, in order."""
    text = told.prompt.partition("\n\n")[0]
    return [found[0] for found in re.finditer("|".join(map(re.escape, sorted(told.candidates, key=len, reverse=True))), text)]


def by_place(told: Told) -> dict[str, str]:
    """What those answer who count mentions and read nothing else."""
    named = mentions(told)
    first, last = list(dict.fromkeys(named)), list(dict.fromkeys(reversed(named)))
    said = {f"introduced {place}": first[place] for place in range(4)} | {f"left {place}": last[place] for place in range(4)}
    said |= {f"mention {place}": named[place] for place in range(-len(named), len(named))}
    counted = Counter(named).most_common()
    return said | {"most": counted[0][0], "least": counted[-1][0]}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in WORLDS if name not in ("meeting", "market", "train", "books")])
def test_no_place_in_a_text_is_that_of_the_right_answer(name: str, language: str) -> None:
    right: dict[str, list[dict[str, bool]]] = {}
    for variant in range(200):
        for told in (one for one in tell(name, language, 0, variant) if one.kind in PLACED):
            answers = {rule: answer == told.candidates[0] for rule, answer in by_place(told).items()}
            right.setdefault(told.question_name, []).append(answers)
    for question, rows in right.items():
        for rule in set().union(*rows):
            share = sum(row.get(rule, False) for row in rows) / len(rows)
            assert share <= 0.62, (question, rule, share)


def test_variants_of_a_scenario_end_otherwise() -> None:
    for name in WORLDS:
        told = {one for variant in range(30) for one in [skeleton(name, variant)]}
        assert len(told) >= 2, name


def skeleton(name: str, variant: int) -> tuple[tuple[str, str], ...]:
    return WORLDS[name](Random(variant)).facts


@pytest.mark.parametrize("mode", ["generate", "choose"])
def test_chance_is_what_guessing_gives(mode: Any) -> None:
    options = MultilingualOptions(per_scenario=25, lexical=0, languages=("en", "ko"), mode=mode)
    items = load(options, Path())
    assert task.item_chance is not None
    declared = sum(map(task.item_chance, items)) / len(items)
    guesses = Random(5)
    if mode == "choose":
        scores = [play(task, item, options, lambda request: [-guesses.random() for _ in request.continuations]).score for item in items]  # type: ignore[union-attr]
    else:
        scores = [say(task, item, options, guesses.choice(mentioned(item))).score for item in items]
    assert abs(sum(scores) / len(scores) - declared) < 0.04


def mentioned(item: Item) -> list[str]:
    text = item.question.partition("\n\n")[0]
    return [candidate for candidate in candidates(item) if candidate in text] if item.content["kind"] in PLACED else ["x"]
