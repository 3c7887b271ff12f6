"""lm-eval beside ours: the same questions with choices, the same weights in float32, one thread; decisions, texts, and speed of scoring.

    OMP_NUM_THREADS=1 python benchmarks/lm_eval_peer.py [--runs runs] [--items 64] [--timed 16] [--rounds 5] [--batches 8,32] [--json FILE]

Identity: each item's decision by log-likelihood (`knowledge`, `template: plain`) and each greedy answer (`mode: generate`) beside those of
lm-eval's `HFLM`, by tasks that are written here in lm-eval's own YAML. Every difference is listed, with the margin between the two
likeliest choices. Speed: both score the same requests with the same batch size in rounds of alternating order; a round's ratio is the
seconds of lm-eval by ours. Processor seconds of the one thread are compared, which other work on the machine disturbs less than the clock;
the ratio by the clock stands beside. The lower bound is the least of the rounds (order statistic: for 5 rounds, the median lies above with
probability 0.97).
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

import torch
import yaml
from lm_eval import evaluator
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from seodang.core.errors import VerificationError
from seodang.evaluation.ranking import rank
from seodang.evaluation.run import task_items
from seodang.evaluation.task import Ask, Item, Likelihood, Rank
from seodang.evaluation.tasks.knowledge import KnowledgeOptions, task
from seodang.models.chat_model import Sampling
from seodang.models.local import LocalModel, use_threads
from seodang.models.source import LocalTeacher, model_folder
from seodang.pipeline.workspace import Workspace

RECIPE = Path(__file__).parent.parent / "recipes" / "telecom_demo.yaml"
PREDICTION = (
    "equal decisions but for ties; about 1.2 times lm-eval's rate, since it puts the head to every position (a fifth of its work). "
    "The rate was written down after a first trial of 8 items had shown 1.20: it is no prediction made blind"
)
ABOUT = "{% if about %}The following are multiple choice questions (with answers) about {{about}}.\n\n{% endif %}"
LISTED = "{{question.strip()}}\n{% for letter in letters %}{{letter}}. {{choices[loop.index0]}}\n{% endfor %}"
LABEL = {"mmlu": "Answer:", "kmmlu": "정답："}
ORDER = {"mmlu": "Answer with the letter of the right choice alone.", "kmmlu": "옳은 선택지의 알파벳 하나로만 답하세요."}
MAX_NEW_TOKENS = 32
LEAST_ROUNDS = 5


def write_tasks(folder: Path, benchmark: str, items: Sequence[Item]) -> Path:
    """The items and two tasks in lm-eval's form: letters that are ranked, and an answer that is written."""
    folder.mkdir()
    rows = [{**item.content, "letters": list("ABCDEFGHIJ"[: len(item.content["choices"])])} for item in items]
    data = folder / "items.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    kwargs = {"data_files": {"test": str(data)}, "cache_dir": str(folder / "cache")}
    shared = {"dataset_path": "json", "dataset_kwargs": kwargs, "test_split": "test", "doc_to_target": "answer"}
    choose = {
        "output_type": "multiple_choice",
        "doc_to_text": ABOUT + LISTED + LABEL[benchmark],
        "doc_to_choice": "{{letters}}",
        "metric_list": [{"metric": "acc"}],
    }
    write = {
        "output_type": "generate_until",
        "doc_to_text": LISTED + "\n" + ORDER[benchmark],
        "generation_kwargs": {"until": ["<|im_end|>"], "max_gen_toks": MAX_NEW_TOKENS, "do_sample": False},
        "metric_list": [{"metric": "exact_match"}],
    }
    for name, told in (("peer_choose", choose), ("peer_write", write)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"task": name} | shared | told, allow_unicode=True), encoding="utf-8")
    return folder


