"""Benchmarks whose items lie on a model hub and do not ship here, and the command that asks each."""

from seodang.core.errors import RecipeError

_RANKED = ("arc", "bbh", "click", "haerae", "hellaswag", "kmmlu", "kobest", "mmlu", "mmlu_pro")
_WRITTEN = ("gsm8k", "hrm8k", "ifeval", "mbpp")
_LM_EVAL = "`seodang eval lm-eval --model M --tasks "
_COMMANDS = {
    **{name: f"{_LM_EVAL}{name}`" for name in _RANKED},
    **{name: f"{_LM_EVAL}{name} --chat`" for name in _WRITTEN},
    **{name: f"{_LM_EVAL}{name}`, or here `--task knowledge --option benchmark={name}`" for name in ("kmmlu", "mmlu")},
    "humaneval": f"{_LM_EVAL}humaneval -- --confirm_run_unsafe_code`",
    "ifeval_ko": "lm-eval has no task of it, its authors have: put the folder `ifeval_ko` of their data set allganize/IFEval-Ko into "
    f"lm-eval's folder `tasks`, then {_LM_EVAL}ifeval_ko --chat`, or ask rules of ours with `--task instruction --option languages=ko`",
}
_BY_ITS_OWN_PROGRAM = {"livecodebench": "lm-eval has no task of it: put its own program to `seodang serve`"}


def refuse_hub_name(name: str) -> None:
    """RecipeError, with the command that asks it, for a benchmark that is no task here since its items lie on a model hub."""
    plain = name.lower().replace("-", "_")
    if plain in _COMMANDS or plain in _BY_ITS_OWN_PROGRAM:
        own_copy = "; docs/evaluation.md, `Other harnesses`, shows how to give it your own copy"
        hint = _BY_ITS_OWN_PROGRAM.get(plain) or _COMMANDS[plain] + own_copy
        raise RecipeError(f"`{name}` is no task here: its items lie on a model hub", hint=hint)
