"""Every generator with a model of random weights that really samples: nothing breaks, and all that it wrote is accounted for.

Such a model's words are noise, so that most of it must be dropped; what is left fits what its generator promises.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from generators.cases import CASES
from generators.scripted import PASSAGES
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.data.build.run_generators import read_generators, run_generators
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.models.local import LocalModel
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tools.environment import carry_out, tool

ROWS: dict[str, dict[str, Any]] = {
    "multi_hop": {"pairs": 2, "answer_tokens": 80},
    "self_instruct": {"rounds": 1, "lists_per_round": 2, "list_tokens": 30, "answer_tokens": 20},
    "evolve": {"rounds": 1, "seeds": 2, "answer_tokens": 12},
    "magpie": {"instructions": {"ko": 1, "en": 4}, "tries": 4, "instruction_tokens": 12, "answer_tokens": 8},
    "persona": {"personas": 2, "answer_tokens": 12},
    "dialogue": {"turns": 2, "dialogues": 2, "answer_tokens": 12},
    "translate": {"texts": 2, "answer_tokens": 12},
    "gaps": {"questions": 4, "floor": 0},
    "trajectories": {"goals_per_environment": 4, "max_calls": 1, "answer_tokens": 40},
}


class Lamp:
    """An environment that a caller brings along."""

    name = "generators:Lamp"
    tools = (tool("switch", "Turns the lamp on or off.", on={"type": "boolean"}),)

    def __init__(self) -> None:
        self.on = False

    def load(self, state: Any) -> None:
        self.on = state["on"]

    def state(self) -> Any:
        return {"on": self.on}

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        return carry_out({"switch": self.switch}, name, arguments)

    def switch(self, on: bool) -> Any:
        self.on = on
        return self.state()

    def draw_state(self, draw: Random) -> Any:
        return {"on": draw.random() < 0.5}

    def draw_goal(self, draw: Random) -> list[ToolCall]:
        return [ToolCall("switch", {"on": not self.on})]


@pytest.fixture(scope="module")
def model(tiny_model_dir: Path) -> Iterator[LocalModel]:
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield LocalModel(tiny_model_dir, dtype="float32", synthetic=True)
    torch.set_num_threads(num_threads)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_model_that_really_samples_makes_records_or_counted_drops(tmp_path: Path, name: str, model: LocalModel) -> None:
    passages = [replace(passage, heading="") for passage in PASSAGES[:4]]
    sources = BuildSources(passages, records=CASES["evolve"].sources.records, student=model, environments={"lamp": Lamp()})
    found: list[Any] = []
    for attempt in range(2):
        with closing(Journal(tmp_path / f"{attempt}.jsonl")) as journal:
            records = run_generators(read_generators([{"name": name, **ROWS[name]}]), sources, model, 3, journal, Progress("build"))
            found.append((records, num_dropped(journal, name)))
    assert found[0] == found[1], "sampling is repeatable"
    records, dropped = found[0]
    assert len(records) + dropped.total() > 0
    assert all(record.question and record.answer and record.kind in (name, "know") for record in records)
