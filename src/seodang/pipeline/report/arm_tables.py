"""Tables about the trained arms, in plain words: the page and the Markdown show the same ones."""

from dataclasses import dataclass
from typing import Any

from seodang.pipeline.report.wording import (
    ARM_NAMES,
    brief,
    count,
    p_value,
    percent,
    plural,
    points,
    points_interval,
    significant,
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's caption, the names of its columns, and its rows; `words` are the columns that hold words."""

    caption: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    words: tuple[int, ...] = (0,)


def winner_table(report: Row) -> Table | None:
    """The best trained arm against each other one."""
    winner = report["winner"]
    if winner is None:
        return None
    rows = [
        [
            _name(row["b"]),
            points(row["difference"]),
            points_interval(row["interval"]),
            p_value(row["p"]).removeprefix("= "),
            p_value(row["p_holm"]).removeprefix("= "),
            count(row["n"]),
            row["reading"],
        ]
        for row in winner["comparisons"]
    ]
    caption = f"{_name(winner['arm'])}, the highest score of {plural(winner['num_arms'], 'trained arm')}, against each of the others"
    columns = ("against", "difference, points", "95 % interval", "p", "p after Holm's correction", "n", "reading")
    return Table(caption[0].upper() + caption[1:], columns, rows, words=(0, 6))


def guard_table(report: Row) -> Table | None:
    """What the guard says of each trained arm."""
    guard = report["guard"]
    if guard is None:
        return None
    rows = [
        [_name(row["arm"]), points(row["difference"]), points_interval(row["interval"]), count(row["n"]), row["outcome"]]
        for row in guard["arms"]
    ]
    margin = percent(guard["margin"]).removesuffix(" %")
    caption = f"Regression guard: a loss of more than {margin} points against the undistilled student on the general suite"
    return Table(caption, ("arm", "difference, points", "95 % interval", "n", "guard"), rows, words=(0, 4))


def grid_table(report: Row) -> Table | None:
    """Every learning rate at which an arm was trained, and which was kept."""
    rows = [
        [
            _name(arm),
            str(run.get("seed", "-")),
            significant(row["learning_rate"]),
            significant(row["held_out_cross_entropy"]),
            significant(row["train_loss"]),
            "kept" if row["chosen"] else row.get("fault", "-"),
        ]
        for arm, runs in report["training"].items()
        for run in runs
        for row in run.get("grid") or []
    ]
    caption = "Learning rates: the student with the lowest held-out cross-entropy is kept"
    columns = ("arm", "seed", "learning rate", "held-out cross-entropy, nats", "training loss, nats", "")
    return Table(caption, columns, rows, words=(0, 5)) if rows else None


def variants_table(report: Row) -> Table | None:
    """How each variant was taught."""
    rows = [
        [
            _name(name),
            str(row.get("mode", "-")),
            str(row["loss"]),
            brief(row["loss_settings"]) or "-",
            significant(row["temperature"]),
            significant(row["weight"]),
            significant(row["weight"] if row.get("general_weight") is None else row["general_weight"]),
        ]
        for name, row in report["variants"].items()
    ]
    columns = ("variant", "mode", "loss", "settings", "temperature", "weight of the divergence", "weight in everyday questions")
    return Table("Variants of the distilled student", columns, rows, words=(0, 1, 2, 3)) if rows else None


def own_answers_table(report: Row) -> Table | None:
    """What the guards saw of answers that students wrote to be taught on them; nothing where none were written."""
    written = [
        (f"{_name(arm)}, seed {run.get('seed', '-')}", run["rollouts"], run.get("on_policy_stopped_because") or "-")
        for arm, runs in report["training"].items()
        for run in runs
        if run.get("rollouts")
    ]
    before = [(f"{_name('sft')}, seed {step['name'].partition('.')[2]}", step["summary"], "-") for step in report["steps"] if _wrote(step)]
    shares = ("ended", "cut", "replaced")
    rows = [
        [who, count(told.get("num")), significant(told.get("mean_length")), *(percent(told.get(share)) for share in shares), why]
        for who, told, why in [*before, *written]
    ]
    columns = ("written by", "answers", "tokens, mean", "ended", "cut where they repeat", "empty, replaced", "stopped because")
    return Table("Students' own answers that they were taught on", columns, rows, words=(0, 6)) if rows else None


def _wrote(step: Row) -> bool:
    return str(step["name"]).startswith("rollouts.") and bool(step["summary"])


def gold_sentence(report: Row) -> str | None:
    """What became of the gold answers, and what they come from."""
    gold = report["gold"]
    if gold is None:
        return None
    counts = f"{count(gold['kept'])} taught + {count(gold['near_exam'])} left out because they are the exam's or near it"
    counts += f" + {count(gold['repeated'])} repeated = {count(gold['input'])} input"
    return f"Gold answers: {counts}. Origin: {gold['origin']}; licence: {gold['license']}."


def _name(arm: str) -> str:
    return ARM_NAMES.get(arm, arm)
