"""Rows of data against an exam: items inside of rows, rows inside of items, and items in other words by their numbers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seodang.data.batches import in_batches, map_batches
from seodang.data.contamination.answer_keys import AnswerKey, possible_keys, same_keys
from seodang.data.contamination.index import ExamIndex, ExamItem, GramTable
from seodang.data.contamination.streams import GRAM_SIZE, LEAST_RUN, Cut, Tokens, cut
from seodang.data.lines_file import LinesFile, row_of_line
from seodang.data.row_text import parts_of_row

ITEM_IN_ROW, ROW_IN_ITEM, ANSWER_KEY = "item_in_row", "row_in_item", "answer_key"
DEFAULT_COVERAGE = 0.5
_BATCH_CHARACTERS = 1 << 18
_BATCH_BYTES = 1 << 19
_NEARLY_ALL = 0.9  # of an item's n-grams, from which no run is asked for: common n-grams, which are left out, can cut runs short
_SHOWN = 300  # characters of matched text

Row = ExamItem  # a row of data has the same two parts as an item: what is asked, and the answer (alone, where a row is one text)


@dataclass(frozen=True, slots=True)
class Finding:
    """A row and an exam item that share their wording or their numbers.

    `coverage` is the share of the item's n-grams (item_in_row) or of the row's (row_in_item) that are in the other, and 1 for equal answer
    keys. `longest_run` is the longest shared wording in characters or words (`unit`), or the number of equal numbers. `matched` is that
    wording, folded. A finding that is not `certain` needs a person's look.
    """

    item: int
    direction: str
    coverage: float
    longest_run: int
    unit: str
    matched: str
    certain: bool = True


def scan(rows: Iterable[Row], index: ExamIndex, coverage: float = DEFAULT_COVERAGE, workers: int = 1) -> Iterator[list[Finding]]:
    """The findings of each row, in the order of the rows, the largest coverage first. Every item is compared with every row; nothing is
    cut off at some number of hits."""
    batches = in_batches(rows, lambda row: len(row.question) + len(row.answer), _BATCH_CHARACTERS)
    for found in map_batches(partial(_scan_batch, index=index, coverage=coverage), batches, workers):
        yield from found


def scan_lines(lines: LinesFile, index: ExamIndex, coverage: float = DEFAULT_COVERAGE, workers: int = 1) -> Iterator[list[Finding]]:
    """`scan` of the rows of a file, which are read where they are scanned. InputError for a line that is no row."""
    numbered = ((lines.where(place), lines.line(place)) for place in range(len(lines)))
    batches = in_batches(numbered, lambda line: len(line[1]), _BATCH_BYTES)
    for found in map_batches(partial(_scan_lines, index=index, coverage=coverage), batches, workers):
        yield from found


def _scan_lines(lines: list[tuple[str, bytes]], index: ExamIndex, coverage: float) -> list[list[Finding]]:
    return _scan_batch([Row(*parts_of_row(row_of_line(line, where), where)) for where, line in lines], index, coverage)


def _scan_batch(rows: list[Row], index: ExamIndex, coverage: float) -> list[list[Finding]]:
    texts = [f"{row.question}\n{row.answer}" for row in rows]
    tables = [table for table in index.tables if len(table.grams)]
    cut_rows = cut(texts, [table.stream for table in tables])
    findings: list[list[Finding]] = [[] for _ in rows]
    for table in tables:
        for row, finding in _alike(cut_rows, table, coverage):
            findings[row].append(finding)
    for row, keys in possible_keys(cut_rows.folded, index.keys).items():
        findings[row] += _by_key(rows[row], keys, {finding.item for finding in findings[row]})
    return [sorted(found, key=lambda finding: (-finding.certain, -finding.coverage, finding.item)) for found in findings]


def _by_key(row: Row, keys: Sequence[tuple[int, AnswerKey]], known: set[int]) -> list[Finding]:
    return [
        Finding(match.item, ANSWER_KEY, 1.0, match.num_numbers, "numbers", row.question or row.answer[:_SHOWN], match.certain)
        for match in same_keys(row.question, row.answer, keys)
        if match.item not in known
    ]


def _alike(cut_rows: Cut, table: GramTable, coverage: float) -> Iterator[tuple[int, Finding]]:
    """Rows and items of one stream that share enough n-grams."""
    tokens = cut_rows.streams[table.stream]
    places, numbers = table.find(tokens)
    if not places.size:
        return
    hits = _Hits.of(places, numbers, tokens, table, coverage)
    size = GRAM_SIZE[table.stream]
    row_tokens = np.diff(tokens.offsets)[hits.rows]
    of_item = hits.distinct / table.num_grams[hits.items]
    of_row = hits.counts / _row_grams(tokens, table)[hits.rows]
    runs = hits.longest + size - 1
    least = LEAST_RUN[table.stream]
    long_enough = (runs >= np.minimum(least, table.num_tokens[hits.items])) | (of_item >= _NEARLY_ALL)
    inside_row = (of_item >= coverage) & long_enough
    inside_item = (of_row >= coverage) & (runs >= np.minimum(least, row_tokens)) & ~inside_row
    for direction, chosen, share in ((ITEM_IN_ROW, inside_row, of_item), (ROW_IN_ITEM, inside_item, of_row)):
        for place in np.flatnonzero(chosen).tolist():
            run = int(runs[place])
            matched = cut_rows.matched(tokens, int(hits.run_starts[place]), run)[:_SHOWN]
            yield int(hits.rows[place]), Finding(int(hits.items[place]), direction, float(share[place]), run, table.stream, matched)


@dataclass(frozen=True, slots=True)
class _Hits:
    """What each pair of a row and an item shares, all of one length: different n-grams, places in the row, the most places without a
    gap, and the token at which these begin."""

    rows: NDArray[np.int64]
    items: NDArray[np.int64]
    distinct: NDArray[np.int64]
    counts: NDArray[np.int64]
    longest: NDArray[np.int64]
    run_starts: NDArray[np.int64]

    @staticmethod
    def of(places: NDArray[np.int64], numbers: NDArray[np.int64], tokens: Tokens, table: GramTable, coverage: float) -> "_Hits":
        """Of the n-grams `numbers` at the ascending `places`; pairs that share too few for any coverage are left out at once."""
        counts = np.diff(table.offsets)[numbers]
        spread = np.repeat(np.arange(places.size), counts)
        within = np.arange(spread.size) - np.repeat(np.cumsum(counts) - counts, counts)
        items = table.items[table.offsets[numbers[spread]] + within]
        rows = tokens.texts_at(places)
        pairs = rows[spread] * len(table.num_grams) + items
        order = np.argsort(pairs, kind="stable")
        pairs = pairs[order]
        first = np.flatnonzero(_changes(pairs))
        counts = np.diff(first, append=pairs.size)
        possible = counts >= coverage * np.minimum(
            _row_grams(tokens, table)[pairs[first] // len(table.num_grams)], table.num_grams[items[order[first]]]
        )
        keep = np.repeat(possible, counts)
        pairs, spread = pairs[keep], spread[order[keep]]
        return _Hits._of_pairs(pairs, places[spread], numbers[spread], table)

    @staticmethod
    def _of_pairs(pairs: NDArray[np.int64], places: NDArray[np.int64], numbers: NDArray[np.int64], table: GramTable) -> "_Hits":
        opens = _changes(pairs)
        first = np.flatnonzero(opens)
        number_of_pair = np.cumsum(opens) - 1
        keys = np.sort(number_of_pair * len(table.grams) + numbers)
        keys = keys[_changes(keys)]
        breaks = opens.copy()
        breaks[1:] |= np.diff(places) != 1
        run_first = np.flatnonzero(breaks)
        lengths = np.diff(run_first, append=places.size)
        owner = number_of_pair[run_first]
        best = np.lexsort((-run_first, lengths, owner))
        last = np.flatnonzero(_changes(owner[best][::-1])[::-1])
        return _Hits(
            rows=pairs[first] // len(table.num_grams),
            items=pairs[first] % len(table.num_grams),
            distinct=np.bincount(keys // len(table.grams), minlength=first.size),
            counts=np.diff(first, append=places.size),
            longest=lengths[best][last],
            run_starts=places[run_first[best][last]],
        )


def _row_grams(tokens: Tokens, table: GramTable) -> NDArray[np.int64]:
    """How many n-grams each row has."""
    return np.maximum(np.diff(tokens.offsets) - GRAM_SIZE[table.stream] + 1, 0)


def _changes(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a value is another than the one before it; the first one is."""
    result = np.ones(values.size, np.bool_)
    result[1:] = values[1:] != values[:-1]
    return result
