"""What benchmarks/dedup.py compares: the same job (read rows, find near duplicates, write the kept rows) done with four libraries.

`python benchmarks/dedup_contenders.py NAME SOURCE OUT` does it once and prints JSON: seconds, processor seconds, peak memory, removed rows.
All use 5-character shingles, 125 to 128 hash functions in 25 bands of 5, and threshold 0.8. datasketch and rensa only propose candidates,
so their users check these: here by exact Jaccard on Python sets, each row against the kept ones. datatrove does not check (as published);
its word tokenizer is replaced by 5-character shingles, without which it would solve another problem.
"""

import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from debian_documents import peak_mib  # noqa: E402
from seodang.data.dedup.rows_file import removed_path, write_without_duplicates  # noqa: E402

THRESHOLD, SIZE, BANDS, ROWS = 0.8, 5, 25, 5


def shingles(text: str) -> set[str]:
    """The truth's shingles, by the standard library alone."""
    folded = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return {folded[place : place + SIZE] for place in range(max(1, len(folded) - SIZE + 1))}


def seodang(source: Path, out: Path, workers: int) -> list[int]:
    """`seodang data dedup`."""
    write_without_duplicates(source, out, THRESHOLD, None, workers)
    with removed_path(out).open(encoding="utf-8") as file:
        return [json.loads(line)["line"] - 1 for line in file]


def datasketch(source: Path, out: Path) -> list[int]:
    """MinHash, MinHashLSH, exact Jaccard."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=128, params=(BANDS, ROWS))

    def query(number: int, found: set[str]) -> Iterable[int]:
        sketch = MinHash(128)
        sketch.update_batch([shingle.encode() for shingle in found])
        sketches[number] = sketch
        return cast(list[int], index.query(sketch))

    sketches: dict[int, Any] = {}
    return _keep_and_write(source, out, query, lambda number: index.insert(number, sketches.pop(number)))


def rensa(source: Path, out: Path) -> list[int]:
    """RMinHash, RMinHashLSH, exact Jaccard."""
    from rensa import RMinHash, RMinHashLSH  # pyright: ignore[reportAttributeAccessIssue]

    index = RMinHashLSH(THRESHOLD, BANDS * ROWS, BANDS)

    def query(number: int, found: set[str]) -> Iterable[int]:
        sketch = RMinHash(num_perm=BANDS * ROWS, seed=1)
        sketch.update(list(found))
        sketches[number] = sketch
        return index.query(sketch)

    sketches: dict[int, Any] = {}
    return _keep_and_write(source, out, query, lambda number: index.insert(number, sketches.pop(number)))


def datatrove(source: Path, out: Path, workers: int) -> list[int]:
    """Its four stages, on as many tasks as workers."""
    from datatrove.executor import LocalPipelineExecutor  # pyright: ignore[reportMissingImports]
    from datatrove.pipeline.dedup import minhash  # pyright: ignore[reportMissingImports]
    from datatrove.pipeline.readers import JsonlReader  # pyright: ignore[reportMissingImports]
    from datatrove.pipeline.writers import JsonlWriter  # pyright: ignore[reportMissingImports]

    minhash.load_word_tokenizer = lambda language: None
    config = minhash.MinhashConfig(n_grams=SIZE, num_buckets=BANDS, hashes_per_bucket=ROWS)
    folder = Path(tempfile.mkdtemp(prefix="datatrove-"))
    rows = source.read_text(encoding="utf-8").splitlines()
    parts = folder / "in"
    parts.mkdir()
    for part in range(workers):
        chosen = [json.loads(rows[number]) | {"id": str(number)} for number in range(part, len(rows), workers)]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chosen)
        (parts / f"{part:02d}.jsonl").write_text(text, encoding="utf-8")

    class CharacterSignature(minhash.MinhashDedupSignature):  # pyright: ignore[reportUntypedBaseClass]
        def get_shingles(self, text: str) -> Any:
            import numpy as np

            return np.fromiter((self._hash_func(one.encode()) for one in shingles(text)), np.uint64).reshape(-1, 1)

    names = [str(folder / name) for name in ("signatures", "buckets", "removed", "out")]
    reader = JsonlReader(str(parts), id_key="id")
    stages = [
        ([reader, CharacterSignature(names[0], config)], workers),
        ([minhash.MinhashDedupBuckets(names[0], names[1], config=config)], BANDS),
        ([minhash.MinhashDedupCluster(names[1], names[2], config=config)], 1),
        ([reader, minhash.MinhashDedupFilter(names[2]), JsonlWriter(names[3], compression=None)], workers),
    ]
    for place, (pipeline, tasks) in enumerate(stages):
        logs = str(folder / f"logs{place}")  # one folder each: a stage whose log says that it is complete is passed over
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, start_method="fork", logging_dir=logs).run()
    kept = {int(json.loads(line)["id"]) for path in Path(names[3]).glob("*.jsonl") for line in path.open(encoding="utf-8")}
    shutil.rmtree(folder)
    out.write_text("".join(rows[number] + "\n" for number in sorted(kept)), encoding="utf-8")
    return [number for number in range(len(rows)) if number not in kept]


def _keep_and_write(source: Path, out: Path, query: Callable[[int, set[str]], Iterable[int]], insert: Callable[[int], None]) -> list[int]:
    """One pass: a row that is as similar as the threshold to a kept candidate is removed. Sets are made anew for candidates."""
    lines = source.read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    removed: list[int] = []
    for number, text in enumerate(texts):
        found = shingles(text)
        if any(_jaccard(found, shingles(texts[other])) >= THRESHOLD for other in query(number, found)):
            removed.append(number)
        else:
            insert(number)
    gone = set(removed)
    out.write_text("".join(line + "\n" for number, line in enumerate(lines) if number not in gone), encoding="utf-8")
    return removed


def _jaccard(first: set[str], second: set[str]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


CONTENDERS: dict[str, Callable[[Path, Path], list[int]]] = {
    "seodang, 1 process": lambda source, out: seodang(source, out, 1),
    "seodang, 2 workers": lambda source, out: seodang(source, out, 2),
    "rensa": rensa,
    "datasketch": datasketch,
    "datatrove": lambda source, out: datatrove(source, out, 2),
}
MODULES = {"rensa": "rensa", "datasketch": "datasketch", "datatrove": "datatrove"}


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def main(arguments: Sequence[str]) -> None:
    """Does the job once; the time includes reading and writing, not the start of Python."""
    name, source, out = arguments
    begun, processor = time.perf_counter(), time.process_time()
    removed = CONTENDERS[name](Path(source), Path(out))
    seconds = time.perf_counter() - begun
    for child in multiprocessing.active_children():
        child.join()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = {
        "seconds": seconds,
        "processor_s": time.process_time() - processor + children.ru_utime + children.ru_stime,
        "peak_mib": peak_mib(),
        "removed": removed,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
