"""Two processes go through a grid together: they choose as one does, the first of them writes, and a finished rate is not trained again."""

import json
from pathlib import Path

import pytest

from teams import run_script

# A team of one and a team of two; each calls twice, the second time with every rate finished.
TEAMS = """
import json, sys
from functools import partial
from pathlib import Path
import torch
from kill_teaching import made_examples
from seodang.core.progress import Progress
from seodang.distill.grid import raise_best
from seodang.distill.parallel import joined
from seodang.distill.section import DistillSection
from seodang.distill.students.section import StudentSection
from teams import load_libraries, run_team

def work(start, folder):
    torch.set_num_threads(1)
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

start, root = map(Path, sys.argv[1:])
load_libraries(start)
for size in (1, 2):
    (root / str(size)).mkdir()
    run_team(size, partial(work, start, root / str(size)))
"""


@pytest.mark.timeout(300)
def test_two_processes_choose_what_one_chooses(tiny_model_dir: Path, tmp_path: Path) -> None:
    run_script(TEAMS, tiny_model_dir, tmp_path)
    one, two = (json.loads((tmp_path / size / "found.json").read_text(encoding="utf-8")) for size in ("1", "2"))
    assert [row["chosen"] for row in two["grid"]] == [row["chosen"] for row in one["grid"]]
    for name in ("held_out_cross_entropy", "train_loss"):
        assert [row[name] for row in two["grid"]] == pytest.approx([row[name] for row in one["grid"]], abs=1e-4)
    assert len({row["held_out_cross_entropy"] for row in two["grid"]}) == 3
    assert (tmp_path / "2" / "checkpoint" / "model.safetensors").is_file()
