"""What the steps of one run share: the recipe, where things are, and models that are opened when they are first needed."""

import difflib
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError, RecipeError
from seodang.core.files import read_json_lines
from seodang.core.hashing import digest, digest_file
from seodang.core.records import Action, Passage, Record
from seodang.distill.parallel import Team
from seodang.models.chat_model import ChatModel
from seodang.models.chat_template import read_template
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher, model_folder
from seodang.models.think import ThinkMode
from seodang.pipeline.recipe import Recipe
from seodang.pipeline.think import open_student, open_teacher
from seodang.pipeline.workspace import REMOTE_ANSWERS, Workspace


@dataclass
class RunContext:
    """`base` is the folder of the recipe, where its relative paths start; `file` is the recipe, if it was read from one."""

    recipe: Recipe
    base: Path
    workspace: Workspace
    artifacts: dict[str, Artifact] = field(default_factory=dict)  # of the plan's steps, by name
    team: Team = field(default_factory=Team)  # the processes that carry the plan out
    file: Path | None = None

    @property
    def student_source(self) -> LocalTeacher:
        """The weights that the student starts from."""
        if self.recipe.student_model is not None:
            return self.recipe.student_model
        if not isinstance(self.recipe.teacher, LocalTeacher):
            raise RecipeError(
                "`student_model`: missing; weights that a server holds cannot be trained",
                hint="name the student's weights, as a local teacher is named (see `seodang explain student_model`)",
            )
        return self.recipe.teacher

    @property
    def synthetic(self) -> bool:
        """Whether a stand-in is taught or teaches."""
        sources = (self.recipe.teacher, self.recipe.student_model)
        return any(source.synthetic for source in sources if isinstance(source, LocalTeacher))

    def source_key(self, section: LocalTeacher | OpenAIHTTPTeacher) -> str:
        """Digest of what determines a model's answers, without opening it."""
        if isinstance(section, OpenAIHTTPTeacher):
            return section.key()
        weights = self.weights_key(section)
        return weights if section.thinking is ThinkMode.NONE else digest([weights, section.thinking])

    def weights_key(self, section: LocalTeacher) -> str:
        """Digest of a model's weights and tokenizer, without opening it."""
        if section.path is None:
            template = [read_template((self.base / section.chat_template).resolve())] if section.chat_template else []
            return digest([section.key(), *template]) if template else section.key()
        folder = model_folder(section, self.workspace.store, self.base)
        return digest(
            {
                path.name: digest_file(path)
                for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.jinja")])
            }
        )

    @cached_property
    def student_folder(self) -> Path:
        return model_folder(self.student_source, self.workspace.store, self.base)

    @property
    def student_start(self) -> Path:
        """The folder that training starts from: the student's weights, or what the step `tokenizer` made for a student with its own one."""
        return self.artifacts["tokenizer"].folder if "tokenizer" in self.artifacts else self.student_folder

    @cached_property
    def teacher(self) -> ChatModel:
        """The teacher, for building, checking and capturing: bfloat16 where the processor is fast in it."""
        if isinstance(self.recipe.teacher, OpenAIHTTPTeacher):
            from seodang.models.local import LocalModel
            from seodang.models.remote.opening import open_remote

            kept = self.workspace.store / REMOTE_ANSWERS / self.source_key(self.recipe.teacher)[:16]
            return open_remote(self.recipe.teacher, LocalModel(self.student_folder).tokenizer, kept=kept)
        return self.open_teacher(self.recipe.teacher, "auto")

    def open_teacher(self, section: LocalTeacher, dtype: str) -> ChatModel:
        """A local teacher, in its think mode."""
        from seodang.models.local import use_threads

        use_threads()
        folder = model_folder(section, self.workspace.store, self.base)
        return open_teacher(folder, section.thinking, name=section.name, dtype=dtype, synthetic=section.synthetic)

    def open_student(self, folder: Path, section: LocalTeacher | None = None, name: str | None = None) -> ChatModel:
        """A student in float32 and in its think mode, or the weights of `section` that it starts from. `name`: the section's or the
        folder's by default."""
        from seodang.models.local import use_threads

        use_threads()
        called, synthetic = (section.name, section.synthetic) if section else (folder.name, self.synthetic)
        return open_student(folder, self.recipe.distill.think_share, name=name or called, dtype="float32", synthetic=synthetic)

    @cached_property
    def passages(self) -> list[Passage]:
        rows = read_json_lines(self.artifacts["ingest"].folder / "passages.jsonl")
        return [Passage(**{key: value for key, value in row.items() if key != "id"}) for row in rows]

    @cached_property
    def passages_by_id(self) -> dict[str, Passage]:
        return {passage.id: passage for passage in self.passages}

    @cached_property
    def actions(self) -> list[Action]:
        rows = read_json_lines(self.artifacts["ingest"].folder / "actions.jsonl")
        return [Action.from_row(row) for row in rows]

    @cached_property
    def accepted(self) -> list[Record]:
        rows = read_json_lines(self.artifacts["verify"].folder / "accepted.jsonl")
        keep = {field.name for field in fields(Record)}
        return [Record.from_row({key: value for key, value in row.items() if key in keep}) for row in rows]

    def resolve(self, paths: tuple[str, ...]) -> list[Path]:
        """The files that a recipe names. InputError, with a near match, for one that is not there."""
        files = [(self.base / path).resolve() for path in paths]
        for given, file in zip(paths, files, strict=True):
            if not file.is_file():
                siblings = [path.name for path in file.parent.iterdir()] if file.parent.is_dir() else []
                near = difflib.get_close_matches(file.name, siblings, n=1)
                hint = f"did you mean `{Path(given).parent / near[0]}`?" if near else "paths start at the recipe's folder"
                raise InputError("a folder, not a file" if file.is_dir() else "file not found", where=given, hint=hint)
        return files
