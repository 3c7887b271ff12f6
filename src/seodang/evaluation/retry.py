"""What ended in an error in a finished evaluation is made unfinished, so that it is asked again."""

from pathlib import Path
from typing import Any

from seodang.core.artifact import MANIFEST, Artifact
from seodang.core.files import read_json_lines, write_json_lines
from seodang.evaluation.own_folder import told_in
from seodang.evaluation.run import journal_path


def forget_errors(folder: Path, key: str) -> bool:
    """Whether there was something to forget: a finished evaluation with this key of which some samples ended in errors.

    The batches of replies that hold an error leave the journal first, then the manifest goes. A kill between the two leaves a finished
    evaluation that can be asked anew; the other batches are not asked again.
    """
    artifact = Artifact(folder)
    if not told_in(folder):
        return False
    with artifact.locked():
        manifest = told_in(folder)
        if manifest.get("key") != key or not manifest["summary"]["num_errors"]:
            return False
        journal = journal_path(folder, key)
        if journal.is_file():
            write_json_lines(journal, [row for row in read_json_lines(journal) if not _has_error(row["value"])])
        (folder / MANIFEST).unlink()
    return True


def _has_error(answers: list[Any]) -> bool:
    return any(isinstance(answer, dict) and "error" in answer for answer in answers)
