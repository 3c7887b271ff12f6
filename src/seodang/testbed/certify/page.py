"""A certificate as one page in Korean and English: a pure function of its row."""

import html
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

Row = Mapping[str, Any]

_LEVELS = {
    0: ("계약", "contract"),
    1: ("연산자", "operators"),
    2: ("블록", "blocks"),
    3: ("모델", "model"),
    4: ("적재와 메모리", "loading and memory"),
    5: ("집합 통신", "collectives"),
    6: ("성능", "performance"),
}
_STATUSES = {"PASS": "통과", "FAIL": "실패", "UNSUPPORTED": "지원하지 않음", "NOT-RUN": "실행하지 않음"}
_KINDS = {"claimed": "공표", "measured": "측정", "derived": "유도"}


def render_page(certificate: Row) -> str:
    """The whole page; nothing of it is loaded from elsewhere."""
    style = (resources.files("seodang.testbed.certify") / "page.css").read_text(encoding="utf-8")
    title = f"{certificate['backend']}: {_verdict(certificate)[1]}"
    body = [
        f"<h1>{_text(certificate['backend'])}</h1>",
        _sentences(certificate),
        _heading("단계별 결과", "Results by level"),
        _summary(certificate),
        _heading("실패한 검사", "Checks that failed") if certificate["counts"]["FAIL"] else "",
        *(_fault(finding) for finding in certificate["findings"] if finding["status"] == "FAIL"),
        _heading("장치", "Device"),
        _device(certificate),
        _heading("모든 검사", "Every check"),
        _findings(certificate),
        _heading("환경", "Environment"),
        _environment(certificate),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{_text(title)}</title><style>{style}</style>"
    return (
        f'<!DOCTYPE html>\n<html lang="ko"><head>{head}</head><body><main>\n'
        + "\n".join(part for part in body if part)
        + "\n</main></body></html>\n"
    )


def _verdict(certificate: Row) -> tuple[str, str]:
    """What may be said in one sentence, in Korean and English: never more than was run."""
    counts = certificate["counts"]
    levels = _levels(certificate)
    others = counts["UNSUPPORTED"] + counts["NOT-RUN"]
    if not certificate["passed"]:
        return f"{levels}에서 검사 {counts['FAIL']}개가 실패했습니다.", f"{counts['FAIL']} checks of {levels} failed."
    if not counts["PASS"]:
        return f"{levels}에서 실행된 검사가 없습니다.", f"No check of {levels} was run."
    ko = f"{levels}의 검사 {counts['PASS']}개를 통과했고 실패는 없습니다." + (
        f" {others}개는 지원하지 않거나 실행하지 않았습니다." if others else ""
    )
    en = f"{counts['PASS']} checks of {levels} passed and none failed." + (f" {others} are unsupported or were not run." if others else "")
    return ko, en


def _levels(certificate: Row) -> str:
    levels = certificate["levels"]
    return f"L{levels[0]}" if len(levels) == 1 else f"L{levels[0]}-L{levels[-1]}"


def _sentences(certificate: Row) -> str:
    korean, english = _verdict(certificate)
    kind = "passed" if certificate["passed"] and certificate["counts"]["PASS"] else "failed"
    lines = [f'<p class="verdict {kind}">{_text(korean)}</p>', f'<p class="verdict {kind}" lang="en">{_text(english)}</p>']
    if any(finding["synthetic"] for finding in certificate["findings"]):
        lines.append("<p>가중치는 무작위입니다(synthetic): 정확도가 아니라 계산이 같은지를 봅니다.</p>")
        lines.append('<p lang="en">Weights are random (synthetic): this is about equal computation, not about accuracy.</p>')
    if certificate["shapes"] != "real":
        lines.append("<p>L1은 작은 형상으로만 실행했습니다.</p>" + '<p lang="en">Level 1 was run on small shapes only.</p>')
    return "\n".join(lines)


def _summary(certificate: Row) -> str:
    rows = [
        [
            f"L{row['level']} {_both(*_LEVELS[row['level']])}",
            _text(row["model"]),
            *(_number(row["counts"][status], status) for status in _STATUSES),
            f"{100 * row['unsupported_share']:.0f} %",
        ]
        for row in certificate["summary"]
    ]
    columns = [
        ("단계", "level"),
        ("모델", "model"),
        *((korean, english) for english, korean in _STATUSES.items()),
        ("미지원 비율", "share unsupported"),
    ]
    return _table(columns, rows)


def _number(count: int, status: str) -> str:
    return f'<span class="{status}">{count}</span>' if count else "0"


def _fault(finding: Row) -> str:
    told = [(("본 것", "seen"), finding["what"]), (("바른 것", "expected"), finding["expected"]), (("볼 곳", "look at"), finding["look"])]
    parts = "".join(f"<dt>{_both(*name)}</dt><dd>{_text(text)}</dd>" for name, text in told if text)
    return f"<section><h3>L{finding['level']} {_text(finding['check'])} ({_text(finding['model'])})</h3><dl>{parts}</dl></section>"


def _device(certificate: Row) -> str:
    description = certificate.get("description")
    if not description:
        return f"<p>{_text(certificate['device'])}</p>"
    rows = [
        [
            _text(name),
            f"{quantity['value']:.4g} {_text(quantity['unit'])}",
            _both(_KINDS[quantity["kind"]], quantity["kind"]),
            _text(quantity["source"]),
            quantity["date"],
        ]
        for name, quantity in quantities(description)
    ]
    note = f"<p>{_text(description['note'])}</p>" if description.get("note") else ""
    columns = [("값", "quantity"), ("수", "number"), ("종류", "kind"), ("출처", "source"), ("날짜", "date")]
    return f"<p>{_text(description['name'])}, {_text(description['vendor'])}</p>" + note + _table(columns, rows)


def quantities(description: Row) -> list[tuple[str, Row]]:
    """Every number of a description with a name, however deep it stands."""

    def walk(name: str, value: Any) -> Iterable[tuple[str, Row]]:
        if isinstance(value, Mapping) and {"value", "unit", "kind", "source"} <= set(value):
            yield name, value
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                yield from walk(f"{name}.{key}" if name else str(key), inner)
        elif isinstance(value, list | tuple):
            for place, inner in enumerate(value):
                label = inner.get("name", place) if isinstance(inner, Mapping) else place
                yield from walk(f"{name}.{label}", inner)

    return list(walk("", description))


def _findings(certificate: Row) -> str:
    rows = [
        [
            f"L{finding['level']}",
            _text(finding["check"]),
            _text(finding["model"]),
            f'<span class="{finding["status"]}">{_both(_STATUSES[finding["status"]], finding["status"])}</span>',
            _text(finding["what"]),
        ]
        for finding in certificate["findings"]
    ]
    return _table([("단계", "level"), ("검사", "check"), ("모델", "model"), ("결과", "result"), ("본 것", "seen")], rows)


def _environment(certificate: Row) -> str:
    packages = certificate["environment"].get("packages", {})
    told = (
        {key: value for key, value in certificate["environment"].items() if key != "packages"}
        | packages
        | {"made": certificate["made"], "dtype": certificate["dtype"]}
    )
    return _table([("항목", "item"), ("값", "value")], [[_text(str(key)), _text(str(value))] for key, value in told.items()])


def _heading(korean: str, english: str) -> str:
    return f"<h2>{_both(korean, english)}</h2>"


def _both(korean: str, english: str) -> str:
    return f'{_text(korean)} <small lang="en">{_text(english)}</small>'


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_both(*column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _text(text: str) -> str:
    """Escaped; what a backend or its errors say is not markup."""
    return html.escape("".join(letter if letter.isprintable() else " " for letter in str(text))[:600])
