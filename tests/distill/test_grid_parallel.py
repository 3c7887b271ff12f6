"""Two processes go through a grid together: they choose as one does, the first of them writes, and a finished rate is not trained again."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# One of the team's processes, as `torchrun` starts them.
MEMBER = """
import json, sys
from pathlib import Path
import torch
from kill_teaching import made_examples
from seodang.core.progress import Progress
from seodang.distill.grid import raise_best
from seodang.distill.parallel import joined
from seodang.distill.section import DistillSection
from seodang.distill.students.section import StudentSection

torch.set_num_threads(1)
start, folder = Path(sys.argv[1]), Path(sys.argv[2])
section = DistillSection(
    learning_rate=(1e-4, 3e-2, 3e-3), epochs=0.5, pack_tokens=96, packs_per_step=2, held_out=0.1, weight=0.5, precision="float32"
)
student = StudentSection(method="lora", rank=4, alpha=8, first_layer=1)
with joined() as team:
    for number in range(2):
        found = raise_best(
            start, folder, made_examples(), student, section, divergence="forward_kl", seed=1, progress=Progress("train"), team=team
        )
    if team.first:
        (folder / "found.json").write_text(json.dumps(found))
"""


def found_by(size: int, start: Path, folder: Path) -> dict[str, Any]:
    """What a team of that size ends with; it calls twice, the second time with every rate finished."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    folder.mkdir()
    members = []
    for rank in range(size):
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")])
        team = {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = {**os.environ, **team, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", MEMBER, str(start), str(folder)]
        members.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    told = [member.communicate(timeout=200)[0] for member in members]
    assert [member.returncode for member in members] == [0] * size, told
    return json.loads((folder / "found.json").read_text(encoding="utf-8"))


@pytest.mark.timeout(300)
def test_two_processes_choose_what_one_chooses(tiny_model_dir: Path, tmp_path: Path) -> None:
    one, two = (found_by(size, tiny_model_dir, tmp_path / f"team-of-{size}") for size in (1, 2))
    assert [row["chosen"] for row in two["grid"]] == [row["chosen"] for row in one["grid"]]
    for name in ("held_out_cross_entropy", "train_loss"):
        assert [row[name] for row in two["grid"]] == pytest.approx([row[name] for row in one["grid"]], abs=1e-4)
    assert len({row["held_out_cross_entropy"] for row in two["grid"]}) == 3
    assert (tmp_path / "team-of-2" / "checkpoint" / "model.safetensors").is_file()
