"""A chat template for a model that has none, such as a base model: the model's folder once more, with the template in it."""

import os
import shutil
from pathlib import Path

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import storage_errors
from seodang.core.hashing import digest, digest_file

_TEMPLATE = "chat_template.jinja"  # where transformers keeps it
_LEFT_OUT = {"manifest.json", ".lock", _TEMPLATE}


def read_template(path: Path) -> str:
    """The text of a template. InputError where it is missing, empty or not UTF-8."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("no chat template can be read here", where=str(path), hint="paths start at the recipe's folder") from error
    if not text.strip():
        raise InputError("the chat template is empty", where=str(path), hint="write one in Jinja, as models bring it along")
    return text


def with_template(folder: Path, template: Path, models: Path) -> Path:
    """A folder below `models` with the files of the model in `folder` and this template instead of its own, made on first use.

    Files are linked where the disk allows it and copied otherwise. The folder's name follows from the template and from the files.
    """
    text = read_template(template)
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in _LEFT_OUT}
    key = digest([text, {name: digest_file(path) for name, path in files.items()}])
    artifact = Artifact(models / key[:16])
    if artifact.done:
        return artifact.folder
    with artifact.locked(), storage_errors(artifact.folder):
        if not artifact.done:
            for name, path in files.items():
                _link(path, artifact.folder / name)
            (artifact.folder / _TEMPLATE).write_text(text, encoding="utf-8")
            artifact.finish(step="model", key=key, summary={"template": template.name}, measured={}, synthetic=False)
    return artifact.folder


def _link(path: Path, new: Path) -> None:
    new.unlink(missing_ok=True)
    try:
        os.link(path, new)
    except OSError:
        shutil.copy2(path, new)
