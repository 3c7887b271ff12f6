"""The text of rows in the forms that other tools write, without holding a file in memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.data.lines_file import LinesFile
from seodang.data.row_shapes import parts_of_spoken, spoken_in_row


class Texts(Sequence[str]):
    """The text of each row of a file: that of one field, or all that is asked and answered."""

    def __init__(self, lines: LinesFile, field: str | None = None) -> None:
        self._lines, self._field = lines, field

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return "\n".join(filter(None, parts_of_row(self._lines.row(index), self._lines.where(index), self._field)))

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


def parts_of_row(row: Mapping[str, Any], where: str, field: str | None = None) -> tuple[str, str]:
    """What is asked (with options and all turns before the answer) and what is answered; all of a row that is one text is its answer.

    InputError for a row in none of the forms.
    """
    if field is None:
        return parts_of_spoken(*spoken_in_row(row, where))
    if not isinstance(row.get(field), str):
        raise InputError(f"no text in `{field}`", where=where, hint="name a field that is a text in every row with --field")
    return "", row[field]
