"""What is hidden can be found and nothing else is right."""

import re
from pathlib import Path
from typing import Any

import pytest

from answerers import solve
from seodang.core.errors import InputError
from seodang.evaluation.haystack.counts import numbers_in, ways_to_say
from seodang.evaluation.run import task_items
from seodang.evaluation.task import Item
from seodang.evaluation.tasks.long_context import LongContextOptions, task

ABSENT = {"en": "The document does not say that.", "ko": "문서에 나와 있지 않습니다."}


@pytest.fixture(scope="module")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "long.txt"
    path.write_text(" ".join(f"Line {number} tells of rain and wind." for number in range(800)), encoding="utf-8")
    return str(path)


def loaded(text_file: str, **options: Any) -> tuple[LongContextOptions, list[Item]]:
    chosen = LongContextOptions(files=(text_file,), **options)
    return chosen, task_items(task, chosen, Path("unused"))


def right(item: Item) -> str:
    return ", ".join(ways[0] for ways in item.content["accepted"]) or ABSENT[item.language]


def everything(item: Item) -> str:
    if item.part.startswith("count"):
        return " ".join(map(str, range(10)))
    return " ".join([*(ways[0] for ways in item.content["accepted"]), *item.content["wrong"]])


def test_the_right_reply_scores_1_and_others_0(text_file: str):
    options, items = loaded(text_file, lengths=(800, 1600))
    assert len(items) == 2 * 2 * 5 * 5
    for item in items:
        told = {
            name: solve(task, item, options, lambda _, text=text: text)
            for name, text in {
                "right": right(item),
                "sentence": f"It is {right(item)}." if item.content["accepted"] else right(item),
                "empty": "",
                "everything": everything(item),
                "absent": ABSENT[item.language],
                "document": item.content["prompt"],
                "other": "999999" if item.content["accepted"] else f"{right(item)} 999999",
            }.items()
        }
        scores = {name: judged.score for name, judged in told.items()}
        is_absent = not item.content["accepted"]
        assert scores == {
            "right": 1, "sentence": 1, "empty": 0, "everything": 0, "absent": float(is_absent), "document": 0, "other": 0
        }, item.id  # fmt: skip
        assert told["absent"].abstained
        assert not told["everything"].abstained


@pytest.mark.parametrize("denial", ["not {}", "It is not {}.", "The document does not say, but {}", "{}이 아닙니다.", "문서에 없지만 {}"])
def test_a_denied_code_is_wrong(text_file: str, denial: str):
    options, items = loaded(text_file, kinds=("single", "chain", "count"))
    for item in items:
        assert solve(task, item, options, lambda _, item=item: denial.format(right(item))).score == 0, item.content["accepted"]


def test_a_count_with_an_ending_is_right(text_file: str):
    options, items = loaded(text_file, kinds=("count",), languages=("ko",))
    for item in items:
        assert solve(task, item, options, lambda _, item=item: f"{item.content['accepted'][0][-1]}입니다.").score == 1


def test_one_of_several_is_not_enough(text_file: str):
    options, items = loaded(text_file, kinds=("several",), num_needles=4)
    for item in items:
        judged = solve(task, item, options, lambda _, item=item: item.content["accepted"][0][0])
        assert (judged.score, judged.evidence["found"]) == (0, 1)


def test_what_is_hidden_stands_in_the_prompt_once_and_not_in_the_document(text_file: str):
    _, items = loaded(text_file)
    document = Path(text_file).read_text(encoding="utf-8")
    for item in items:
        for needle in item.content["needles"]:
            assert item.content["prompt"].count(needle) == 1
            assert needle not in document
        for code in (way for ways in item.content["accepted"] for way in ways if len(way) == 6 and way.isdecimal()):
            assert code not in document
            assert code not in item.question


