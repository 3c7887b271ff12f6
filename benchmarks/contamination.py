"""Scan of real documents against an exam: rate, recall of planted items, and what is flagged in untouched documents.

    python benchmarks/contamination.py [--json] [--documents 100000] [--items 1000] [--rounds 3] [--cache FOLDER] [--out FILE]

Documents are sections of Debian manuals (benchmarks/debian_documents.py). The exam is sentences of sections that are then taken out, and
whole sections, all of the first 13,000 documents, half of which are Korean. Items are planted verbatim as rows of their own, inside a long
page, and, the Korean ones, in wide letters, with other spaces and decomposed; and parts of long items as rows of their own. What is flagged
in untouched documents is judged by sets of strings (`untouched`). Beside it a plain Python index of 8-character n-grams, which looks for
items inside of rows alone. Each contender runs in a process of its own and in turn; a rate includes reading the rows. Rates are medians
with their range.
"""

import argparse
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

import debian_documents  # noqa: E402
from seodang.core.errors import InputError  # noqa: E402
from seodang.data.contamination.index import ExamItem, build_index  # noqa: E402
from seodang.data.contamination.scan import scan_lines  # noqa: E402
from seodang.data.lines_file import LinesFile  # noqa: E402
from seodang.data.row_text import parts_of_row  # noqa: E402
from seodang.pipeline.collect import machine  # noqa: E402

EACH = 200  # planted items of each kind
EXAM_FROM = 13_000  # documents, the first ones
SIZE = 8  # characters of the plain index
_SENTENCE = re.compile(r"(?<=[.?!다])\s+|\n")


def main() -> int:
    """Measures, and prints a table or JSON."""
    if sys.argv[1:2] == ["--once"]:
        return once(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=debian_documents.CACHE, help="folder of the documents (default %(default)s)")
    parser.add_argument("--out", type=Path, help="write the JSON to a file too")
    options = parser.parse_args()
    try:
        texts = debian_documents.sections(options.documents, options.cache)
    except InputError as error:
        return debian_documents.unavailable(error)
    with tempfile.TemporaryDirectory(prefix="seodang-scan-") as folder:
        report = measure(texts, options.items, options.rounds, Path(folder))
    text = json.dumps({"machine": machine(), **report}, indent=2, ensure_ascii=False)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text if options.json else table(report))
    return 0


