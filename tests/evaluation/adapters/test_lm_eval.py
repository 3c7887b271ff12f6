"""lm-eval itself is the oracle: its ranking, its evaluator, its tracker, its table, and its clients of served models."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import get_file_task_name, make_table

from oracles.lm_eval_tasks import ANSWERS, CHOICES, evaluate, write_tasks
from seodang.core.errors import InputError
from seodang.evaluation.adapters.lm_eval import read_lm_eval
from seodang.evaluation.adapters.lm_eval_layout import write_lm_eval
from seodang.evaluation.pairs import item_scores
from seodang.evaluation.ranking import encode_pairs, rank
from seodang.evaluation.result import Evaluation
from seodang.evaluation.score import summarise
from seodang.evaluation.task import Rank
from seodang.models.local import LocalModel
from seodang.pipeline.harness.serving import served
from seodang.pipeline.import_results import import_results

TEXT = (
    "The customer can make calls when the line is active.  고객의 회선이 정지되면 요금을 확인합니다. \n\n"
    "If airplane mode is on, turn it off.\tAn agent checks the bill 😀 and transfers the customer."
)


@pytest.fixture(scope="module", autouse=True)
def no_hub() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TQDM_DISABLE", "1")
        # What lm-eval notes about the machine, and nothing here reads, takes eleven programs a run: pip's list of packages, cmake, gcc, ….
        patch.setattr("torch.utils.collect_env.get_pretty_env_info", lambda: "a machine")
        yield


@pytest.fixture(scope="module")
def local(tiny_model_dir: Path) -> LocalModel:
    return LocalModel(tiny_model_dir, dtype="float32", batch_size=8, synthetic=True)


@pytest.fixture(scope="module")
def theirs(tiny_model_dir: Path) -> Any:
    opened: Any = HFLM
    return opened(pretrained=str(tiny_model_dir), dtype="float32", device="cpu", batch_size=8)


@pytest.fixture(scope="module")
def included(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("lm_eval") / "tasks")


@pytest.fixture(scope="module")
def run(theirs: Any, included: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder that lm-eval's own tracker wrote, and what its evaluator found."""
    out = tmp_path_factory.mktemp("saved")
    return out, evaluate(theirs, [CHOICES, ANSWERS], included, out, log_samples=True)


def random_requests(count: int) -> list[Rank]:
    """Cuts of a text at any character: within words, before and after white space, in Korean, in the middle of what is one token."""
    draw = random.Random(5)
    found: list[Rank] = []
    for _ in range(count):
        start = draw.randrange(len(TEXT) - 50)
        cut = start + draw.randint(2, 40)
        ends = [draw.randint(2, 30) for _ in range(3)]
        context = TEXT[start:cut] + draw.choice(["", "", " ", "  ", "\n"])
        found.append(Rank(context, (TEXT[cut : cut + ends[0]], " " + TEXT[-ends[1] :], " B", "다" * (1 + ends[2] % 4))))
    return [request for request in found if str(request.context).strip()]


def test_rankings_are_lm_evals(local: LocalModel, theirs: Any) -> None:
    requests = random_requests(60)
    pairs = [(request, text) for request in requests for text in request.continuations]
    kept = [pair for pair in pairs if has_tokens(theirs, *pair)]
    assert len(kept) >= 200
    asked = [Instance("loglikelihood", {}, (request.context, text), number) for number, (request, text) in enumerate(kept)]
    ours = [found for (found,) in rank(local, [Rank(request.context, (text,)) for request, text in kept])]
    for (request, text), mine, (logprob, greedy) in zip(kept, ours, theirs.loglikelihood(asked, disable_tqdm=True), strict=True):
        assert mine.logprob == pytest.approx(logprob, abs=1e-4), (request.context, text)
        assert mine.greedy == greedy
    assert {True, False} == {request.context != str(request.context).rstrip() for request, _ in kept}
    assert max(one.num_tokens for one in ours) > 8


def has_tokens(theirs: Any, request: Rank, text: str) -> bool:
    return bool(theirs._encode_pair(str(request.context), text)[1])


def test_the_most_likely_continuation_is_greedy_for_both(local: LocalModel, theirs: Any) -> None:
    """With random weights no text of ours is the greedy one, so the model's own continuation is ranked."""
    context = "Question: the line is active?\nAnswer:"
    ids = local.encode_text(context)
    for _ in range(3):
        ids.append(int(local.model(input_ids=local.model.dummy_inputs["input_ids"].new_tensor([ids])).logits[0, -1].argmax()))
    text = local.tokenizer.decode(ids)[len(context) :]
    if local.encode_text(context + text) != ids:
        pytest.skip("this text is cut into other tokens")
    (mine,) = rank(local, [Rank(context, (text,))])[0]
    ((_, greedy),) = theirs.loglikelihood([Instance("loglikelihood", {}, (context, text), 0)], disable_tqdm=True)
    assert mine.greedy
    assert greedy


