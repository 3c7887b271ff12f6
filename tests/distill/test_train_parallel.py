"""Two processes that train one student find what one process finds, and the same each time."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from seodang.core.errors import InputError
from seodang.distill.parallel import Team
from teams import run_script

CASES: dict[str, dict[str, Any]] = {
    "a head of its own": {"packs_per_step": 2, "own_head": True, "held_out": 0.0},
    "uneven packs": {"packs_per_step": 3, "pack_tokens": 64, "patience": 5, "evaluations": 100},
    "lora above": {"packs_per_step": 2, "first_layer": 1, "gradient_checkpointing": True, "learning_rate": 1e-2},
}
NUM_STEPS = 5
# One process imports what is needed, and forks teams.
TEAMS = """
import json, sys
from functools import partial
from pathlib import Path
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from kill_teaching import made_examples
from seodang.core.progress import Progress
from seodang.distill.students.lora import add_lora
from seodang.distill.losses.forward_kl import divergence
from seodang.distill.parallel import joined
from seodang.distill.train_section import TrainSection
from seodang.distill.train import Trainer
from teams import load_libraries, run_team

class CutError(Exception):
    pass

class Cut(Progress):
    def advance(self, count=1, note=None):
        super().advance(count, note)
        if self.done == 3:
            raise CutError

def train(start, settings, folder, cut):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    given = dict(settings)
    first_layer, own_head = given.pop("first_layer", None), given.pop("own_head", False)
    model = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32, tie_word_embeddings=not own_head)
    if own_head:
        torch.nn.init.normal_(model.lm_head.weight, std=0.05)
    if first_layer is not None:
        add_lora(model, 4, 8.0, first_layer)
    section = TrainSection(**{"learning_rate": 1e-3, "pack_tokens": 96, "checkpoint_steps": 2, "held_out": 0.1, "epochs": 5, **given})
    with joined() as team:
        trainer = Trainer(
            model, made_examples(), section, seed=5, divergence=divergence(), weight=0.5, first_layer=first_layer or 0, team=team
        )
        trainer.schedule = trainer.schedule[:STEPS]
        try:
            trainer.run(folder / "work", (Cut if cut else Progress)("train"), events=folder / "events")
        except CutError:
            return
    assert (trainer.step, len(trainer.schedule)) == (STEPS, STEPS)
    if team.first:
        learned = {name: p.detach().contiguous() for name, p in model.named_parameters() if p.requires_grad}
        save_file(learned, folder / "learned.safetensors")
        found = {"loss_curve": trainer.loss_curve, "held_out_curve": trainer.held_out_curve, "num_tokens": trainer.num_tokens}
        (folder / "found.json").write_text(json.dumps({**found, "num_answer_tokens": trainer.num_answer_tokens}))

start, root, STEPS = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
load_libraries(start)
for name, settings in json.loads(sys.stdin.read()).items():
    for run, size in {"one": 1, "two": 2, "again": 2, "cut": 2}.items():
        folder = root / name / run
        folder.mkdir(parents=True)
        if run == "cut":
            run_team(size, partial(train, start, settings, folder, True))
        run_team(size, partial(train, start, settings, folder, False))
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a team left in its folder."""

    folder: Path

    @property
    def learned(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "learned.safetensors")

    @property
    def told(self) -> dict[str, Any]:
        return json.loads((self.folder / "found.json").read_text(encoding="utf-8"))

    @property
    def checkpoint(self) -> dict[str, torch.Tensor]:
        return load_file(next((self.folder / "work").glob("step-*.safetensors")))


@pytest.fixture(scope="module")
def teams(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each case with what one process, two, two once more, and two that were cut off after 3 steps found in 5 steps."""
    root = tmp_path_factory.mktemp("teams")
    run_script(TEAMS, tiny_model_dir, root, str(NUM_STEPS), told=json.dumps(CASES))
    return root


@pytest.mark.parametrize("case", CASES)
def test_two_processes_learn_what_one_learns(teams: Path, case: str) -> None:
    """Parameters within 1e-5 after 5 steps; the sums are added up in another order, and nothing else differs."""
    one, two = Found(teams / case / "one"), Found(teams / case / "two")
    assert one.learned.keys() == two.learned.keys()
    for name, parameter in one.learned.items():
        torch.testing.assert_close(two.learned[name], parameter, atol=1e-5, rtol=0)
    for counted in ("num_tokens", "num_answer_tokens"):
        assert one.told[counted] == two.told[counted]
    for curve in ("loss_curve", "held_out_curve"):
        assert [step for step, _ in one.told[curve]] == [step for step, _ in two.told[curve]]
        assert [loss for _, loss in one.told[curve]] == pytest.approx([loss for _, loss in two.told[curve]], abs=1e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("other", ["again", "cut"])
def test_two_processes_are_bit_equal_to_two_others_also_after_a_cut(teams: Path, case: str, other: str) -> None:
    first, second = Found(teams / case / "two"), Found(teams / case / other)
    assert first.told == second.told
    for tensors, others in ((first.learned, second.learned), (first.checkpoint, second.checkpoint)):
        assert tensors.keys() == others.keys()
        assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_one_process_writes_for_all(teams: Path) -> None:
    for case in CASES:
        names = sorted(path.name for path in (teams / case / "two" / "work").iterdir())
        assert names == ["latest.json", f"step-{NUM_STEPS:06d}.safetensors"]
        assert len(list((teams / case / "two" / "events").iterdir())) == 1
        whole, split = (Found(teams / case / run).checkpoint for run in ("one", "two"))
        assert {name: t.shape for name, t in whole.items()} == {name: t.shape for name, t in split.items()}


@pytest.mark.parametrize(("size", "count"), [(1, 5), (2, 5), (3, 5), (4, 4), (4, 1)])
def test_packs_are_dealt_once_and_evenly(size: int, count: int) -> None:
    dealt = [Team(rank, size).dealt(count) for rank in range(size)]
    assert sorted(place for each in dealt for place, counts in each if counts) == list(range(count))
    assert {len(each) for each in dealt} == {-(-count // size)}
    assert all(place == 0 for each in dealt for place, counts in each if not counts)


def test_more_processes_than_packs_are_refused() -> None:
    with pytest.raises(InputError, match="2 processes cannot share a step of 1 pack") as caught:
        Team(0, 2).require_work(1)
    assert "distill.packs_per_step" in caught.value.render()
    Team(0, 2).require_work(2)
