"""A capture that is killed at random points ends with the cache of an unbroken one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from seodang.core.files import read_json_lines

ROOT = Path(__file__).parents[3]
# One process imports what is needed and forks the captures, before it has any thread. The teacher's pauses give a kill something to hit.
KILLS = """
import os, random, signal, sys, time
from pathlib import Path
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.distill.section import TargetsSection
from seodang.distill.targets import capture as module
from seodang.distill.targets.cache import TargetCache
from seodang.models.local import LocalModel

module._SEQUENCES_A_SHARD = 2
model, whole, killed, num_kills = *map(Path, sys.argv[1:4]), int(sys.argv[4])

class Slow(Progress):
    def advance(self, count=1, note=None):
        super().advance(count, note)
        time.sleep(0.08)

def work(folder):
    teacher = LocalModel(model, dtype="float32", synthetic=True)
    section = TargetsSection(codec="head_and_sampled", draws=6)
    records = [Record("know", f"Question {n}?", f"line {n} is suspended", ("p",), "en") for n in range(30)]
    passages = {"p": Passage("policy.md", 0, 5, "- x", "Lines", "Rules:", "a line can be suspended", "en", "MIT")}
    plan = module.lessons(teacher, records, passages, {"know": "{passages} {question}"}, section)
    module.capture(teacher, plan, section, TargetCache(folder, teacher.identity), Slow("targets"))

def start(folder):
    child = os.fork()
    if child == 0:
        work(folder)
        os._exit(0)
    return child

def num_shards():
    return len(list(killed.glob("*.safetensors")))

assert os.waitpid(start(whole), 0)[1] == 0
draw, hits = random.Random(0), 0
for number in range(num_kills):
    child, more = start(killed), num_shards() + draw.randint(0, 2)
    while num_shards() < more and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(draw.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    hits += os.WIFSIGNALED(os.waitpid(child, 0)[1])
assert os.waitpid(start(killed), 0)[1] == 0
print(hits)
"""


def test_five_kills_leave_no_trace(tiny_model_dir: Path, tmp_path: Path) -> None:
    """Five captures into one folder, killed at random points of their work, and a sixth that ends, give the files of an unbroken one."""
    paths = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    folders = [tmp_path / "whole", tmp_path / "killed"]
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(tiny_model_dir), *map(str, folders), "5"],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 3
    rows = [read_json_lines(folder / "index.jsonl") for folder in folders]
    assert rows[0] == rows[1]
    keys = [key for row in rows[1] for key in row["value"]["keys"]]
    assert len(keys) == len(set(keys)) == 30
    for row in rows[0]:
        one, other = (load_file(folder / f"{row['unit']}.safetensors") for folder in folders)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[part], other[part]) for part in one)
    certificates = [(folder / "certificate.json").read_bytes() for folder in folders]
    assert certificates[0] == certificates[1]
