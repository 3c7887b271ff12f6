"""A certificate as a folder that organisations can exchange: JSON, a page, their hashes, and who signed them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang import __version__
from seodang.core.errors import InputError
from seodang.core.files import read_json, storage_errors, write_atomically, write_json
from seodang.core.hashing import digest_file
from seodang.core.signing import sign, signer
from seodang.testbed.certify.certificate import summarise
from seodang.testbed.certify.certificate_form import unknown_form
from seodang.testbed.certify.finding import read_finding
from seodang.testbed.certify.page import render_page
from seodang.testbed.certify.run import Asked

CERTIFICATE, PAGE, SEAL = "certificate.json", "certificate.html", "seal.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was read of a bundle. `certificate` is empty where it is not of a form that this version knows. `signed_by` is a key's
    fingerprint, None where nobody signed; `problems` is why it cannot be trusted, empty where it holds."""

    folder: Path
    certificate: dict[str, Any]
    signed_by: str | None
    problems: tuple[str, ...]


def write_bundle(certificate: dict[str, Any], folder: Path, key: Path | None = None) -> None:
    """Writes a certificate's row; with a private key, signed. InputError where `check_target` says so."""
    check_target(folder, key)
    (folder / SEAL).unlink(missing_ok=True)
    write_json(folder / CERTIFICATE, certificate)
    write_atomically(folder / PAGE, render_page(certificate))
    content = {"format": _FORMAT, "files": {name: digest_file(folder / name) for name in (CERTIFICATE, PAGE)}}
    write_json(folder / SEAL, {**content, "signature": None if key is None else sign(content, key)})


def check_target(folder: Path, key: Path | None = None) -> None:
    """InputError where the folder holds other files or the key is none; makes the folder. For before the work that the bundle tells of."""
    if key is not None:
        sign("", key)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if {path.name for path in folder.iterdir()} - {CERTIFICATE, PAGE, SEAL}:
        raise InputError("this folder holds other files", where=str(folder), hint="name a new one")


def read_bundle(folder: Path) -> Bundle:
    """Reads and checks a bundle, offline. InputError where it is none; whatever else is wrong stands in `problems`."""
    for name in (CERTIFICATE, SEAL):
        if not (folder / name).is_file():
            raise InputError(
                f"no bundle here (`{name}` is missing)", where=str(folder), hint="name a folder that `seodang certify --out` wrote"
            )
    try:
        certificate, seal = read_json(folder / CERTIFICATE), read_json(folder / SEAL)
        content = {name: seal[name] for name in ("format", "files")}
        files: dict[str, str] = dict(seal["files"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"a bundle that cannot be read ({type(error).__name__})", where=str(folder), hint="ask for it again") from error
    problems = [f"{name} is not the file that was sealed" for name, told in files.items() if not _is(folder / name, told)]
    problems += [f"{name} is not sealed" for name in (CERTIFICATE, PAGE) if name not in files]
    problems += [f"{path.name} does not belong to the bundle" for path in folder.iterdir() if path.name not in (*files, SEAL)]
    signature = seal.get("signature")
    signed_by = signer(content, signature) if signature else None
    if signature and signed_by is None:
        problems.append("the signature does not hold")
    if content["format"] != _FORMAT:
        problems.append(f"a seal of format {content['format']}, this version knows {_FORMAT}")
    problems += contradictions(certificate)
    if unknown_form(certificate):
        return Bundle(folder, {}, signed_by, tuple(problems))
    if not problems and (folder / PAGE).read_bytes() != render_page(certificate).encode():
        problems.append(f"{PAGE} does not say what {CERTIFICATE} says (or another version of seodang wrote it)")
    return Bundle(folder, certificate, signed_by, tuple(problems))


def contradictions(certificate: Any) -> list[str]:
    """Where a certificate does not follow from its own numbers: a case from its value and limit, a finding from its cases, counts and
    shares from findings; and which checks were left out, where this version made it."""
    unknown = unknown_form(certificate)
    if unknown:
        return [unknown]
    found: list[str] = []
    findings: list[dict[str, Any]] = certificate["findings"]
    for finding in findings:
        name = f"L{finding['level']} {finding['check']} ({finding['model']})"
        for case in finding["cases"]:
            value, limit = case["value"], case["limit"]
            if value is not None and limit is not None and case["status"] in ("PASS", "FAIL"):
                holds = not isinstance(value, str) and float(value) <= float(limit)
                if holds != (case["status"] == "PASS"):
                    found.append(f"{name}: `{case['name']}` is {case['status']} at {value}, limit {limit}")
        statuses = {case["status"] for case in finding["cases"]}
        follows = next((status for status in ("FAIL", "PASS", "UNSUPPORTED") if status in statuses), "NOT-RUN")
        if finding["cases"] and follows != finding["status"]:
            found.append(f"{name}: {finding['status']}, but its cases say {follows}")
        if not finding["cases"] and finding["status"] == "PASS":
            found.append(f"{name}: PASS without a case")
    for status, told in certificate["counts"].items():
        counted = sum(finding["status"] == status for finding in findings)
        if counted != told:
            found.append(f"{told} findings are told to be {status}, there are {counted}")
    if certificate["summary"] != [summary.row() for summary in summarise([read_finding(finding) for finding in findings])]:
        found.append("the summary by level does not follow from the findings")
    if certificate["passed"] != all(finding["status"] != "FAIL" for finding in findings):
        found.append("`passed` does not follow from the findings")
    places = [(finding["level"], finding["check"], finding["model"]) for finding in findings]
    found += [f"L{level} {check} ({model}) stands twice" for level, check, model in sorted({p for p in places if places.count(p) > 1})]
    found += [f"level {level} was asked for and has no finding" for level in certificate["levels"] if level not in {p[0] for p in places}]
    return found + _left_out(certificate)


def _left_out(certificate: dict[str, Any]) -> list[str]:
    """Checks of the asked levels and families without a finding. Other versions of seodang have other checks, and are not judged."""
    if certificate["environment"].get("seodang") != __version__:
        return []
    there = {(finding["level"], finding["family"], finding["check"]) for finding in certificate["findings"]}
    wanted = Asked(tuple(certificate["levels"]), tuple(certificate["families"])).places()
    return [
        f"L{level} {check} ({family}) was left out, or the checks of this version have changed since"
        for level, family, check in wanted
        if (level, family, check) not in there
    ]


def _is(path: Path, told: str) -> bool:
    return path.is_file() and digest_file(path) == told
