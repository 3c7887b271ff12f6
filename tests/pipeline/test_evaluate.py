"""Evaluations below the runs: what has one key is asked once, whatever the model is called."""

from collections.abc import Sequence
from pathlib import Path

from seodang.evaluation.result import RESULTS
from seodang.evaluation.run import Settings, task_items
from seodang.evaluation.task import find_task
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.models.local import LocalModel
from seodang.pipeline.evaluate import answer, evaluation_folder, parse_options

EXAM = Path(__file__).parents[2] / "packs" / "general"


class Counted(LocalModel):
    """A local model that counts what it is asked."""

    asked = 0

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        self.asked += 1
        return super().chat(conversations, sampling, num_samples)


def test_equal_weights_under_another_name_are_not_asked_again(tiny_model_dir: Path, tmp_path: Path) -> None:
    task = find_task("exam")
    options = parse_options(task, [f"files={EXAM}", "max_new_tokens=4"], limit=6)
    items, settings = task_items(task, options, tmp_path), Settings()
    first, second = (Counted(tiny_model_dir, dtype="float32", name=name, synthetic=True) for name in ("run:base", "run:teacher"))
    folders = [evaluation_folder(model, task, options, settings, items, tmp_path) for model in (first, second)]
    found = [answer(model, task, options, settings, items, folder) for model, folder in zip((first, second), folders, strict=True)]
    assert (first.asked, second.asked) == (1, 0)
    assert [one.model for one in found] == ["run:base", "run:teacher"]
    assert folders[0] != folders[1]
    assert (folders[0] / RESULTS).read_bytes() == (folders[1] / RESULTS).read_bytes()
    assert found[1].synthetic
    other = Counted(tiny_model_dir, dtype="float32", name="run:other", synthetic=True)
    answer(other, task, options, Settings(seed=1), items, tmp_path / "eval" / "elsewhere__exam__00000000")
    assert other.asked == 1