def test_both_cut_texts_into_the_same_tokens(local: LocalModel, theirs: Any) -> None:
    for request in random_requests(60):
        for text in request.continuations:
            if has_tokens(theirs, request, text):
                ((context, continuation),) = encode_pairs(local, Rank(request.context, (text,)))
                assert (context, continuation) == theirs._encode_pair(str(request.context), text)


@pytest.mark.parametrize(("metric", "column"), [(None, "acc"), ("acc_norm", "acc_norm")])
def test_ranked_choices_are_imported_with_lm_evals_scores(
    run: tuple[Path, dict[str, Any]], tmp_path: Path, metric: str | None, column: str
) -> None:
    folder, found = run
    only = only_task(folder, CHOICES, tmp_path / "only")
    (evaluation,) = read_lm_eval(only, tmp_path / "eval", metric=metric)
    assert summarise(evaluation)["score"] == pytest.approx(found["results"][CHOICES][f"{column},none"])
    rows = [json.loads(line) for line in next(only.rglob(f"samples_{CHOICES}_*.jsonl")).read_text(encoding="utf-8").splitlines()]
    assert right(evaluation) == [row[column] for row in sorted(rows, key=lambda row: row["doc_id"])]
    assert evaluation.manifest["summary"]["task_version"] == 3.0
    for _, (result,) in evaluation.each():
        ranked = [turn["logprob"] for turn in result.transcript if turn["role"] == "continuation"]
        assert len(ranked) == 4
        assert result.answer == str(ranked.index(max(ranked)))


