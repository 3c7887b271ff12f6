"""What people said, joined to the records: how far they agree, what is still open, and where the checks say otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from seodang.core.errors import InputError
from seodang.core.records import Verdict
from seodang.data.review.label_studio import Annotation
from seodang.data.review.settle import Settled, latest, settle
from seodang.statistics.agreement import Agreement, alpha_with_interval
from seodang.statistics.intervals import wilson


@dataclass(frozen=True, slots=True)
class Share:
    """Of `n` records, `count`; the share weighted back to all records, with a Wilson interval of the effective number."""

    count: int
    n: int
    share: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class CheckBesidePeople:
    """Of the records that a check passed, those that people find wrong; of those that it failed, those that people find right."""

    check: str
    passed_but_wrong: Share | None
    failed_but_right: Share | None


@dataclass(frozen=True, slots=True)
class Review:
    """The outcome of a review. `settled` has each item that two people have seen, `final` what stands for those that are not open, and
    `to_adjudicate` the items whose two people disagree."""

    annotations: tuple[Annotation, ...]  # each person's latest of each item and round
    verdicts: tuple[Verdict, ...]
    settled: Mapping[str, Settled]
    final: Mapping[str, str]
    to_adjudicate: tuple[str, ...]
    incomplete: tuple[str, ...]  # items that fewer than two people have seen
    agreement: Agreement
    checks: tuple[CheckBesidePeople, ...]
    disagreements: tuple[dict[str, Any], ...]

    def row(self) -> dict[str, Any]:
        """The review as JSON; what is not defined is null."""
        alpha = {"alpha": _number(self.agreement.alpha), "interval": [_number(end) for end in self.agreement.interval]}
        return {
            "items": len(self.final) + len(self.to_adjudicate) + len(self.incomplete),
            "final": len(self.final),
            "to_adjudicate": len(self.to_adjudicate),
            "incomplete": len(self.incomplete),
            "agreement": {**alpha, "units": self.agreement.num_units, "ratings": self.agreement.num_ratings},
            "checks": [asdict(check) for check in self.checks],
            "disagreements": list(self.disagreements),
        }


def review(plan: Mapping[str, Any], annotations: Sequence[Annotation], *, seed: int = 0) -> Review:
    """Joins annotations to the plan of their queue.

    Two people who agree settle an item; a third one settles it where they do not, and must be somebody else. Alpha is over the first
    round only, with "cannot tell" as a label of its own. InputError for an item that the plan does not have.
    """
    items: Mapping[str, Mapping[str, Any]] = plan["items"]
    if unknown := sorted({one.item for one in annotations} - items.keys()):
        raise InputError(f"an annotation of an item that is not in the plan: {unknown[0]}", hint="name the plan of this very queue")
    said: dict[str, list[Annotation]] = {item: [] for item in items}
    counted = latest(annotations)
    for one in counted:
        said[one.item].append(one)
    settled = {item: found for item, own in said.items() if (found := settle(own)) is not None}
    final = {item: found.outcome for item, found in settled.items() if found.how != "open"}
    first = {item: {one.person: one.outcome for one in own if not one.adjudication} for item, own in said.items()}
    return Review(
        annotations=tuple(counted),
        verdicts=tuple(_verdict(one, items[one.item], final.get(one.item)) for one in counted),
        settled=settled,
        final=final,
        to_adjudicate=tuple(item for item, found in settled.items() if found.how == "open"),
        incomplete=tuple(item for item in said if item not in settled),
        agreement=_agreement(first, seed),
        checks=_beside(items, final),
        disagreements=tuple(_unlike(item, items[item], outcome) for item, outcome in final.items() if _disagree(items[item], outcome)),
    )


def _verdict(one: Annotation, item: Mapping[str, Any], settled: str | None) -> Verdict:
    evidence = {"round": one.round, "note": one.note, "settled": settled or "open"}
    return Verdict(str(item["record"]), f"person:{one.person}", one.outcome, evidence)


def _agreement(first: Mapping[str, Mapping[str, str]], seed: int) -> Agreement:
    people = sorted({person for said in first.values() for person in said})
    return alpha_with_interval([[said.get(person) for said in first.values()] for person in people], seed=seed)


def _beside(items: Mapping[str, Mapping[str, Any]], final: Mapping[str, str]) -> tuple[CheckBesidePeople, ...]:
    names = sorted({name for item in items.values() for name in item["verdicts"]})
    decided = [(items[item], outcome) for item, outcome in final.items() if outcome != "undecided"]

    def share(check: str, said: str, people: str) -> Share | None:
        return _share([(item["weight"], outcome == people) for item, outcome in decided if item["verdicts"].get(check) == said])

    return tuple(CheckBesidePeople(name, share(name, "pass", "fail"), share(name, "fail", "pass")) for name in names)


def _share(rows: Sequence[tuple[float, bool]]) -> Share | None:
    if not rows:
        return None
    weights = [weight for weight, _ in rows]
    total = sum(weights)
    share = sum(weight for weight, flag in rows if flag) / total
    effective = total**2 / sum(weight**2 for weight in weights)  # Kish 1965
    low, high = _wilson(share, effective)
    return Share(sum(flag for _, flag in rows), len(rows), share, (low, high))


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's interval for a share of an effective number of items: between those of the whole numbers around it, the wider one."""
    whole = max(1, int(n))
    low, _ = wilson(int(share * whole), whole)
    _, high = wilson(min(whole, -int(-share * whole // 1)), whole)
    return min(low, share), max(high, share)


def _disagree(item: Mapping[str, Any], people: str) -> bool:
    return (item["outcome"], people) in {("accepted", "fail"), ("rejected", "pass")}


def _unlike(item: str, kept: Mapping[str, Any], people: str) -> dict[str, Any]:
    return {"item": item, "record": kept["record"], "decided": kept["outcome"], "by": kept["check"], "people": people}


def _number(value: float) -> float | None:
    return None if isnan(value) else value
