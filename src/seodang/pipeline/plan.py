"""A plan is an ordered list of steps. A step's key is the hash of everything that determines its output."""

import resource
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.distill.parallel import Team
from seodang.pipeline.workspace import Workspace

StepFunction = Callable[[Artifact, Progress], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `work` fills the artifact's folder and returns its summary, of which `line` makes the text that is shown."""

    name: str
    key: str
    work: StepFunction
    line: Callable[[dict[str, Any]], str]
    by_team: bool = False  # all processes of a team compute it together; otherwise the first one alone


@dataclass(frozen=True, slots=True)
class Done:
    """What a step left: its summary, how long it took when it was computed, and whether that was in an earlier run."""

    name: str
    key: str
    summary: dict[str, Any]
    seconds: float
    reused: bool
    disk_bytes: int = 0
    peak_memory_bytes: int | None = None  # of the process up to the step's end; None: not measured


def step_key(name: str, version: int, *parts: Any) -> str:
    """Digest of a step's name, the version of its code, its settings and its inputs' keys."""
    return digest([name, version, *parts])


def execute(steps: Sequence[Step], workspace: Workspace, *, synthetic: bool, surroundings: dict[str, Any], team: Team) -> list[Done]:
    """Computes what is missing, in order, and prints one line a step. `surroundings` (machine, versions) go into the new manifests."""
    finished: list[Done] = []
    for step in steps:
        artifact = workspace.artifact(step.name, step.key)
        reused = artifact.done
        team.wait()  # so that all have looked before the first one is done
        if not reused and team.first:
            with artifact.locked():
                if not artifact.done:
                    _compute(step, artifact, synthetic, surroundings)
        elif not reused and step.by_team:
            step.work(artifact, Progress(step.name))
        team.wait()
        manifest = artifact.manifest
        seconds = manifest["measured"].get("seconds", 0.0)
        disk_bytes = sum(file["bytes"] for file in manifest["files"].values())
        peak = manifest["measured"].get("peak_memory_bytes")
        finished.append(Done(step.name, step.key, manifest["summary"], seconds, reused, disk_bytes, peak))
        told = "reused" if reused else f"{seconds:.1f} s"
        if team.first:
            print(f"{step.name:<16} {step.line(manifest['summary'])}  ({told})", flush=True)
    return finished


def _compute(step: Step, artifact: Artifact, synthetic: bool, surroundings: dict[str, Any]) -> None:
    started = time.monotonic()
    with Progress(step.name) as progress:
        summary = step.work(artifact, progress)
    spent = round(time.monotonic() - started, 2)
    # A high-water mark of the whole process: what an earlier step of the same run held counts too.
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    measured = {"seconds": spent, "peak_memory_bytes": peak, **surroundings}
    artifact.finish(step=step.name, key=step.key, summary=summary, measured=measured, synthetic=synthetic)
    shutil.rmtree(artifact.folder / "partial", ignore_errors=True)


def say(text: str) -> None:
    """Talk, on stderr."""
    print(text, file=sys.stderr, flush=True)
