"""The model that a command line names: a run's student, base or teacher, a folder of weights, a YAML section, or an endpoint."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, ValidationError

from seodang.core.errors import InputError, ModelError
from seodang.core.sections import Section, load_section
from seodang.models.chat_model import ChatModel
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.failures import reworded
from seodang.models.source import LocalTeacher, model_folder
from seodang.models.think import ThinkMode
from seodang.pipeline.context import RunContext
from seodang.pipeline.recipe import Recipe
from seodang.pipeline.think import open_student
from seodang.pipeline.workspace import RUN_FILE, Workspace, open_run

HINT = "name a run (runs/telecom_demo), one of its arms (runs/telecom_demo:base), a model's folder, a YAML file, or URL#MODEL"


class ModelFile(Section):
    """A file that says where a model is, as `teacher` does in a recipe."""

    kind_of_file: ClassVar[str] = "a file with a section `model`"
    example: ClassVar[str] = "the section `teacher` of recipes/telecom_demo.yaml"
    guide: ClassVar[str] = "`seodang explain teacher`"

    model: Annotated[LocalTeacher | OpenAIHTTPTeacher, Field(discriminator="kind")]


def open_model(spec: str, store: Path, *, thinking: ThinkMode | None = None, api_key_env: str | None = None) -> ChatModel:
    """Opens the model `spec` in float32, so that an answer does not hang on what else is asked at the same time.

    RUN or RUN:ARM[:SEED] (arms: distilled, sft, base, teacher, …), a folder with config.json, FILE.yaml with a section `model`, or
    URL#MODEL. `thinking` sets the think mode of a model whose template has a switch. ModelError where it has none or an endpoint's has no
    effect, and, with what can be named, for anything else.
    """
    if spec.startswith(("http://", "https://")):
        return _endpoint(spec, store, thinking, api_key_env)
    path, _, arm = spec.partition(":")
    place = Path(path)
    if (place / RUN_FILE).is_file():
        return _of_run(place, arm or "distilled", thinking)
    if arm:
        raise ModelError("no run here", where=path, hint=HINT)
    if (place / "config.json").is_file():
        return _local(place, place.name, False, thinking)
    if place.suffix in (".yaml", ".yml"):
        section = load_section(ModelFile, place).model
        if isinstance(section, OpenAIHTTPTeacher):
            return _remote(section, store, thinking, lambda text: text.replace("`teacher.", "`model."))
        return _local(model_folder(section, store, place.parent), section.name, section.synthetic, thinking or section.thinking)
    raise ModelError("no model here", where=spec, hint=HINT)


def _of_run(folder: Path, arm: str, thinking: ThinkMode | None) -> ChatModel:
    from seodang.models.local import use_threads

    run = open_run(folder)
    name, _, seed = arm.partition(":")
    if seed and not seed.isdigit():
        raise ModelError(f"`{seed}` is no seed", where=str(folder), hint="write RUN:ARM:SEED, such as runs/telecom_demo:distilled:0")
    use_threads()
    title = f"{run.name}:{arm}"
    if name == "teacher":
        recipe = Recipe.model_validate(run.row["recipe"])
        if isinstance(recipe.teacher, OpenAIHTTPTeacher):
            return RunContext(recipe, Path(run.row["base"]), Workspace(folder.parent)).teacher
        weights = model_folder(recipe.teacher, folder.parent / ".store", Path(run.row["base"]))
        return _local(weights, title, recipe.teacher.synthetic, thinking or recipe.teacher.thinking)
    try:
        weights = run.model_folder(name, int(seed) if seed else None)
    except InputError as error:
        error.hint = f"{error.hint}, teacher" if error.what == f"no student `{name}`" else error.hint
        raise
    model = open_student(weights, run.think_share, name=title, dtype="float32", synthetic=run.row["synthetic"])
    return model if thinking is None else _local(weights, title, run.row["synthetic"], thinking)


def _local(folder: Path, name: str, synthetic: bool, thinking: ThinkMode | None) -> ChatModel:
    from seodang.models.local import LocalModel, use_threads

    use_threads()
    return LocalModel(folder, name=name, dtype="float32", synthetic=synthetic, thinking=thinking or ThinkMode.NONE)


def _endpoint(spec: str, store: Path, thinking: ThinkMode | None, api_key_env: str | None) -> ChatModel:
    url, _, name = spec.partition("#")
    if not name:
        raise ModelError("which of its models?", where=url, hint=f"write {url}#MODEL; the server lists its models under /models")
    try:
        with reworded(_of_command_line("the address", name)):  # which may hold a secret where it is refused
            section = OpenAIHTTPTeacher(url=url, model=name, api_key_env=api_key_env)
    except ValidationError as error:
        raise ModelError(error.errors()[0]["msg"], where=url, hint="write it as http://HOST:PORT/v1#MODEL") from error
    return _remote(section, store, thinking, _of_command_line(f"`{url}`", name))


def _of_command_line(address: str, name: str) -> Callable[[str], str]:
    """Rewords what speaks of a recipe's section `teacher` for an endpoint that was given as URL#MODEL."""
    given = {"url": address, "model": f"`{name}` behind the `#`", "api_key_env": "`--api-key-env`"}

    def reword(text: str) -> str:
        text = re.sub(r"`(?:teacher\.)?api_key_env` or `(?:teacher\.)?api_key_file`", given["api_key_env"], text)
        return re.sub(r"`teacher\.(\w+)`", lambda key: given.get(key[1], f"`{key[1]}` in a FILE.yaml with a section `model`"), text)

    return reword


def _remote(section: OpenAIHTTPTeacher, store: Path, thinking: ThinkMode | None, reword: Callable[[str], str]) -> ChatModel:
    from seodang.models.remote.opening import open_remote

    mode = section.thinking if thinking is None else thinking
    model = open_remote(
        section.model_copy(update={"thinking": mode}), None, kept=store / "eval-answers" / section.key()[:16], reword=reword
    )
    if thinking in (ThinkMode.ON, ThinkMode.OFF) and model.preflight.thinking_switch == "no effect seen":
        model.close()
        raise ModelError(
            f"thinking cannot be turned {thinking}: the endpoint takes `enable_thinking`, and no effect of it was seen",
            where=model.preflight.place,
            hint="leave the think mode out, or serve a model whose chat template has the switch",
        )
    return model