def by_lm_eval(theirs: Any, name: str, included: Path, *, chat: bool = False) -> list[Any]:
    """What lm-eval's evaluator has for each item in order: log-probabilities of the choices, or a text."""
    manager = TaskManager(include_path=str(included), include_defaults=False)
    untyped: Any = evaluator
    found = untyped.simple_evaluate(
        theirs, tasks=[name], task_manager=manager, bootstrap_iters=0, log_samples=True, apply_chat_template=chat
    )
    rows = sorted(found["samples"][name], key=lambda row: row["doc_id"])
    return [[float(one[0]) for one in row["filtered_resps"]] if not chat else row["resps"][0][0] for row in rows]


def identity(ours: LocalModel, theirs: Any, benchmark: str, store: Path, limit: int, num_written: int) -> dict[str, Any]:
    """Decisions and texts of both, with each difference."""
    options = KnowledgeOptions.model_validate({"benchmark": benchmark, "limit": limit})
    items = task_items(task, options, store)
    written = items[:num_written]
    with tempfile.TemporaryDirectory() as folder:
        included = write_tasks(Path(folder) / "tasks", benchmark, items)
        decided = by_lm_eval(theirs, "peer_choose", included)
        some = write_tasks(Path(folder) / "some", benchmark, written)
        texts = by_lm_eval(theirs, "peer_write", some, chat=True)
    ranked = rank(ours, [ranking(item, options) for item in items])
    told = [one.logprob for row in ranked for one in row] + [value for row in decided for value in row]
    if not all(map(math.isfinite, told)):  # `max` and `min` below would pass over them
        raise VerificationError("a log-probability is not finite", where=benchmark, hint="look at the items' log-probabilities one by one")
    asked = KnowledgeOptions.model_validate({"benchmark": benchmark, "mode": "generate", "max_new_tokens": MAX_NEW_TOKENS})
    requests: list[Any] = [next(task.solve(item, asked)) for item in written]
    answers = [one.text for (one,) in ours.chat([ask.messages for ask in requests if isinstance(ask, Ask)], Sampling(MAX_NEW_TOKENS))]
    differences = [
        {"item": item.id, "ours": best(mine), "lm_eval": best(other), "margins_nats": [margin(mine), margin(other)]}
        for item, mine, other in zip(items, ([one.logprob for one in row] for row in ranked), decided, strict=True)
        if best(mine) != best(other)
    ]
    apart = max(abs(one.logprob - value) for row, other in zip(ranked, decided, strict=True) for one, value in zip(row, other, strict=True))
    pairs = zip(written, answers, texts, strict=True)
    return {
        "benchmark": benchmark,
        "num_items": len(items),
        "equal_decisions": len(items) - len(differences),
        "differences": differences,
        "largest_difference_nats": apart,
        "smallest_margin_nats": min(margin([one.logprob for one in row]) for row in ranked),
        "num_texts": len(written),
        "equal_texts": sum(one == other for one, other in zip(answers, texts, strict=True)),
        "text_differences": [{"item": item.id, "ours": one, "lm_eval": other} for item, one, other in pairs if one != other],
    }


def ranking(item: Item, options: KnowledgeOptions) -> Rank:
    """What an item asks by log-likelihood."""
    request = next(task.solve(item, options))
    assert isinstance(request, Rank)
    return request


def best(logprobs: Sequence[float]) -> int:
    """The place of the likeliest choice, the first of equals."""
    return max(range(len(logprobs)), key=lambda place: logprobs[place])


def margin(logprobs: Sequence[float]) -> float:
    """Nats between the two likeliest choices."""
    first, second = sorted(logprobs, reverse=True)[:2]
    return first - second


