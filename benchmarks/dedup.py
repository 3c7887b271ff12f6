"""Near duplicates of real documents, end to end, beside rensa, datasketch and datatrove, against the exact truth.

    python benchmarks/dedup.py [--json] [--documents 13000] [--rounds 3] [--sweep 1000 10000 100000] [--cache FOLDER] [--out FILE]

Documents are sections of about 900 characters of Debian manuals, mostly Korean (benchmarks/debian_documents.py), with 2,000 copies of which
2, 5 and 10 % of the words are replaced. Rounds go through all contenders in turn, each in a process of its own; rates are medians with
their range, ratios are medians of the rounds' ratios. The truth is the exact Jaccard of 5-character shingles, by the standard library: of
every planted pair, and of all pairs of a subset. A pair is found where not both of its rows are kept; a removal is right where some other
row is as similar as the threshold. `--sweep` measures growth and memory of seodang alone.
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

import debian_documents  # noqa: E402
import dedup_contenders  # noqa: E402
from dedup_contenders import CONTENDERS, MODULES, THRESHOLD, shingles  # noqa: E402
from seodang.core.errors import InputError  # noqa: E402
from seodang.pipeline.collect import machine  # noqa: E402

PLANTED, SHARES = 2_000, (0.02, 0.05, 0.10)
OURS_ALL = ("seodang, 1 process", "seodang, 2 workers")
OURS = OURS_ALL[0]
SUBSET = 3_000  # rows of the all-pairs truth
SLOW = {"datatrove"}  # measured once, on the subset alone


def main() -> int:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--documents", type=int, default=13_000, help="real documents before planting (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sweep", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="documents of the sweep of sizes")
    parser.add_argument("--cache", type=Path, default=debian_documents.CACHE, help="folder of the documents (default %(default)s)")
    parser.add_argument("--out", type=Path, help="write the JSON to a file too")
    options = parser.parse_args()
    try:
        texts = debian_documents.sections(max([options.documents, *options.sweep]), options.cache)
    except InputError as error:
        return debian_documents.unavailable(error)
    with tempfile.TemporaryDirectory(prefix="seodang-dedup-") as folder:
        report = measure(texts, options.documents, options.rounds, options.sweep, Path(folder))
    text = json.dumps({"machine": machine(), **report}, indent=2, ensure_ascii=False)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text if options.json else table(report))
    return 0


def measure(texts: Sequence[str], count: int, rounds: int, sweep: Sequence[int], folder: Path) -> dict[str, Any]:
    """Rounds on the planted documents, quality, and the sweep."""
    rows, planted = plant(texts[:count])
    source = _written(folder / "planted.jsonl", rows)
    installed = [name for name in CONTENDERS if name not in MODULES or find_spec(MODULES[name])]
    taking_part = [name for name in installed if name not in SLOW]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in taking_part}
    for _ in range(rounds):
        for name in taking_part:
            runs[name].append(run(name, source, folder))
    similar = [_jaccard(rows[first], rows[second]) >= THRESHOLD for first, second in planted]
    pairs = [pair for pair, flag in zip(planted, similar, strict=True) if flag]
    subset, near = subset_truth(rows, planted)
    small = _written(folder / "subset.jsonl", [rows[place] for place in subset])
    on_subset = {name: run(name, small, folder) for name in installed}
    contenders = {
        name: {
            **(rates(runs[name], len(rows), runs[OURS]) if name in runs else rates([on_subset[name]], len(subset), [on_subset[OURS]])),
            "documents": len(rows) if name in runs else len(subset),
            "planted_recall": found_share(pairs, runs[name][0]["removed"]) if name in runs else None,
            **subset_quality(near, on_subset[name]["removed"]),
        }
        for name in installed
    }
    return {
        "documents": len(rows),
        "mean_characters": statistics.fmean(map(len, rows)),
        "planted_pairs": len(planted),
        "planted_pairs_at_threshold": len(pairs),
        "subset_documents": len(subset),
        "subset_pairs_at_threshold": len(near),
        "threshold": THRESHOLD,
        "contenders": contenders | {name: "not installed" for name in CONTENDERS if name not in installed},
        "sweep": sweep_sizes(texts, sweep, folder),
    }


def plant(texts: Sequence[str]) -> tuple[list[str], list[tuple[int, int]]]:
    """The texts and their edited copies in a shuffled order, and the places of each original and its copy."""
    draw = random.Random(20260101)
    words = [word for text in draw.sample(list(texts), min(500, len(texts))) for word in text.split()]
    rows = list(texts)
    pairs: list[tuple[int, int]] = []
    for number, original in enumerate(draw.sample(range(len(texts)), min(PLANTED, len(texts) // 4))):
        copied = texts[original].split(" ")
        for place in draw.sample(range(len(copied)), max(1, round(SHARES[number % len(SHARES)] * len(copied)))):
            copied[place] = draw.choice(words)
        pairs.append((original, len(rows)))
        rows.append(" ".join(copied))
    order = list(range(len(rows)))
    draw.shuffle(order)
    place_of = {row: place for place, row in enumerate(order)}
    return [rows[row] for row in order], [(place_of[first], place_of[second]) for first, second in pairs]


def run(name: str, source: Path, folder: Path) -> dict[str, Any]:
    """One contender in a fresh process."""
    command = [sys.executable, dedup_contenders.__file__, name, str(source), str(folder / "kept.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{name} ended with {done.returncode}: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def rates(found: Sequence[dict[str, Any]], count: int, ours: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Documents a second (median, least, most), processor seconds, memory, and how many times as fast seodang is."""
    per_s = [count / one["seconds"] for one in found]
    times = [theirs["seconds"] / mine["seconds"] for theirs, mine in zip(found, ours, strict=True)]
    return {
        "documents_per_s": statistics.median(per_s),
        "range": [min(per_s), max(per_s)],
        "documents_per_processor_s": count / statistics.median(one["processor_s"] for one in found),
        "times_ours": statistics.median(times),
        "times_ours_range": [min(times), max(times)],
        "peak_mib": max(one["peak_mib"] for one in found),
        "removed": len(found[0]["removed"]),
    }


