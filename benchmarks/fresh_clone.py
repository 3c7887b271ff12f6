"""Clones this checkout's last commit into a new folder and runs `make demo` there, twice: how long, how silent, how much memory, how good.

    python benchmarks/fresh_clone.py [--folder FOLDER] [--out benchmarks/results/telecom_demo.json]

The second run must compute nothing. Without --folder the clone is removed afterwards. Only the standard library is needed.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
KEPT = ("arms", "paired", "general", "data", "export", "seconds", "versions", "machine")


def resident_bytes(root_pid: int) -> int:
    """Resident memory of a process and all of its descendants, from /proc."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines() if ":" in line)
        except OSError:  # it ended meanwhile
            continue
        pid = int(status.parent.name)
        parents[pid] = int(fields["PPid"])
        sizes[pid] = int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
    family = {root_pid}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        grown = bool(more)
        family |= more
    return sum(sizes.get(pid, 0) for pid in family)


def watched(command: list[str], folder: Path) -> dict[str, Any]:
    """Runs a command and measures its wall time, the longest silence between two lines, and the peak memory of all its processes."""
    started = last = time.monotonic()
    silence = 0.0
    peak = 0
    done = threading.Event()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def poll() -> None:
        nonlocal peak
        while not done.wait(2.0):
            peak = max(peak, resident_bytes(process.pid))

    thread = threading.Thread(target=poll)
    thread.start()
    assert process.stdout is not None
    for line in process.stdout:
        silence, last = max(silence, time.monotonic() - last), time.monotonic()
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
    code = process.wait()
    done.set()
    thread.join()
    return {"command": " ".join(command), "exit_code": code, "wall_s": round(time.monotonic() - started, 1),
            "longest_silence_s": round(silence, 1), "peak_bytes": peak}  # fmt: skip


def processor() -> str:
    """The processor's name, as the kernel tells it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def measure(folder: Path) -> dict[str, Any]:
    """Both runs of `make demo` in a clone at `folder`, and the first one's results."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    first = watched(["make", "demo"], folder)
    second = watched(["make", "demo"], folder) if first["exit_code"] == 0 else None
    path = folder / "runs" / "telecom_demo" / "report.json"
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        "command": "python benchmarks/fresh_clone.py",
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "processor": processor(),
        "python": platform.python_version(),
        "first_run": first,
        "second_run": second,
        **{key: report[key] for key in KEPT if key in report},
    }


def main() -> None:
    """Prints both runs and writes them, with the report's numbers, to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "telecom_demo.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = measure(options.folder or Path(temporary) / "seodang")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: found[key] for key in ("first_run", "second_run")}, indent=1))
    sys.exit(bool(found["first_run"]["exit_code"]))


if __name__ == "__main__":
    main()
