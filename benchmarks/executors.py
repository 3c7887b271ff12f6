"""The same verification by every executor: equal shards, and how long each takes.

    python benchmarks/executors.py [--records 4000] [--repeats 3] [--no-ray] [--out FILE]

Times are of one machine and hold opening the executor. Ray is started on this machine; `docs/data.md` says how it is pointed at a cluster.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data_project import hashed_files, verify_project
from seodang.core.files import write_json
from seodang.data.engine.open import open_executor
from seodang.data.verify.section import VerifySection
from seodang.pipeline.collect import machine

_CHECKS = ("well_formed", "grounded", "second_answer", "decontaminated")  # those that can move to other processes
_KINDS = [("local", 1), ("local", 2), ("local", 4), ("ray", 2)]


def verified(name: str, workers: int, num_records: int) -> tuple[float, dict[str, bytes]]:
    """How many seconds a verification by that executor takes, and the bytes of its shards and decisions."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, started = Path(temporary) / "project", time.monotonic()
        verify_project(
            folder,
            open_executor(name, workers),
            num_records=num_records,
            num_passages=num_records,
            group=128,
            section=VerifySection(checks=_CHECKS),
        )
        return time.monotonic() - started, hashed_files(folder)


def main() -> None:
    """Prints a line for each executor and ends with 1 where shards differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    options = parser.parse_args()
    before = os.getloadavg()
    expected: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    for name, workers in _KINDS[: 3 if options.no_ray else None]:
        seconds: list[float] = []
        identical = True
        for _ in range(options.repeats):
            took, found = verified(name, workers, options.records)
            seconds.append(round(took, 2))
            expected = expected or found
            identical = identical and found == expected
        row = {"executor": name, "workers": workers, "median_s": statistics.median(seconds), "seconds": seconds}
        rows.append({**row, "num_files": len(expected), "identical": identical})
        same = f"{len(expected)} files {'identical' if identical else 'DIFFERENT'}"
        spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
        print(f"{name} {workers}: median {row['median_s']:.1f} s ({spread}, n = {len(seconds)}), {same}", flush=True)
    if options.out:
        load = {"load_before": before, "load_after": os.getloadavg()}
        versions = {"pyarrow": version("pyarrow")} | ({} if options.no_ray else {"ray": version("ray")})
        told = {"machine": machine(), "command": " ".join(["python", *sys.argv]), **load, "versions": versions}
        write_json(options.out, {**told, "synthetic": True, "records": options.records, "executors": rows})
    sys.exit(not all(row["identical"] for row in rows))


if __name__ == "__main__":
    main()
