"""Two evaluations item by item: what may be compared, and what the comparison says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from answered import FAILED, evaluated, make_items
from seodang.core.errors import InputError
from seodang.evaluation.compare import compare
from seodang.evaluation.pairs import pair

ITEMS = make_items(60, parts=3)
GOOD = [1.0] * 45 + [0.0] * 15
POOR = [1.0] * 25 + [0.0] * 30 + [1.0] * 5


def test_a_difference_has_mcnemars_p_and_its_discordant_counts(tmp_path: Path) -> None:
    (row,) = compare([pair(evaluated(tmp_path / "a", ITEMS, GOOD), evaluated(tmp_path / "b", ITEMS, POOR))])
    assert row["items"] == {"a_better": 20, "b_better": 5, "equal": 35}
    tested: Any = binomtest(20, 25)
    assert row["p"] == pytest.approx(tested.pvalue)
    assert row["difference"] == pytest.approx(15 / 60)
    assert row["interval"][0] < row["difference"] < row["interval"][1]
    assert row["sentence"].startswith("a scores more than b on laid_down")


def test_the_other_way_round_is_the_same_with_the_other_sign(tmp_path: Path) -> None:
    a, b = evaluated(tmp_path / "a", ITEMS, GOOD), evaluated(tmp_path / "b", ITEMS, POOR)
    (there,), (back,) = compare([pair(a, b)]), compare([pair(b, a)])
    assert there["difference"] == -back["difference"]
    assert there["interval"] == pytest.approx([-end for end in reversed(back["interval"])])
    assert there["p"] == back["p"]


def test_a_null_result_says_what_it_would_have_seen(tmp_path: Path) -> None:
    scores = [1.0, 0.0] * 30
    (row,) = compare([pair(evaluated(tmp_path / "a", ITEMS, scores), evaluated(tmp_path / "b", ITEMS, [*scores[2:], 0.0, 1.0]))])
    assert row["p"] > 0.5
    assert "No difference" in row["sentence"]
    assert f"tested alone, a true difference of {100 * row['seen']:.1f} points would have been seen with 80 %" in row["sentence"]


def test_what_was_seen_is_about_what_the_power_calculation_says(tmp_path: Path) -> None:
    from seodang.statistics.power import minimal_detectable_difference

    items = make_items(400)
    a, b = [1.0] * 240 + [0.0] * 160, [0.0] * 40 + [1.0] * 240 + [0.0] * 120
    (row,) = compare([pair(evaluated(tmp_path / "a", items, a), evaluated(tmp_path / "b", items, b))])
    assert row["seen"] == pytest.approx(minimal_detectable_difference(400, 0.2), abs=0.01)


def test_so_few_items_that_nothing_could_be_seen_are_told(tmp_path: Path) -> None:
    items = make_items(1)
    (row,) = compare([pair(evaluated(tmp_path / "a", items, [1.0]), evaluated(tmp_path / "b", items, [0.0]))])
    assert row["seen"] is None
    assert "no difference could have been seen with so few items" in row["sentence"]


def test_errors_that_may_hide_the_contrary_leave_no_verdict(tmp_path: Path) -> None:
    items = make_items(20)
    failed = evaluated(tmp_path / "a", items, [None] * 20)
    (row,) = compare([pair(failed, evaluated(tmp_path / "b", items, [1.0] * 16 + [0.0] * 4))])
    assert row["p"] < 0.001
    assert "scores less" not in row["sentence"]
    assert "Nothing is shown" in row["sentence"]
    assert "from -80.0 to +20.0 points" in row["sentence"]


def test_one_error_hides_no_large_difference(tmp_path: Path) -> None:
    items = make_items(40)
    a = evaluated(tmp_path / "a", items, [None, *[1.0] * 39])
    (row,) = compare([pair(a, evaluated(tmp_path / "b", items, [0.0] * 40))])
    assert "scores more" in row["sentence"]


def test_several_others_and_several_parts_are_each_a_family(tmp_path: Path) -> None:
    a = evaluated(tmp_path / "a", ITEMS, GOOD)
    rows = compare([pair(a, evaluated(tmp_path / name, ITEMS, POOR)) for name in ("b", "c", "d")])
    assert [row["p_holm"] for row in rows] == pytest.approx([3 * row["p"] for row in rows])
    parts = rows[0]["parts"]
    assert list(parts) == ["p0", "p1", "p2"]
    assert min(part["p_holm"] for part in parts.values()) == pytest.approx(min(1, 3 * min(part["p"] for part in parts.values())))
    assert sum(part["n"] for part in parts.values()) == 60


def test_errors_on_either_side_are_wrong_and_bound_the_difference(tmp_path: Path) -> None:
    a = evaluated(tmp_path / "a", ITEMS, [FAILED] * 3 + [1.0] * 42 + [0.0] * 15)
    b = evaluated(tmp_path / "b", ITEMS, [1.0] * 30 + [0.0] * 24 + [FAILED] * 6)
    (row,) = compare([pair(a, b)])
    assert row["errors"] == {"a": 3, "b": 6}
    assert row["difference"] == pytest.approx((42 - 30) / 60)
    assert row["difference_range"] == pytest.approx([(42 - 36) / 60, (45 - 30) / 60])


def test_thinking_costs_tokens_for_each_right_answer(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    long, short = generator.integers(150, 250, 60).tolist(), generator.integers(15, 25, 60).tolist()
    a = evaluated(tmp_path / "a", ITEMS, GOOD, tokens=long, model="m", thinking="on")
    b = evaluated(tmp_path / "b", ITEMS, POOR, tokens=short, model="m", thinking="off")
    (row,) = compare([pair(a, b)])
    cost = row["cost"]["new_tokens_per_right"]
    assert (cost["a"], cost["b"]) == (pytest.approx(sum(long) / 45), pytest.approx(sum(short) / 30))
    assert cost["interval"][0] < cost["a"] - cost["b"] < cost["interval"][1]
    assert "m (think on) scores more than m (think off)" in row["sentence"]


def test_two_runs_of_one_model_are_told_apart_by_how_they_were_asked_or_by_where_they_are(tmp_path: Path) -> None:
    a = evaluated(tmp_path / "a", ITEMS, GOOD, model="m", temperature=0.7, seed=1)
    b = evaluated(tmp_path / "b", ITEMS, POOR, model="m", temperature=0.2, seed=1)
    assert "m (temperature 0.7) scores more than m (temperature 0.2)" in compare([pair(a, b)])[0]["sentence"]
    alike = evaluated(tmp_path / "c", ITEMS, POOR, model="m", temperature=0.7, seed=1)
    assert f"m ({tmp_path / 'a'}) scores more than m ({tmp_path / 'c'})" in compare([pair(a, alike)])[0]["sentence"]


def test_the_interval_of_tokens_for_a_right_answer_is_that_of_a_bootstrap(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    items = make_items(300)
    right = (generator.random((2, 300)) < np.array([[0.7], [0.5]])).astype(float)
    tokens = generator.integers(20, 200, (2, 300))
    arms = [evaluated(tmp_path / name, items, right[i].tolist(), tokens=tokens[i].tolist()) for i, name in enumerate("ab")]
    draws = generator.integers(0, 300, (4000, 300))
    ratios = [tokens[i][draws].sum(axis=1) / right[i][draws].sum(axis=1) for i in range(2)]
    found = compare([pair(*arms)])[0]["cost"]["new_tokens_per_right"]["interval"]
    low, high = np.quantile(ratios[0] - ratios[1], [0.025, 0.975])
    assert found == pytest.approx([low, high], abs=0.1 * (high - low))


def test_nothing_right_costs_no_tokens_a_right_answer(tmp_path: Path) -> None:
    (row,) = compare([pair(evaluated(tmp_path / "a", ITEMS, GOOD), evaluated(tmp_path / "b", ITEMS, [0.0] * 60))])
    assert row["cost"]["new_tokens_per_right"]["b"] is None
    assert row["retention"]["status"] == "not defined"


def test_another_task_version_or_item_is_refused_with_what_differs(tmp_path: Path) -> None:
    a = evaluated(tmp_path / "a", ITEMS, GOOD)
    with pytest.raises(InputError, match="two tasks: laid_down and other"):
        pair(a, evaluated(tmp_path / "b", ITEMS, POOR, task="other"))
    with pytest.raises(InputError, match="two versions of the task: 1 and 2"):
        pair(a, evaluated(tmp_path / "c", ITEMS, POOR, task_version=2))
    with pytest.raises(InputError, match=r"1 only in the first \(i59\); options limit: none and 59"):
        pair(a, evaluated(tmp_path / "d", ITEMS[:59], POOR[:59], options={"limit": 59}))
    changed = [*ITEMS[:-1], make_items(61, parts=3)[60]]
    with pytest.raises(InputError, match="1 only in the second"):
        pair(a, evaluated(tmp_path / "e", changed, POOR))


def test_options_and_settings_that_differ_are_told(tmp_path: Path) -> None:
    options = {"max_new_tokens": 64, "files": ["x", "y"], "limit": None, "seed": 0}
    a = evaluated(tmp_path / "a", ITEMS, GOOD, options=options, max_reasoning_tokens=2048, batch_size=8, seed=0)
    b = evaluated(
        tmp_path / "b",
        ITEMS,
        POOR,
        options={**options, "max_new_tokens": 512, "files": ["z"], "limit": 60, "seed": 1},
        max_reasoning_tokens=512,
        temperature=0.7,
        batch_size=4,
        seed=3,
    )
    (row,) = compare([pair(a, b)])
    assert row["asked_otherwise"] == {
        "max_new_tokens": {"a": 64, "b": 512},
        "files": {"a": ["x", "y"], "b": ["z"]},
        "temperature": {"a": 0.0, "b": 0.7},
        "max_reasoning_tokens": {"a": 2048, "b": 512},
    }
    told = "max_new_tokens: 64 and 512, files: x+y and z, temperature: 0.0 and 0.7, max_reasoning_tokens: 2048 and 512"
    assert row["sentence"].endswith(f" They were asked otherwise: {told}.")
    (alike,) = compare([pair(a, evaluated(tmp_path / "c", ITEMS, POOR, options=options, max_reasoning_tokens=2048, batch_size=4))])
    assert alike["asked_otherwise"] == {}
    assert "otherwise" not in alike["sentence"]


@pytest.mark.parametrize(
    ("option", "ours", "theirs"), [("mode", "choose", "generate"), ("template", "plain", "chat"), ("ranked", "letter", "text")]
)
def test_scores_that_are_different_quantities_are_refused(tmp_path: Path, option: str, ours: str, theirs: str) -> None:
    a = evaluated(tmp_path / "a", ITEMS, GOOD, options={option: ours})
    b = evaluated(tmp_path / "b", ITEMS, POOR, options={option: theirs})
    for common in (False, True):
        with pytest.raises(InputError, match=f"different quantities: {option}: {ours} and {theirs}") as caught:
            pair(a, b, common=common)
        assert caught.value.hint == "evaluate both models with the same options"


def test_an_item_of_one_id_with_other_words_is_no_common_item(tmp_path: Path) -> None:
    from dataclasses import replace

    a = evaluated(tmp_path / "a", ITEMS, GOOD)
    b = evaluated(tmp_path / "b", [replace(ITEMS[0], question="Another?"), *ITEMS[1:50]], POOR[:50])
    with pytest.raises(InputError, match="1 with other content"):
        pair(a, b)
    both = pair(a, b, common=True)
    assert (len(both.items), both.only_a, both.only_b) == (49, 11, 1)
    assert compare([both])[0]["left_out"] == {"a": 11, "b": 1}


def test_nothing_in_common_is_refused_even_if_asked(tmp_path: Path) -> None:
    a = evaluated(tmp_path / "a", ITEMS[:10], GOOD[:10])
    with pytest.raises(InputError, match="items differ"):
        pair(a, evaluated(tmp_path / "b", ITEMS[10:], POOR[10:]), common=True)