def measure(texts: Sequence[str], num_items: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Plants, scans in turn, and counts what was found."""
    rest, items = take_exam(texts[:EXAM_FROM], num_items)
    rest += texts[EXAM_FROM:]
    rows, planted = plant(rest, items)
    source = _written(folder / "rows.jsonl", [{"text": row} for row in rows])
    exam = _written(folder / "exam.jsonl", [{"question": item} for item in items])
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            done = subprocess.run([sys.executable, __file__, "--once", name, str(source), str(exam)], capture_output=True, text=True)
            if done.returncode:
                raise InputError(f"{name} ended with {done.returncode}: {done.stderr[-500:]}")
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    ours = runs["seodang, 1 process"]
    contenders: dict[str, Any] = {}
    for name, found in runs.items():
        flagged = {(row, item) for row, item in found[0]["found"]}
        per_s = [len(rows) / one["seconds"] for one in found]
        times = [theirs["seconds"] / mine["seconds"] for theirs, mine in zip(found, ours, strict=True)]
        contenders[name] = {
            "documents_per_s": statistics.median(per_s),
            "range": [min(per_s), max(per_s)],
            "documents_per_processor_s": len(rows) / statistics.median(one["processor_s"] for one in found),
            "index_s": statistics.median(one["index_s"] for one in found),
            "times_ours": statistics.median(times),
            "times_ours_range": [min(times), max(times)],
            "peak_mib": max(one["peak_mib"] for one in found),
            "recall": {kind: sum(pair in flagged for pair in pairs) / len(pairs) for kind, pairs in planted.items()},
            **untouched(rows, items, flagged, {row for pairs in planted.values() for row, _ in pairs}),
        }
    return {
        "documents": len(rows),
        "mean_characters": statistics.fmean(map(len, rows)),
        "items": len(items),
        "planted": {kind: len(pairs) for kind, pairs in planted.items()},
        "contenders": contenders,
    }


def take_exam(texts: Sequence[str], count: int) -> tuple[list[str], list[str]]:
    """The sections that are left, and the items: one sentence of each section that is taken out, and every fifth a whole section. A
    sentence that stands in several sections is no item."""
    draw = random.Random(20260102)
    counts = Counter(sentence for text in texts for sentence in set(_sentences(text)))
    items: dict[str, None] = {}
    taken: set[int] = set()
    for place in draw.sample(range(len(texts)), len(texts)):
        if len(items) >= count:
            break
        sentences = [sentence for sentence in _sentences(texts[place]) if counts[sentence] == 1]
        long = sentences and len(items) % 5 == 0
        if sentences:
            items[texts[place] if long else draw.choice(sentences)] = None
            taken.add(place)
    return [text for place, text in enumerate(texts) if place not in taken], list(items)


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in map(str.strip, _SENTENCE.split(text)) if 40 <= len(sentence) <= 200]


def plant(texts: Sequence[str], items: Sequence[str]) -> tuple[list[str], dict[str, list[tuple[int, int]]]]:
    """The rows in a shuffled order, and for each kind of planting the pairs of row and item."""
    draw = random.Random(20260103)
    short = [number for number, item in enumerate(items) if len(item) <= 200]
    korean = [number for number in short if sum("가" <= letter <= "힣" for letter in items[number]) >= 15]
    long = [number for number, item in enumerate(items) if len(item) > 400]
    rows = list(texts)
    pairs: list[tuple[str, int, int]] = []

    def add(kind: str, numbers: Sequence[int], change: Callable[[str], str]) -> None:
        for number in draw.sample(numbers, min(EACH, len(numbers))):
            pairs.append((kind, len(rows), number))
            rows.append(change(items[number]))

    def inside(item: str) -> str:
        return "\n".join([*draw.sample(texts, 4), item, *draw.sample(texts, 4)])

    add("verbatim", short, str)
    add("inside a long page", short, inside)
    add("wide letters, inside a page", korean, lambda item: inside(_wide(item)))
    add("without spaces", korean, lambda item: re.sub(r"\s", "", item))
    add("spaces at random", korean, lambda item: "".join(letter + " " * (draw.random() < 0.2) for letter in re.sub(r"\s", "", item)))
    add("decomposed", korean, lambda item: unicodedata.normalize("NFD", item))
    add("a part of a long item", long, lambda item: item[(start := draw.randrange(len(item) // 2)) : start + 150])
    order = draw.sample(range(len(rows)), len(rows))
    place_of = {row: place for place, row in enumerate(order)}
    planted: dict[str, list[tuple[int, int]]] = {}
    for kind, row, number in pairs:
        planted.setdefault(kind, []).append((place_of[row], number))
    return [rows[row] for row in order], planted


def untouched(rows: Sequence[str], items: Sequence[str], flagged: set[tuple[int, int]], planted: set[int]) -> dict[str, Any]:
    """How many untouched rows are flagged, and for what share of these pairs a set of strings says so too: half of the n-grams
    (8 characters without spaces and marks) of the item are in the row, or half of the row's are in the item."""
    pairs = [(row, item) for row, item in flagged if row not in planted]
    right = 0
    for row, item in pairs:
        one, other = _grams(items[item]), _grams(rows[row])
        right += len(one & other) >= 0.5 * min(len(one), len(other))
    return {
        "untouched_rows": len(rows) - len(planted),
        "untouched_flagged": len({row for row, _ in pairs}),
        "precision_on_untouched": right / len(pairs) if pairs else None,
    }


def seodang(source: Path, exam: Path, workers: int) -> tuple[float, list[tuple[int, int]]]:
    """`seodang data scan`: the seconds of the index, and the pairs of row and item."""
    begun = time.perf_counter()
    with LinesFile(exam) as exam_lines, LinesFile(source) as lines:
        index = build_index([ExamItem(*parts_of_row(exam_lines.row(place), "")) for place in range(len(exam_lines))])
        index_s = time.perf_counter() - begun
        return index_s, [(place, one.item) for place, found in enumerate(scan_lines(lines, index, workers=workers)) for one in found]


def plain_python(source: Path, exam: Path) -> tuple[float, list[tuple[int, int]]]:
    """A dictionary of the items' n-grams, looked up with each n-gram of each row: items inside of rows alone."""
    begun = time.perf_counter()
    holders: dict[str, list[int]] = {}
    sizes: list[int] = []
    with exam.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            grams = _grams(json.loads(line)["question"])
            sizes.append(max(1, len(grams)))
            for gram in grams:
                holders.setdefault(gram, []).append(number)
    index_s = time.perf_counter() - begun
    found: list[tuple[int, int]] = []
    with source.open(encoding="utf-8") as file:
        for row, line in enumerate(file):
            counts: dict[int, int] = {}
            for gram in _grams(json.loads(line)["text"]) & holders.keys():
                for item in holders[gram]:
                    counts[item] = counts.get(item, 0) + 1
            found += [(row, item) for item, count in counts.items() if count >= 0.5 * sizes[item]]
    return index_s, found


CONTENDERS: dict[str, Callable[[Path, Path], tuple[float, list[tuple[int, int]]]]] = {
    "seodang, 1 process": lambda source, exam: seodang(source, exam, 1),
    "seodang, 2 workers": lambda source, exam: seodang(source, exam, 2),
    "plain Python": plain_python,
}


def once(name: str, source: Path, exam: Path) -> int:
    """One contender in this process; prints JSON."""
    begun, processor = time.perf_counter(), time.process_time()
    index_s, found = CONTENDERS[name](source, exam)
    seconds = time.perf_counter() - begun
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = time.process_time() - processor + children.ru_utime + children.ru_stime
    print(
        json.dumps({"seconds": seconds, "processor_s": spent, "index_s": index_s, "peak_mib": debian_documents.peak_mib(), "found": found})
    )
    return 0


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"{report['documents']} documents of {report['mean_characters']:.0f} characters against {report['items']} items"]
    for name, row in report["contenders"].items():
        precision = "none" if row["precision_on_untouched"] is None else f"{row['precision_on_untouched']:.4f}"
        lines.append(
            f"{name:<20}{row['documents_per_s']:>9,.0f} docs/s ({row['range'][0]:,.0f} to {row['range'][1]:,.0f}), {row['times_ours']:.2f} "
            f"times ours, peak {row['peak_mib']:,.0f} MiB; {row['untouched_flagged']} of {row['untouched_rows']} untouched rows flagged, "
            f"precision {precision}"
        )
        lines += [f"    {kind:<30}recall {share:.4f} of {report['planted'][kind]}" for kind, share in row["recall"].items()]
    return "\n".join(lines)


def _grams(text: str) -> set[str]:
    plain = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).casefold())
    return {plain[place : place + SIZE] for place in range(max(1, len(plain) - SIZE + 1))}


def _wide(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else "\u3000" if letter == " " else letter for letter in text)


def _written(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


if __name__ == "__main__":
    raise SystemExit(main())