def test_written_answers_are_imported_under_the_named_filter(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, found = run
    only = only_task(folder, ANSWERS, tmp_path / "only")
    (whole,) = read_lm_eval(only, tmp_path / "eval")
    (none,) = read_lm_eval(only, tmp_path / "eval", filter_name="none-of-it")
    assert whole.folder != none.folder
    assert summarise(whole)["score"] == found["results"][ANSWERS]["exact_match,whole"]
    assert {result.answer for _, (result,) in none.each()} == {"[invalid]"}
    assert 0 < summarise(whole)["score"] < 1


def test_both_tasks_of_a_folder_are_imported_once_and_a_newer_run_replaces_an_older_one(
    run: tuple[Path, dict[str, Any]], theirs: Any, included: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    shutil.copytree(run[0], folder)
    first = read_lm_eval(folder, tmp_path / "eval")
    assert {evaluation.task for evaluation in first} == {f"lm-eval:{CHOICES}", f"lm-eval:{ANSWERS}"}
    assert [one.folder for one in read_lm_eval(folder, tmp_path / "eval")] == [one.folder for one in first]
    evaluate(theirs, [CHOICES], included, folder, log_samples=True, limit=5)
    sizes = {one.task: len(one.items) for one in read_lm_eval(folder, tmp_path / "eval")}
    assert sizes == {f"lm-eval:{CHOICES}": 5, f"lm-eval:{ANSWERS}": 12}


def only_task(folder: Path, task: str, to: Path) -> Path:
    """A copy of a results folder that speaks of one task."""
    shutil.copytree(folder, to)
    results = next(to.rglob("results_*.json"))
    told = json.loads(results.read_text(encoding="utf-8"))
    told["results"] = {task: told["results"][task]}
    results.write_text(json.dumps(told), encoding="utf-8")
    return to


@pytest.mark.parametrize(
    ("fault", "options", "said"),
    [
        ("", {"metric": "bleu"}, "no metric `bleu`"),
        ("", {"metric": "mcc"}, "no score from 0 to 1"),
        ("", {"filter_name": "strict"}, "no filter `strict`"),
        ("no samples", {}, f"no samples of the task `{CHOICES}`"),
        ("empty samples", {}, f"no samples of the task `{CHOICES}`"),
        ("no results", {}, "no results of lm-eval here"),
        ("other JSON", {}, "not results of lm-eval"),
    ],
)
def test_what_cannot_be_imported_is_named(
    run: tuple[Path, dict[str, Any]], tmp_path: Path, fault: str, options: dict[str, Any], said: str
) -> None:
    folder = only_task(run[0], CHOICES, tmp_path / "only")
    samples, results = next(folder.rglob(f"samples_{CHOICES}_*.jsonl")), next(folder.rglob("results_*.json"))
    if fault == "no samples":
        samples.unlink()
    elif fault == "empty samples":
        samples.write_text("", encoding="utf-8")
    elif fault == "no results":
        results.unlink()
    elif fault == "other JSON":
        results.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_lm_eval(folder, tmp_path / "eval", **options)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("[]", "a row is an object"),
        ("3", "a row is an object"),
        ('{"a": 1}', "lacks the key `doc_id`"),
        ('{"doc_id": 1}', "lacks the key `doc`"),
        ('{"doc_id": "1", "doc": {}}', "`doc_id` is a number"),
        ('{"doc_id": 1, "doc": {}, "metrics": 5}', "`metrics` a list"),
        ('{"doc_id": 1, "doc": {}, "arguments": [[]], "filtered_resps": 5}', "not a sample of lm-eval"),
        ('{"doc_id": 1, "doc": {}, "arguments": {"a": 5}}', "not a sample of lm-eval"),
        ('{"doc_id": 1, "doc": {}, "arguments": [["a", "b"]], "filtered_resps": [["likely", "True"]]}', "not a sample of lm-eval"),
    ],
)
def test_a_row_that_is_no_sample_is_named_by_its_line(run: tuple[Path, dict[str, Any]], tmp_path: Path, row: str, said: str) -> None:
    folder = only_task(run[0], CHOICES, tmp_path / "only")
    samples = next(folder.rglob(f"samples_{CHOICES}_*.jsonl"))
    lines = samples.read_text(encoding="utf-8").splitlines()
    samples.write_text("\n".join([lines[0], row, *lines[2:]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_lm_eval(folder, tmp_path / "eval")
    assert caught.value.where == f"{samples}:2"
    assert caught.value.hint


@pytest.mark.parametrize("key", ["results", "configs", "config"])
def test_results_whose_parts_are_of_another_kind_are_named(run: tuple[Path, dict[str, Any]], tmp_path: Path, key: str) -> None:
    folder = only_task(run[0], CHOICES, tmp_path / "only")
    results = next(folder.rglob("results_*.json"))
    results.write_text(json.dumps(json.loads(results.read_text(encoding="utf-8")) | {key: [1]}), encoding="utf-8")
    with pytest.raises(InputError, match="not results of lm-eval"):
        read_lm_eval(folder, tmp_path / "eval")


@pytest.mark.parametrize("value", ["-inf", "nan", -float("inf")])
def test_a_log_probability_that_is_not_finite_is_kept_as_null_and_is_never_the_most_likely_one(
    run: tuple[Path, dict[str, Any]], tmp_path: Path, value: Any
) -> None:
    folder = only_task(run[0], CHOICES, tmp_path / "only")
    samples = next(folder.rglob(f"samples_{CHOICES}_*.jsonl"))
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["filtered_resps"] = [[value, "False"], ["-3.5", "False"], *row["filtered_resps"][2:]]
        row["doc"]["weight"] = float("nan")
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (first,) = read_lm_eval(folder, tmp_path / "eval")
    write_lm_eval([first], tmp_path / "out")
    (again,) = read_lm_eval(tmp_path / "out", tmp_path / "again")
    for evaluation in (first, again):
        for _, (result,) in evaluation.each():
            ranked = [turn["logprob"] for turn in result.transcript if turn["role"] == "continuation"]
            assert ranked[:2] == [None, -3.5]
            assert int(result.answer) == max(range(1, 4), key=lambda place: ranked[place])
    assert {item.content["doc"]["weight"] for item in first.items} == {None}


def test_an_export_is_read_by_lm_evals_table_and_imported_with_equal_scores(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    evaluations = read_lm_eval(run[0], tmp_path / "eval", synthetic=True)
    results, *samples = write_lm_eval(evaluations, tmp_path / "out")
    told = json.loads(results.read_text(encoding="utf-8"))
    lines = [[cell.strip() for cell in line.split("|")] for line in make_table(told).splitlines()]
    table = {cells[1]: cells for cells in lines if len(cells) > 1}
    for evaluation in evaluations:
        cells = table[evaluation.task.replace(":", "__")]
        assert float(cells[7]) == pytest.approx(summarise(evaluation)["score"], abs=1e-4), cells
    assert [get_file_task_name(path.name) for path in samples] == [one.task.replace(":", "__") for one in evaluations]
    again = {one.task: one for one in read_lm_eval(tmp_path / "out", tmp_path / "again")}
    for evaluation in evaluations:
        other = again[f"lm-eval:{evaluation.task.replace(':', '__')}"]
        assert right(other) == right(evaluation)
        assert other.model == evaluation.model
        assert other.synthetic
        assert texts(other) == texts(evaluation)


def right(evaluation: Evaluation) -> list[float]:
    """The score of each item's one sample."""
    (sample,) = item_scores(evaluation, evaluation.items).tolist()
    return sample


def texts(evaluation: Evaluation) -> list[list[tuple[str, str]]]:
    return [[(turn["role"], turn["content"]) for turn in result.transcript] for _, (result,) in evaluation.each()]


def test_the_standard_error_of_an_export_is_lm_evals(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    (evaluation,) = read_lm_eval(only_task(run[0], CHOICES, tmp_path / "only"), tmp_path / "eval")
    told = json.loads(write_lm_eval([evaluation], tmp_path / "out")[0].read_text(encoding="utf-8"))
    values = right(evaluation)
    spread = sum((value - fmean(values)) ** 2 for value in values) / (len(values) - 1)  # `mean_stderr` there
    assert told["results"][f"lm-eval__{CHOICES}"]["acc_stderr,none"] == pytest.approx((spread / len(values)) ** 0.5)


def test_two_evaluations_of_one_model_and_task_are_not_exported_over_each_other(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    (evaluation, *_) = read_lm_eval(run[0], tmp_path / "eval")
    with pytest.raises(InputError, match="two evaluations"):
        write_lm_eval([evaluation, evaluation], tmp_path / "out")


def test_a_served_model_is_ranked_by_lm_evals_client_as_in_the_process(
    local: LocalModel, run: tuple[Path, dict[str, Any]], included: Path, tmp_path: Path
) -> None:
    with served(local) as address:
        about = f"model={local.name},base_url={address}/v1/completions,tokenizer={local.folder},num_concurrent=2,max_retries=1"
        evaluate("local-completions", [CHOICES, ANSWERS], included, tmp_path / "served", model_args=about, log_samples=True)
    there = {one.task: one for one in read_lm_eval(tmp_path / "served", tmp_path / "eval")}
    here = {one.task: one for one in read_lm_eval(run[0], tmp_path / "eval")}
    name = f"lm-eval:{CHOICES}"
    for (_, (ours,)), (_, (theirs,)) in zip(there[name].each(), here[name].each(), strict=True):
        assert (ours.answer, ours.score) == (theirs.answer, theirs.score)
        for one, other in zip(ours.transcript[1:], theirs.transcript[1:], strict=True):
            assert one["logprob"] == pytest.approx(other["logprob"], abs=1e-3)
            assert one["greedy"] == other["greedy"]
    name = f"lm-eval:{ANSWERS}"
    pairs = zip(there[name].each(), here[name].each(), strict=True)
    assert [ours.answer for (_, (ours,)), _ in pairs] == [theirs.answer for _, (theirs,) in here[name].each()]


def test_conversations_of_lm_evals_chat_client_are_imported_as_conversations(local: LocalModel, included: Path, tmp_path: Path) -> None:
    with served(local) as address:
        about = f"model={local.name},base_url={address}/v1/chat/completions,max_retries=1"
        options = {"model_args": about, "log_samples": True, "apply_chat_template": True, "limit": 4}
        evaluate("local-chat-completions", [ANSWERS], included, tmp_path / "served", **options)
    (row,) = import_results(tmp_path / "served", tmp_path / "runs", synthetic=True)
    assert row["n"] == 4
    assert row["synthetic"]
    (evaluation,) = read_lm_eval(tmp_path / "served", tmp_path / "runs" / "eval", synthetic=True)
    for item, (result,) in evaluation.each():
        assert [turn["role"] for turn in result.transcript] == ["user", "assistant"]
        assert item.question == result.transcript[0]["content"] == f"Question: {item.content['doc']['question']}\nAnswer:"


def test_results_without_a_models_name_ask_for_it(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder = only_task(run[0], CHOICES, tmp_path / "only")
    results = next(folder.rglob("results_*.json"))
    told = json.loads(results.read_text(encoding="utf-8"))
    told["model_name"] = told["config"]["model"] = None
    results.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(InputError, match="do not name their model"):
        read_lm_eval(folder, tmp_path / "eval")


def test_results_are_looked_for_two_folders_down_and_no_deeper(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    flat = next(only_task(run[0], CHOICES, tmp_path / "only").rglob("results_*.json")).parent
    shutil.copytree(flat, tmp_path / "near" / "one" / "two")
    shutil.copytree(flat, tmp_path / "far" / "one" / "two" / "three")
    assert len(read_lm_eval(tmp_path / "near", tmp_path / "eval")) == 1
    for folder in (tmp_path / "far", tmp_path / "vanished"):
        with pytest.raises(InputError, match="no results of lm-eval here"):
            read_lm_eval(folder, tmp_path / "eval")