@pytest.mark.parametrize("num_hops", [2, 3, 4])
def test_a_chain_leads_from_the_question_to_the_code(text_file: str, num_hops: int):
    """Followed by its sentences alone."""
    _, items = loaded(text_file, kinds=("chain",), languages=("en",), num_hops=num_hops)
    for item in items:
        same = {n.split("'s")[0]: n.split(" as ")[1].split("'s")[0] for n in item.content["needles"] if " as " in n}
        ends = {n.split("'s")[0]: n.split()[-1].rstrip(".") for n in item.content["needles"] if " as " not in n}
        name, steps = item.question.split(" of ")[1].split("'s")[0], 1
        while name in same:
            name, steps = same[name], steps + 1
        assert ((ends[name],),) == tuple(map(tuple, item.content["accepted"]))
        assert steps == num_hops


def test_the_fact_that_is_asked_for_is_absent(text_file: str):
    _, items = loaded(text_file, kinds=("absent",))
    for item in items:
        name = item.question.split(" of ")[1].split("?")[0] if item.language == "en" else item.question.split("의 ")[0]
        assert name not in item.content["prompt"].removesuffix(item.question)
        assert len(item.content["needles"]) == 2


def test_documents_are_about_as_long_as_asked(text_file: str):
    _, items = loaded(text_file)
    for item in items:
        length = int(item.part.split()[1])
        document = item.content["prompt"].split("<document>\n")[1].split("\n</document>")[0]
        assert length - 60 <= len(document) <= length + 10


def test_items_hidden_in_one_text_share_a_group(text_file: str):
    _, items = loaded(text_file)
    assert len({item.group for item in items}) == 2 * 3 * 5


def test_equal_options_give_equal_items_and_another_seed_others(text_file: str):
    first, second, third = (loaded(text_file, seed=seed)[1] for seed in (0, 0, 1))
    assert first == second
    assert not {item.content["prompt"] for item in first} & {item.content["prompt"] for item in third}


def test_a_document_that_is_too_short_is_refused(text_file: str):
    with pytest.raises(InputError, match="fewer than"):
        loaded(text_file, lengths=(100_000,))


@pytest.mark.network
def test_the_documents_of_the_pinned_wheels_are_long_enough(tmp_path: Path):
    options = LongContextOptions()
    for item in task_items(task, options, tmp_path):
        assert solve(task, item, options, lambda _, item=item: right(item)).score == 1


def test_a_count_is_right_where_it_is_the_only_number(text_file: str):
    options, items = loaded(text_file, kinds=("count",))
    for item in items:
        count = int(item.content["accepted"][0][0])
        word = ["zero", "one", "two", "three", "four", "five", "six"][count]
        right = (f"{word}, no more.", f"There are {word} of them, no more than that.", f"한 문서에 {count}번", f"네, {count}곳입니다.")
        wrong = (f"{count} out of 12", f"{count} or 25", f"between {count} and 30", f"{word} of twelve", f"{count}.5", f"{count}0", "no")
        for text in (*right, *wrong):
            assert solve(task, item, options, lambda _, text=text: text).score == (text in right), text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_way_to_say_a_number_names_it_and_no_other(language: str):
    for number in range(11):
        for way in ways_to_say(number, language):
            assert numbers_in(way) == {str(number)}


def test_what_is_listed_as_wrong_makes_a_reply_wrong(text_file: str):
    options, items = loaded(text_file)
    for item in items:
        for wrong in item.content["wrong"]:
            assert solve(task, item, options, lambda _, item=item, wrong=wrong: f"{right(item)} {wrong}").score == 0
    assert not any(item.content["wrong"] for item in items if item.part.startswith("count"))


def test_korean_words_are_numbers():
    assert numbers_in("세 곳입니다") == numbers_in("셋입니다.") == {"3"}
    assert numbers_in("네 곳에서 여섯 번") == {"4", "6"}


def asked_for(item: Item) -> dict[str, str]:
    return dict(zip(item.content["owners"], [ways[0] for ways in item.content["accepted"]], strict=True))