def subset_truth(rows: Sequence[str], planted: Sequence[tuple[int, int]]) -> tuple[list[int], list[tuple[int, int]]]:
    """Rows of a subset that has planted pairs, and all of its pairs at the threshold, by places in the subset."""
    import numpy as np
    from scipy.sparse import csr_array

    half = [place for pair in planted[: SUBSET // 6] for place in pair]
    subset = sorted({*half, *random.Random(7).sample(range(len(rows)), min(len(rows), SUBSET - len(half)))})
    numbers: dict[str, int] = {}
    sets = [shingles(rows[place]) for place in subset]
    columns = [numbers.setdefault(one, len(numbers)) for found in sets for one in found]
    sizes = np.asarray([len(found) for found in sets])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array((np.ones(len(columns), np.int32), columns, starts), shape=(len(sets), len(numbers)))
    shared = (matrix @ matrix.T).tocoo()
    similar = shared.data >= THRESHOLD * (sizes[shared.row] + sizes[shared.col] - shared.data) - 1e-9
    chosen = similar & (shared.row < shared.col)
    return subset, list(zip(shared.row[chosen].tolist(), shared.col[chosen].tolist(), strict=True))


def subset_quality(near: Sequence[tuple[int, int]], removed: Sequence[int]) -> dict[str, Any]:
    """Recall and precision against all pairs at the threshold."""
    in_some_pair = {place for pair in near for place in pair}
    right = sum(place in in_some_pair for place in removed)
    return {
        "subset_recall": found_share(near, removed),
        "subset_precision": right / len(removed) if removed else None,
        "subset_removed": len(removed),
    }


def found_share(pairs: Sequence[tuple[int, int]], removed: Sequence[int]) -> float:
    """The share of pairs of which not both rows are kept."""
    gone = set(removed)
    return sum(first in gone or second in gone for first, second in pairs) / max(1, len(pairs))


def sweep_sizes(texts: Sequence[str], sizes: Sequence[int], folder: Path) -> dict[str, Any]:
    """Seodang on ever more documents: rate, memory, and the exponent of a line through the logarithms of size and time, of all sizes and of
    those from 10,000 (below, the start of processes is most of the time)."""
    rows: list[dict[str, Any]] = []
    for size in sorted({min(size, len(texts)) for size in sizes}):
        source = _written(folder / "sweep.jsonl", texts[:size])
        for name in OURS_ALL:
            found = run(name, source, folder)
            told = {name: found[name] for name in ("seconds", "processor_s", "peak_mib")}
            rows.append(
                {"documents": size, "contender": name, "documents_per_s": size / found["seconds"], **told, "removed": len(found["removed"])}
            )
    alone = [row for row in rows if row["contender"] == OURS_ALL[0]]
    large = [row for row in alone if row["documents"] >= 10_000]
    return {"rows": rows, "exponent": _slope(alone), "exponent_from_10000": _slope(large)}


def _slope(rows: Sequence[dict[str, Any]]) -> float | None:
    if len(rows) < 2:
        return None
    sizes, seconds = ([math.log(row[name]) for row in rows] for name in ("documents", "seconds"))
    return statistics.linear_regression(sizes, seconds).slope


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{report['documents']} documents of {report['mean_characters']:.0f} characters, {report['planted_pairs_at_threshold']} of "
        f"{report['planted_pairs']} planted pairs at Jaccard {report['threshold']}; subset of {report['subset_documents']} with "
        f"{report['subset_pairs_at_threshold']} pairs",
        f"{'':<20}{'docs/s':>8}{'least':>8}{'most':>8}{'times ours':>12}{'peak MiB':>10}{'planted':>9}{'recall':>8}{'precision':>11}",
    ]
    for name, row in report["contenders"].items():
        if isinstance(row, str):
            lines.append(f"{name:<20}{row}")
            continue
        planted = "" if row["planted_recall"] is None else f"{row['planted_recall']:.4f}"
        lines.append(
            f"{name:<20}{row['documents_per_s']:>8,.0f}{row['range'][0]:>8,.0f}{row['range'][1]:>8,.0f}{row['times_ours']:>12.2f}"
            f"{row['peak_mib']:>10,.0f}{planted:>9}{row['subset_recall']:>8.4f}{row['subset_precision']:>11.4f}"
        )
    for row in report["sweep"]["rows"]:
        lines.append(
            f"{row['contender']} on {row['documents']:>7,}: {row['documents_per_s']:>7,.0f} docs/s, {row['seconds']:.2f} s, "
            f"peak {row['peak_mib']:,.0f} MiB, {row['removed']} removed"
        )
    exponents = [report["sweep"][name] for name in ("exponent", "exponent_from_10000")]
    lines.append("one process: time grows with documents to the power of {:.2f}, from 10,000 documents of {:.2f}".format(*exponents))
    return "\n".join(lines)


def _written(path: Path, texts: Sequence[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")
    return path


def _jaccard(first: str, second: str) -> float:
    one, other = shingles(first), shingles(second)
    return len(one & other) / len(one | other)


if __name__ == "__main__":
    raise SystemExit(main())
