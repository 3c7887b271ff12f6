"""The same verification by every executor: equal shards, and how long each takes.

    python benchmarks/executors.py [--records 4000] [--repeats 3] [--no-ray]

Times are of one machine and hold opening the executor. Ray is started on this machine; `docs/data.md` says how it is pointed at a cluster.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from data_project import hashed_files, verify_project
from seodang.data.engine.open import open_executor
from seodang.data.verify.section import VerifySection

_CHECKS = ("well_formed", "grounded", "second_answer", "decontaminated")  # those that can move to other processes
_KINDS = [("local", 1), ("local", 2), ("local", 4), ("ray", 2)]


def main() -> None:
    """Prints a line for each executor and ends with 1 where shards differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-ray", action="store_true")
    options = parser.parse_args()
    expected: dict[str, bytes] = {}
    found: dict[str, bytes] = {}
    wrong = False
    for name, workers in _KINDS[: 3 if options.no_ray else None]:
        seconds: list[float] = []
        for _ in range(options.repeats):
            with tempfile.TemporaryDirectory() as temporary:
                folder, started = Path(temporary) / "project", time.monotonic()
                verify_project(
                    folder,
                    open_executor(name, workers),
                    num_records=options.records,
                    num_passages=options.records,
                    group=128,
                    section=VerifySection(checks=_CHECKS),
                )
                seconds.append(time.monotonic() - started)
                found = hashed_files(folder)
            expected = expected or found
            wrong = wrong or found != expected
        same = "identical" if found == expected else "DIFFERENT"
        spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
        print(f"{name} {workers}: median {statistics.median(seconds):.1f} s ({spread}, n = {len(seconds)}), {len(found)} files {same}")
    sys.exit(wrong)


if __name__ == "__main__":
    main()