def test_several_codes_belong_to_their_owners(text_file: str):
    options, items = loaded(text_file, kinds=("several",), depths=(0, 50))
    for item in items:
        codes = asked_for(item)
        owners, values = list(codes), list(codes.values())
        for turn in range(3):
            told = list(zip(owners, values[turn:] + values[:turn], strict=True))
            shifted = owners[turn:] + owners[:turn]
            replies = {
                "in order": ", ".join(code for _, code in told),
                "before": ", ".join(f"{owner}: {code}" for owner, code in told),
                "after": "; ".join(f"{code} ({owner})" for owner, code in told),
                "listed": f"The codes of {', '.join(owners)} are {', '.join(code for _, code in told)}, in this order.",
                "table": "\n".join(f"| {owner} | {code} |" for owner, code in told),
                "question again": f"{', '.join(owners)}:\n" + "\n".join(f"- {owner}: {code}" for owner, code in reversed(told)),
            }
            for name, reply in replies.items():
                assert (name, solve(task, item, options, lambda _, reply=reply: reply).score) == (name, float(turn == 0)), reply
            moved = "\n".join(f"{owner} = {codes[owner]}" for owner in shifted)
            assert solve(task, item, options, lambda _, moved=moved: moved).score == 1, "owners in any order, each with its code"
        assert solve(task, item, options, lambda _, values=values: " ".join(reversed(values))).score == 0


@pytest.mark.parametrize("guess", ["12 34 56", "1-2-3-4-5-6", "１２３４５６", "one two three four", "일 2 34", "123", "12, 5"])
def test_what_is_missing_has_no_digits_beside_it(text_file: str, guess: str):
    options, items = loaded(text_file, kinds=("absent",))
    for item in items:
        assert solve(task, item, options, lambda _, item=item: f"{ABSENT[item.language]} My guess: {guess}").score == 0
        assert solve(task, item, options, lambda _, item=item: f"{ABSENT[item.language]} It names 2 others.").score == 1


@pytest.mark.parametrize(
    "after", ["It does not mention others.", "The document does not say anything else.", "다른 번호는 나와 있지 않습니다."]
)
def test_a_right_code_stands_beside_others_that_are_not_there(text_file: str, after: str):
    options, items = loaded(text_file, kinds=("single", "chain"))
    for item in items:
        assert solve(task, item, options, lambda _, item=item: f"It is {right(item)}. {after}").score == 1
        assert solve(task, item, options, lambda _, item=item: f"{right(item)} is not mentioned in the document.").score == 0
        assert solve(task, item, options, lambda _, item=item: f"{ABSENT[item.language]} {right(item)}").score == 0
        assert solve(task, item, options, lambda _: after).score == 0


def codes_of(item: Item) -> list[str]:
    document = str(item.content["prompt"])
    return sorted({code for needle in item.content["needles"] for code in re.findall(r"\d{6}", needle)}, key=document.find)


@pytest.mark.parametrize("kinds", [("single", "several", "chain", "count", "absent"), ("single",), ("single", "chain"), ("absent",)])
def test_no_reply_that_does_not_read_gets_more_than_chance(text_file: str, kinds: Any):
    options, items = loaded(text_file, kinds=kinds, lengths=(800, 1600, 3200))
    assert task.item_chance is not None
    declared = sum(map(task.item_chance, items)) / len(items)
    blind = {
        "absent": lambda item: ABSENT[item.language],
        "three": lambda _: "3",
        "empty": lambda _: ".",
        "prompt": lambda item: item.question,
    }
    blind |= {
        f"code {place}": lambda item, place=place: (codes_of(item) or ["3"])[place % len(codes_of(item) or "3")] for place in range(4)
    }
    got = {
        name: sum(solve(task, item, options, lambda _, item=item, reply=reply: reply(item)).score for item in items) / len(items)
        for name, reply in blind.items()
    }
    assert max(got.values()) <= declared + 1e-9, got
    assert declared <= {5: 0.4, 1: 1.0, 2: 0.5}[len(kinds)]
