"""A certificate for people: one line a check, a table by level, and what failed, at the end."""

import textwrap

from seodang.testbed.certify.certificate import Certificate, summarise
from seodang.testbed.certify.finding import STATUSES, Finding

_WIDTH = 100


def finding_line(finding: Finding) -> str:
    """One line of at most 100 columns."""
    line = f"L{finding.level} {finding.status:<11} {finding.model[:14]:<14} {finding.check}"
    what = " ".join(finding.what.replace("; nearest to its limit:", ";").split())
    return line if not what else f"{line}: {what}" if len(line) + len(what) + 2 <= _WIDTH else f"{line}: {what}"[: _WIDTH - 1] + "…"


def table_lines(certificate: Certificate) -> list[str]:
    """Counts by level and model, with the share that the backend does not have."""
    head = f"{'level':<6}{'model':<22}" + "".join(f"{status:>13}" for status in STATUSES) + f"{'share of it':>14}"
    rows = [
        f"L{summary.level:<5}{summary.model[:20]:<22}"
        + "".join(f"{summary.counts[status]:>13}" for status in STATUSES)
        + f"{summary.unsupported:>13.0%} "
        for summary in summarise(certificate.findings)
    ]
    return [head, *(row.rstrip() for row in rows)]


def end_lines(certificate: Certificate) -> list[str]:
    """The table, what is not supported or was not run, and each failure with what was expected, seen, and where to look."""
    lines = ["", *table_lines(certificate), "(share of it: what is UNSUPPORTED, of all cases of the level)"]
    for finding in certificate.findings:
        if finding.status in ("UNSUPPORTED", "NOT-RUN"):
            lines.append(finding_line(finding))
    for finding in certificate.findings:
        if finding.status == "FAIL":
            lines += ["", *_failure(finding)]
    made = "weights are random numbers" if all(f.synthetic for f in certificate.findings) else "tiny models' weights are random numbers"
    word = "FAIL" if certificate.failed else "no FAIL"
    return [*lines, "", f"{certificate.backend} on {certificate.about.device or 'no device'}, {certificate.dtype}: {word}; {made}"]


def _failure(finding: Finding) -> list[str]:
    told = [f"FAIL L{finding.level} {finding.check} ({finding.model})"]
    for name, text in {"expected": finding.expected, "seen": finding.what, "look at": finding.look}.items():
        if text:
            told += textwrap.wrap(f"  {name}: {' '.join(text.split())}", _WIDTH, subsequent_indent="    ")
    return told
