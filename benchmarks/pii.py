"""Recall and false alarms of `seodang.data.pii` on made-up personal data in 80 Korean and English sentences.

`python benchmarks/pii.py [--count 500] [--json]` takes about a minute on one core. A case is found where a span of the right kind from
confidence 0.5 on covers the value; a false alarm is any span from 0.5 on in a text without personal data. Intervals are Wilson's, 95 %.
Digits alone are counted apart. Where `presidio-analyzer` is installed, its Korean, phone, card and IP recognisers see the same texts (from
its own score of 0.4 on, and without its NLP engine, so without its words of the context).
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pii_material import Case, bare_negatives, negatives, positives
from seodang.data.pii.find import find
from seodang.pipeline.collect import machine
from seodang.statistics.intervals import wilson

SURE = 0.5
Found = Callable[[str], Sequence[tuple[str, int, int, str]]]


def own(text: str) -> list[tuple[str, int, int, str]]:
    """What seodang finds from confidence 0.5 on: kind, start, end and form."""
    return [(span.kind, span.start, span.end, span.form) for span in find(text) if span.confidence >= SURE]


def is_found(case: Case, spans: Iterable[tuple[str, int, int, str]]) -> bool:
    """Whether a span of the case's kind covers its value."""
    return any(kind == case.kind and start <= case.start and end >= case.end for kind, start, end, _ in spans)


def rate(count: int, total: int) -> dict[str, Any]:
    """A share with its interval."""
    low, high = wilson(count, total)
    return {"count": count, "of": total, "rate": round(count / total, 4), "low": round(low, 4), "high": round(high, 4)}


def recall(cases: Sequence[Case], look: Found) -> dict[str, Any]:
    """By form and kind: how many were found."""
    totals = Counter(f"{case.form}/{case.kind}" for case in cases)
    found = Counter(f"{case.form}/{case.kind}" for case in cases if is_found(case, look(case.text)))
    return {name: rate(found[name], total) for name, total in totals.items()}


def false_alarms(cases: Sequence[Case], look: Found, forms: Sequence[str]) -> dict[str, Any]:
    """By family and for all: texts without personal data in which a span of one of the forms was found."""
    alarms = Counter(case.kind for case in cases if any(form in forms for *_, form in look(case.text)))
    totals = Counter(case.kind for case in cases)
    return {"all": rate(sum(alarms.values()), len(cases)), **{name: rate(alarms[name], total) for name, total in totals.items()}}


def presidio() -> Found | None:
    """Presidio's recognisers for the same kinds, or None where it is not installed."""
    try:
        from presidio_analyzer import predefined_recognizers as kept  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    names = {"KR_RRN": "resident_number", "KR_FRN": "foreigner_number", "KR_PASSPORT": "passport", "KR_DRIVER_LICENSE": "driver_licence"}
    names |= {"KR_BRN": "business_number", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IP_ADDRESS": "ip_address"}
    recognisers = [
        kept.KrRrnRecognizer(),
        kept.KrFrnRecognizer(),
        kept.KrPassportRecognizer(),
        kept.KrDriverLicenseRecognizer(),
        kept.KrBrnRecognizer(),
        kept.PhoneRecognizer(supported_regions=("KR",)),
        kept.CreditCardRecognizer(),
        kept.IpRecognizer(),
    ]

    def look(text: str) -> list[tuple[str, int, int, str]]:
        results = [result for recogniser in recognisers for result in recogniser.analyze(text, recogniser.supported_entities, None) or ()]
        return [(names[result.entity_type], result.start, result.end, "any") for result in results if result.score >= 0.4]

    return look


def measure(count: int, seed: int = 7) -> dict[str, Any]:
    """`count` cases of each kind and form, and ten times as many that are none."""
    found, none, bare = list(positives(seed, count)), list(negatives(seed + 1, 10 * count)), list(bare_negatives(seed + 2, 10 * count))
    sure = [case for case in found if case.form != "bare"]
    texts = [case.text for case in found + none + bare]
    start = time.process_time()
    for text in texts:
        find(text)
    seconds = time.process_time() - start
    result: dict[str, Any] = {
        "machine": machine(),
        "seed": seed,
        "texts_per_cpu_s": round(len(texts) / seconds),
        "formatted_or_named": rate(sum(is_found(case, own(case.text)) for case in sure), len(sure)),
        "recall": recall(found, own),
        "false_alarms": false_alarms(none, own, ("formatted", "named", "spoken", "bare")),
        "bare_false_alarms": false_alarms(bare, own, ("formatted", "named", "spoken", "bare")),
    }
    if (second := presidio()) is not None:
        covered = [case for case in found if case.kind not in ("account", "email") and case.form != "spoken"]
        result["presidio"] = {
            "recall": recall(covered, second),
            "false_alarms": false_alarms(none, second, ("any",)),
            "bare_false_alarms": false_alarms(bare, second, ("any",)),
        }
    return result


def show(name: str, row: dict[str, Any]) -> None:
    """One line of a table."""
    print(f"{name:38} {row['count']:6}/{row['of']:<6} {row['rate']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="recall and false alarms of personal data")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    measured = measure(given.count)
    if given.json:
        print(json.dumps(measured, indent=1, ensure_ascii=False))
    else:
        for part, rows in {"seodang": measured, **({"presidio": measured["presidio"]} if "presidio" in measured else {})}.items():
            print(part)
            if "formatted_or_named" in rows:
                show("formatted, named or spoken", rows["formatted_or_named"])
            for group in ("recall", "false_alarms", "bare_false_alarms"):
                for name, row in rows[group].items():
                    show(f"{group}: {name}", row)
