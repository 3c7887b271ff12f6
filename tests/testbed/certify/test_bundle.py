"""Bundles: what was sealed is found again, and nothing that was changed passes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from seodang.backends.reference import ReferenceBackend
from seodang.core.errors import InputError
from seodang.core.signing import make_key, sign
from seodang.testbed.certify.broken.contract import ForgetsAVerdict
from seodang.testbed.certify.bundle import Bundle, check_target, contradictions, read_bundle, write_bundle
from seodang.testbed.certify.compare_bundles import compare_bundles
from seodang.testbed.certify.comparison_lines import comparison_lines
from seodang.testbed.certify.page import render_page
from seodang.testbed.certify.run import certify

Row = dict[str, Any]


@pytest.fixture(scope="module")
def certificate() -> Row:
    return certify(ReferenceBackend(), levels=(0,), families=("llama",)).row()


@pytest.fixture(scope="module")
def two_levels() -> Row:
    return certify(ReferenceBackend(), levels=(0, 4), families=("llama",)).row()


@pytest.fixture(scope="module")
def failed() -> Row:
    return certify(ForgetsAVerdict(), levels=(0,), families=("llama",)).row()


def test_a_bundle_holds_and_names_its_signer(certificate: Row, tmp_path: Path) -> None:
    key = tmp_path / "key"
    told = make_key(key)
    write_bundle(certificate, tmp_path / "signed", key)
    write_bundle(certificate, tmp_path / "open")
    signed, unsigned = read_bundle(tmp_path / "signed"), read_bundle(tmp_path / "open")
    assert (signed.problems, signed.signed_by, signed.certificate) == ((), told, json.loads(json.dumps(certificate)))
    assert (unsigned.problems, unsigned.signed_by) == ((), None)
    write_bundle(certificate, tmp_path / "open", key)
    assert read_bundle(tmp_path / "open").signed_by == told, "a bundle may be written again"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda folder: (folder / "certificate.json").write_text((folder / "certificate.json").read_text() + " "),
            "not the file that was sealed",
        ),
        (lambda folder: (folder / "certificate.html").write_text("all is well"), "not the file that was sealed"),
        (lambda folder: (folder / "certificate.html").unlink(), "not the file that was sealed"),
        (lambda folder: (folder / "more.txt").write_text("more"), "does not belong"),
    ],
)
def test_a_changed_file_is_told(certificate: Row, tmp_path: Path, change: Callable[[Path], object], problem: str) -> None:
    write_bundle(certificate, tmp_path / "bundle")
    change(tmp_path / "bundle")
    assert any(problem in told for told in read_bundle(tmp_path / "bundle").problems)


def test_another_seal_does_not_take_over_a_signature(certificate: Row, failed: Row, tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    write_bundle(failed, tmp_path / "bad", tmp_path / "key")
    write_bundle(certificate, tmp_path / "good")
    seal = json.loads((tmp_path / "good" / "seal.json").read_text())
    seal["signature"] = json.loads((tmp_path / "bad" / "seal.json").read_text())["signature"]
    (tmp_path / "good" / "seal.json").write_text(json.dumps(seal))
    found = read_bundle(tmp_path / "good")
    assert found.signed_by is None
    assert "the signature does not hold" in found.problems


def first_with_limit(row: Row) -> Row:
    return next(case for finding in row["findings"] for case in finding["cases"] if case["limit"] is not None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: first_with_limit(row).update(value=1e9), "is PASS at"),
        (lambda row: first_with_limit(row).update(value="nan"), "is PASS at"),
        (lambda row: row["findings"][0]["cases"][0].update(status="FAIL"), "its cases say FAIL"),
        (lambda row: row["findings"][0].update(cases=[]), "PASS without a case"),
        (lambda row: row["findings"].pop(), "are told to be PASS"),
        (lambda row: row["findings"].append(row["findings"][0]), "stands twice"),
        (lambda row: row.update(passed=False), "`passed` does not follow"),
        (lambda row: row["levels"].append(3), "level 3 was asked for and has no finding"),
        (lambda row: row["summary"][0].update(unsupported_share=0.5), "the summary by level does not follow"),
        (lambda row: row["summary"].pop(), "the summary by level does not follow"),
        (lambda row: (row["findings"].pop(3), row["counts"].update(PASS=row["counts"]["PASS"] - 1)), "was left out"),
        (lambda row: row.pop("counts"), "not of a form"),
        (lambda row: row["counts"].pop("FAIL"), "not of a form"),
        (lambda row: row["findings"][0].update(status="GREAT"), "not of a form"),
        (lambda row: row["findings"][0].update(level="0"), "not of a form"),
        (lambda row: row.update(schema=99), "not of a form"),
        (lambda row: row.update(findings=None), "not of a form"),
    ],
)
def test_a_certificate_that_contradicts_itself_is_told(two_levels: Row, change: Callable[[Row], object], told: str) -> None:
    copy = json.loads(json.dumps(two_levels))
    assert contradictions(copy) == []
    change(copy)
    assert any(told in problem for problem in contradictions(copy)), contradictions(copy)


def test_what_is_no_bundle_is_refused(certificate: Row, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no bundle here"):
        read_bundle(tmp_path / "nothing")
    write_bundle(certificate, tmp_path / "bundle")
    (tmp_path / "bundle" / "seal.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        read_bundle(tmp_path / "bundle")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        write_bundle(certificate, tmp_path / "full")


@pytest.mark.parametrize("text", ["[]", "5", "{}", '{"findings": [5]}'])
def test_what_is_no_certificate_is_told_and_compared_as_nothing(certificate: Row, tmp_path: Path, text: str) -> None:
    for name in ("bundle", "torn"):
        write_bundle(certificate, tmp_path / name)
    (tmp_path / "torn" / "certificate.json").write_text(text)
    found = read_bundle(tmp_path / "torn")
    assert found.certificate == {}
    assert any("not of a form" in problem for problem in found.problems)
    lines = "\n".join(comparison_lines(compare_bundles([read_bundle(tmp_path / "bundle"), found])))
    assert "does not hold" in lines


@pytest.mark.parametrize("signature", ["abc", [1], {"algorithm": "ed25519", "public_key": 5, "signature": None}])
def test_a_signature_of_another_form_does_not_hold(certificate: Row, tmp_path: Path, signature: object) -> None:
    write_bundle(certificate, tmp_path / "bundle")
    seal = json.loads((tmp_path / "bundle" / "seal.json").read_text())
    (tmp_path / "bundle" / "seal.json").write_text(json.dumps({**seal, "signature": signature}))
    assert read_bundle(tmp_path / "bundle").problems == ("the signature does not hold",)


def test_a_key_that_is_none_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key")
    with pytest.raises(InputError, match="no private key"):
        check_target(tmp_path / "new", tmp_path / "key")


def test_the_page_is_well_formed_in_two_languages_and_says_no_more_than_was_run(certificate: Row, failed: Row) -> None:
    good, bad = render_page(certificate), render_page(failed)
    for page in (good, bad):
        ElementTree.fromstring(
            page.partition("\n")[2].replace('<meta charset="utf-8">', "").replace('initial-scale=1">', 'initial-scale=1"/>')
        )
    assert f"{certificate['counts']['PASS']} checks of L0 passed and none failed." in good
    assert f"L0의 검사 {certificate['counts']['PASS']}개를 통과했고 실패는 없습니다." in good
    assert "checks of L0 failed." in bad
    assert "실패했습니다" in bad
    assert "passed and none failed" not in bad
    assert "synthetic" in good
    hostile = json.loads(json.dumps(certificate))
    hostile["backend"] = hostile["findings"][0]["what"] = "<script>alert(1)</script>"
    assert "<script" not in render_page(hostile)
    nothing = {**certificate, "counts": {"PASS": 0, "FAIL": 0, "UNSUPPORTED": 3, "NOT-RUN": 0}}
    assert "No check of L0 was run." in render_page(nothing)


def bundle(certificate: Row, problems: tuple[str, ...] = (), **changed: Any) -> Bundle:
    return Bundle(Path("bundle"), {**json.loads(json.dumps(certificate)), **changed}, None, problems)


def test_claimed_and_virtual_numbers_never_win_over_measured_ones(certificate: Row) -> None:
    def described(value: float, kind: str) -> Row:
        quantity = {"value": value, "unit": "B/s", "kind": kind, "source": "a test", "date": "2026-01-01"}
        return {"name": "chip", "memory": [{"name": "HBM", "bandwidth": quantity}]}

    measured = [bundle(certificate, description=described(value, "measured"), clock="measured") for value in (1e12, 2e12)]
    claimed = bundle(certificate, description=described(9e12, "claimed"), clock="measured")
    virtual = bundle(certificate, description=described(8e12, "measured"), clock="virtual")
    torn = bundle(certificate, ("torn",), description=described(7e12, "measured"), clock="measured")
    told = compare_bundles([claimed, *measured, virtual, torn])
    (row,) = [row for row in told["numbers"] if row["name"].endswith("bandwidth")]
    assert row["best"] == 2
    assert row["cells"][0]["kind"] == "claimed"
    assert compare_bundles([claimed, measured[0]])["numbers"][0]["best"] is None, "one measured number is the best of nothing"
    lines = "\n".join(comparison_lines(told))
    assert "* 2e+12 B/s measured" in lines
    assert "9e+12 B/s claimed" in lines
    assert "* 9e+12" not in lines
    assert "does not hold: torn" in lines


def test_the_least_time_wins_numbers_of_two_units_are_not_compared_and_an_unknown_clock_measures_nothing(certificate: Row) -> None:
    def described(value: float, unit: str) -> Row:
        return {"number": {"value": value, "unit": unit, "kind": "measured", "source": "a test", "date": "2026-01-01"}}

    def best(*told: tuple[float, str], clock: str = "measured") -> int | None:
        bundles = [bundle(certificate, description=described(*one), clock=clock) for one in told]
        return compare_bundles(bundles)["numbers"][0]["best"]

    assert best((2e-6, "s"), (1e-6, "s")) == 1
    assert best((300.0, "W"), (200.0, "W")) == 1
    assert best((2e12, "B/s"), (1e12, "B/s")) == 0
    assert best((2.0, "USD/h"), (2000.0, "KRW/h")) is None
    assert best((2e12, "B/s"), (1e12, "B/s"), clock="not known") is None


def test_checks_that_differ_stand_side_by_side(certificate: Row, failed: Row) -> None:
    other = json.loads(json.dumps(certificate))
    other["findings"] = [finding for finding in other["findings"] if finding["check"] != "version"]
    told = compare_bundles([bundle(certificate), bundle(failed), bundle(other)])
    cells = {row["check"]: row["cells"] for row in told["checks"]}
    assert cells["version"] == ["PASS", "PASS", "not asked"]
    assert cells["verdicts_are_consistent"] == ["PASS", "FAIL", "PASS"]


def test_bundles_are_checked_by_the_command(certificate: Row, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from seodang.cli.main import cli

    run = CliRunner().invoke
    for name in ("mine", "other"):
        assert run(cli, ["certify", "key", str(tmp_path / name)]).exit_code == 0
    write_bundle(certificate, tmp_path / "bundle", tmp_path / "mine")
    good = run(cli, ["certify", "verify", str(tmp_path / "bundle"), "--trust", str(tmp_path / "mine.pub"), "--json"])
    assert json.loads(good.output)["holds"] is True
    bad = run(cli, ["certify", "verify", str(tmp_path / "bundle"), "--trust", str(tmp_path / "other.pub"), "--json"])
    assert isinstance(bad.exception, InputError)
    assert json.loads(bad.output)["problems"][0].endswith("which is none of the trusted keys")
    shutil.copytree(tmp_path / "bundle", tmp_path / "copy")
    both = run(cli, ["certify", "compare", str(tmp_path / "bundle"), str(tmp_path / "copy")])
    assert both.output.count("signed by") == 2


def test_what_is_signed_is_the_seal(certificate: Row, tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    write_bundle(certificate, tmp_path / "bundle", tmp_path / "key")
    seal = json.loads((tmp_path / "bundle" / "seal.json").read_text())
    assert seal["signature"] == sign({"format": seal["format"], "files": seal["files"]}, tmp_path / "key")
