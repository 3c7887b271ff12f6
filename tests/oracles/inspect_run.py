"""A run of inspect-ai's own evaluator on its mock model: several epochs, two scorers, a sample that fails in each epoch.

    python tests/oracles/inspect_run.py FOLDER

writes `lines.eval` and `lines.json` there, the same log in both forms. inspect-ai asks for another fsspec than this project pins, so it
runs in an environment of its own; the logs in `tests/evaluation/adapters/inspect_logs` are what it wrote, without events and tracebacks.
"""

import sys
from pathlib import Path
from typing import Any

EPOCHS = 3
ITEMS = {"on": "The line is on.", "off": "The line is off.", "bad": "No line.", "sum": "요금은 얼마입니까?"}
REPLIES = {"on": "on, on, off", "off": "off, on, on", "sum": "won, won, won"}  # said in the epochs in order


def main(folder: Path) -> None:
    """Runs the evaluation once and writes its log twice."""
    import inspect_ai
    from inspect_ai import Epochs, Task
    from inspect_ai.dataset import Sample
    from inspect_ai.log import read_eval_log, write_eval_log
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, PARTIAL, Score, Scorer, accuracy, mean, scorer, stderr
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    @solver
    def answer() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if state.sample_id == "bad":
                raise RuntimeError("this sample breaks")
            return await generate(state, seed=state.epoch)

        return solve

    def reply(asked: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
        (name,) = (name for name, text in ITEMS.items() if text == asked[-1].text)
        output = ModelOutput.from_content("mockllm/model", REPLIES[name].split(", ")[config.seed - 1])
        output.usage = ModelUsage(input_tokens=7, output_tokens=2, total_tokens=9)  # else it fetches a tokenizer to count them
        return output

    @scorer(metrics=[accuracy(), stderr()])
    def named() -> Scorer:
        async def score(state: TaskState, target) -> Score:  # type: ignore[no-untyped-def]
            said = state.output.completion
            value = CORRECT if said == target.text else PARTIAL if said == "won" else NOANSWER if state.epoch == 3 else INCORRECT
            return Score(value=value, answer=said, explanation=f"said {said}")

        return score

    @scorer(metrics=[mean()])
    def length() -> Scorer:
        async def score(state: TaskState, target) -> Score:  # type: ignore[no-untyped-def]
            return Score(value=len(state.output.completion))

        return score

    samples = [Sample(id=name, input=text, target=name) for name, text in ITEMS.items()]
    task = Task(
        dataset=samples, solver=answer(), scorer=[named(), length()], epochs=Epochs(EPOCHS, "mean"), fail_on_error=False, name="lines"
    )
    model = get_model("mockllm/model", custom_outputs=reply)
    (log,) = inspect_ai.eval(task, model=model, log_dir=str(folder / "logs"), display="none")
    log = read_eval_log(log.location)
    log.eval.model_args = {}
    for sample in log.samples or []:
        sample.events = []
        if sample.error is not None:
            sample.error.traceback = sample.error.traceback_ansi = ""
    for name in ("lines.eval", "lines.json"):
        write_eval_log(log, str(folder / name))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
