"""A question from a command, as a row; and anchors by id or file."""

from pathlib import Path

from seodang.core.errors import InputError
from seodang.testbed.predict.layouts import asked_layout
from seodang.testbed.predict.rows import Row, evidence, read_rows

_CLIENTS = 16  # where a layout is given and no concurrency


def asked_row(
    *,
    model: str,
    device: str,
    count: int,
    layout: str | None,
    input_tokens: float,
    output_tokens: float,
    concurrency: int | None,
    framework: str,
    weights: str,
    acceptance: float | None = None,
    kv: str | None = None,
) -> Row:
    """The row of a time per token that asks this. Lengths are means, as they are given. PredictionRefused for a layout that is none."""
    laid = asked_layout(layout) if layout is not None else None
    notes = [f"acceptance {acceptance:.6f}"] if acceptance is not None else []
    notes += [f"{kv.upper()} KV"] if kv is not None else []
    return Row(
        id="asked",
        split="",
        device=device,
        count=count,
        framework=framework,
        model=model,
        weights=weights,
        tp=laid.tp if laid is not None else None,
        dp=laid.dp if laid is not None else None,
        ep=laid.ep if laid is not None else None,
        pp=laid.pp if laid is not None else None,
        phase="mixed",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency if concurrency is not None or laid is None else _CLIENTS,
        metric="tpot",
        value=None,
        unit="ms",
        note="; ".join(notes),
        source="asked",
    )


def find_anchor(given: str) -> Row:
    """The measured row of that id, or the one row of a CSV file. InputError for neither, or where it has no value."""
    by_id = {row.id: row for row in evidence()}
    if given in by_id:
        row = by_id[given]
    else:
        path = Path(given)
        if not path.is_file():
            raise InputError("no row of this id and no such file", where=given, hint="name a row such as 1, or a CSV file with one row")
        rows = read_rows(path)
        if len(rows) != 1:
            raise InputError(f"{len(rows)} rows: an anchor is one measured point", where=given, hint="keep one row in the file")
        row = rows[0]
    if row.value is None:
        raise InputError("an anchor needs a measured value", where=given, hint="fill the column value")
    return row