def timed(score: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of the processor and of the clock."""
    processor, clock = time.process_time(), time.perf_counter()
    score()
    return time.process_time() - processor, time.perf_counter() - clock


def speed(ours: LocalModel, theirs: Any, requests: Sequence[Rank], batch: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Ratios of lm-eval's seconds by ours: what is known after each round. Both have scored before, so that nothing is warmed up here."""
    ours.batch_size, theirs.batch_size_per_gpu = batch, batch
    asked = [Instance("loglikelihood", {}, (row.context, text), place) for row in requests for place, text in enumerate(row.continuations)]

    def mine() -> list[tuple[Likelihood, ...]]:
        return rank(ours, requests)

    def other() -> list[tuple[float, bool]]:
        return theirs.loglikelihood(asked, disable_tqdm=True)

    found: list[dict[Callable[[], Any], tuple[float, float]]] = []
    for number in range(rounds):
        order = (other, mine) if number % 2 else (mine, other)
        found.append({score: timed(score) for score in order})
        ratios, clock = ([one[other][place] / one[mine][place] for one in found] for place in (0, 1))
        yield {
            "batch_size": batch,
            "num_requests": len(requests),
            "num_continuations": len(asked),
            "num_rounds": len(found),
            "processor_seconds": {"ours": [one[mine][0] for one in found], "lm_eval": [one[other][0] for one in found]},
            "ratio": median(ratios),
            "ratio_lower": min(ratios),
            "clock_ratio": median(clock),
            "clock_ratio_lower": min(clock),
            "reached": len(found) >= LEAST_ROUNDS and median(ratios) >= 1.0 and min(ratios) >= 0.95,
        }


def machine() -> dict[str, Any]:
    """The processor, and the load that was on it."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    return {"name": names[0] if names else platform.machine(), "cores": os.cpu_count(), "threads": 1, "load": os.getloadavg()[0]}


def write(found: dict[str, Any], path: Path | None) -> None:
    """Keeps what is known so far, where a file is named."""
    if path is not None:
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Prints a line for each part, and writes all numbers where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder whose store has or gets model and wheel")
    parser.add_argument("--items", type=int, default=64, help="of each benchmark, for decisions")
    parser.add_argument("--timed", type=int, default=16, help="of MMLU, for speed")
    parser.add_argument("--texts", type=int, default=16, help="of each benchmark, for written answers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", default="8,32", help="batch sizes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here")
    given = parser.parse_args()
    use_threads(1)
    store = Workspace(given.runs).store
    section = LocalTeacher.model_validate(yaml.safe_load(RECIPE.read_text(encoding="utf-8"))["teacher"])
    folder = model_folder(section, store, RECIPE.parent)
    ours = LocalModel(folder, name=section.name, dtype="float32", batch_size=8)
    opened: Any = HFLM
    theirs = opened(pretrained=str(folder), dtype="float32", device="cpu", batch_size=8)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=RECIPE.parent, capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = {
        "command": " ".join(["python", "benchmarks/lm_eval_peer.py", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit.strip(),
        "machine": machine() | {"shared": "other work ran on the machine at the same time"},
        "versions": {name: version(name) for name in ("lm-eval", "torch", "transformers")},
        "model": section.name,
        "dtype": "float32",
        "prediction": PREDICTION,
        "bar": {"ratio": 1.0, "ratio_lower": 0.95},
    }
    options = KnowledgeOptions(benchmark="mmlu", limit=given.timed)
    requests = [ranking(item, options) for item in task_items(task, options, store)]
    with torch.no_grad():
        found["identity"] = [identity(ours, theirs, name, store, given.items, given.texts) for name in ("mmlu", "kmmlu")]
        found["speed"] = []
        for batch in given.batches.split(","):
            found["speed"].append({})
            for row in speed(ours, theirs, requests, int(batch), given.rounds):
                found["speed"][-1] = row
                write(found, given.json)
    for row in found["identity"]:
        told = f"{row['equal_decisions']} of {row['num_items']} decisions and {row['equal_texts']} of {row['num_texts']} texts equal"
        print(f"{row['benchmark']}: {told}, log-probabilities apart by at most {row['largest_difference_nats']:.1e} nats")
    for row in found["speed"]:
        print(f"batch {row['batch_size']}: {row['ratio']:.2f} times lm-eval's rate, at least {row['ratio_lower']:.2f} in each round")


if __name__ == "__main__":
    main()
