"""Runs the kit: every check of every asked level, once for each model, whatever a backend does."""

import shutil
import tempfile
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from seodang.backends.contract import Backend
from seodang.backends.registry import open_backend
from seodang.testbed.certify.certificate import About, Certificate, look_at, make_certificate
from seodang.testbed.certify.check import BOTH, Check
from seodang.testbed.certify.finding import Finding, NotJudged, Status
from seodang.testbed.certify.levels import LEVELS, OWN_LEVELS, checks_of
from seodang.testbed.certify.subject import LIMITS, Family, Model, Shapes, Subject, make_model, open_model

Told = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the kit is asked to look at. `model` is a user's folder, which goes through levels 3 and 4 beside the tiny models; `steady_s` is
    how long each steady state of level 6 lasts, 0 for none."""

    levels: tuple[int, ...] = LEVELS
    families: tuple[Family, ...] = BOTH
    dtype: str = "float32"
    model: Path | None = None
    shapes: Shapes = "real"
    steady_s: float = 0.0

    def places(self) -> list[tuple[int, str, str]]:
        """(level, whose model, check) for every finding that there will be, in order. Whose: a family, or "own"."""
        found: list[tuple[int, str, str]] = []
        for level in self.levels:
            for family in self.families:
                found += [(level, family, check.name) for check in checks_of(level) if family in check.families]
            if self.model is not None and level in OWN_LEVELS:
                family = open_model(self.model)[0]
                found += [(level, "own", c.name) for c in checks_of(level) if family in c.families and not c.tiny_only]
        return found


def certify(
    backend: Backend | str,
    *,
    levels: Sequence[int] = LEVELS,
    families: Sequence[Family] = BOTH,
    dtype: str = "float32",
    model: Path | None = None,
    shapes: Shapes = "real",
    steady_s: float = 0.0,
    told: Told | None = None,
) -> Certificate:
    """Puts a backend to the proof. One that is named is run in a process of its own, so that a crash costs one finding; one that is given
    as an object is run here. `told` is called with each finding. BackendError for a name that is not known."""
    asked = Asked(tuple(levels), tuple(families), dtype, model, shapes, steady_s)
    known = open_backend(backend) if isinstance(backend, str) else backend
    if isinstance(backend, str):
        from seodang.testbed.certify.isolation import isolated

        found = isolated(backend, asked)
    else:
        found = examine(backend, asked, asked.places())
    findings: list[Finding] = []
    about = About("", None, "not known")
    for said in found:
        if isinstance(said, About):
            about = said
            continue
        findings.append(said)
        if told is not None:
            told(said)
    return make_certificate(known, about, findings, levels=asked.levels, dtype=dtype, shapes=shapes, families=asked.families)


def examine(backend: Backend, asked: Asked, places: Sequence[tuple[int, str, str]]) -> Iterator[About | Finding]:
    """What the backend is, then the findings of these places, in this process."""
    with _subjects(backend, asked) as subject_of:
        yield look_at([subject_of(family) for family in asked.families])
        for level, whose, name in places:
            check = next(check for check in checks_of(level) if check.name == name)
            yield run_check(level, check, subject_of(whose))


def run_check(level: int, check: Check, subject: Subject) -> Finding:
    """One finding, whatever happens: an exception that no check foresees is a FAIL with its text."""
    try:
        outcome = check.function(subject)
    except NotJudged as error:
        return made(level, check.name, subject.family, subject.model, error.status, str(error))
    except Exception as error:  # noqa: BLE001 - whatever a backend raises is what the kit is there to find
        place = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        return made(level, check.name, subject.family, subject.model, "FAIL", told, expected=f"no exception; {check.proves}")
    return Finding(
        level, check.name, subject.family, subject.model.name, outcome.status, outcome.what, outcome.expected, outcome.look,
        outcome.cases, subject.model.synthetic,
    )  # fmt: skip


def made(level: int, check: str, family: str, model: Model, status: Status, what: str, expected: str = "") -> Finding:
    """A finding without cases."""
    return Finding(level, check, family, model.name, status, what, expected, "", (), model.synthetic)


@contextmanager
def _subjects(backend: Backend, asked: Asked) -> Generator[Callable[[str], Subject]]:
    """A function from whose model to its subject; models are made when they are first asked for, and removed at the end."""
    work = Path(tempfile.mkdtemp(prefix="seodang-certify-"))
    device, absent = _first_device(backend)
    kept: dict[str, Subject] = {}

    def subject_of(whose: str) -> Subject:
        if whose not in kept:
            if whose == "own":
                assert asked.model is not None
                family, model = open_model(asked.model)
            else:
                family = "latent" if whose == "latent" else "llama"
                model = make_model(family, work / family)
            limits = replace(LIMITS, dtype=asked.dtype)
            kept[whose] = Subject(backend, family, model, asked.dtype, work, limits, device, asked.shapes, absent, asked.steady_s)
        return kept[whose]

    try:
        yield subject_of
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _first_device(backend: Backend) -> tuple[str, str]:
    """The first device that a probe gives, and why there is none."""
    try:
        probe = backend.probe()
    except Exception as error:  # noqa: BLE001 - level 0 has a check for this; the others are NOT-RUN with the reason
        return "", f"probe raised {type(error).__name__}: {error}"
    return (probe.devices[0], "") if probe.devices else ("", probe.reason)
