"""Where runs live: `runs/NAME` for a run, `runs/.store` for what runs share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.models.source import LocalTeacher, model_folder

RUN_FILE = "run.json"
REMOTE_ANSWERS = "remote-answers"  # in the store: what remote teachers wrote, one folder a teacher
TARGET_CACHES = "target-cache"  # in the store: what teachers were asked, one folder a teacher
LEDGERS = "ledger"  # in the store: records with every verdict on them, one folder a step `build`
DEFAULT_ROOT = Path("runs")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder given with --runs. Steps are stored by key, so that runs with equal steps share them."""

    root: Path = DEFAULT_ROOT

    @property
    def store(self) -> Path:
        return self.root / ".store"

    def artifact(self, step: str, key: str) -> Artifact:
        return Artifact(self.store / step.split(".", 1)[0] / key[:16])

    def run_folder(self, name: str) -> Path:
        return self.root / name


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was started: its recipe, its steps with their artifacts, and where its student is."""

    folder: Path
    row: dict[str, Any]

    @property
    def name(self) -> str:
        return self.row["name"]

    @property
    def think_share(self) -> float:
        """Share of the answer tokens that its students are taught in think mode."""
        return self.row["recipe"].get("distill", {}).get("think_share", 0.0)

    def artifact(self, step: str) -> Artifact:
        for row in self.row["steps"]:
            if row["name"] == step:
                return Artifact(self.folder.parent / ".store" / step.split(".", 1)[0] / row["key"][:16])
        raise InputError(f"the run has no step `{step}`", where=str(self.folder), hint="run its recipe again")

    def model_folder(self, arm: str = "distilled", seed: int | None = None) -> Path:
        """The checkpoint of `base` or of a trained arm. InputError where it is not there yet, or there is no such arm."""
        if arm == "base":
            source = LocalTeacher(**self.row["student_source"])
            return model_folder(source, self.folder.parent / ".store", Path(self.row["base"]))
        trained = dict.fromkeys(row["name"].split(".")[1] for row in self.row["steps"] if row["name"].startswith("train."))
        if arm not in trained:
            known = ", ".join(["base", *trained])
            raise InputError(f"no student `{arm}`", where=str(self.folder), hint=f"there are: {known}")
        seeds = self.row["recipe"]["evaluate"]["seeds"]
        artifact = self.artifact(f"train.{arm}.{seeds[0] if seed is None else seed}")
        if not artifact.done:
            raise InputError(
                f"the {arm} student is not trained yet", where=str(self.folder), hint="finish the run first: `seodang run RECIPE`"
            )
        return artifact.folder / "checkpoint"


def open_run(path: Path) -> Run:
    """A run by its folder; InputError where there is none."""
    if not (path / RUN_FILE).is_file():
        known = sorted(p.parent.name for p in path.parent.glob(f"*/{RUN_FILE}")) if path.parent.is_dir() else []
        hint = f"runs there: {', '.join(known)}" if known else "`seodang run recipes/telecom_demo.yaml` makes one"
        raise InputError("no run here", where=str(path), hint=hint)
    return read_run(path)


def read_run(folder: Path) -> Run:
    """The run of a folder that has a record; InputError where the record is not one."""
    row = read_json(folder / RUN_FILE)
    if not isinstance(row, dict) or not {"name", "recipe", "base", "student_source", "synthetic", "steps"} <= row.keys():
        raise InputError("not the record of a run", where=str(folder / RUN_FILE), hint="run its recipe again: it writes the record anew")
    return Run(folder, row)
