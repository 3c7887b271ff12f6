"""Which records are taught in think mode: as many as make up a share of the answer tokens, by their measured length."""

from collections.abc import Sequence
from dataclasses import dataclass

from seodang.core.errors import InputError
from seodang.core.hashing import digest


@dataclass(frozen=True, slots=True)
class Length:
    """The tokens of one record's answer, alone and after its reasoning; None where it has no reasoning."""

    record: str  # its id
    plain: int
    thought: int | None


def choose_thought(lengths: Sequence[Length], share: float) -> frozenset[str]:
    """The ids of the records to teach in think mode, so that these hold `share` of all answer tokens, within one record.

    Records are taken in the order of their ids' hashes, so that a larger share's records hold a smaller one's. InputError where the
    records with a reasoning are too few for it.
    """
    total = sum(length.plain for length in lengths)
    thought, chosen = 0, list[str]()
    if share == 0:
        return frozenset()
    able = [(length.record, length.plain, length.thought) for length in lengths if length.thought is not None]
    for record, plain, longer in sorted(able, key=lambda row: digest(row[0])):
        before, after = thought / total, (thought + longer) / (total - plain + longer)
        if after >= share and share - before <= after - share:
            return frozenset(chosen)
        chosen.append(record)
        thought, total = thought + longer, total - plain + longer
        if after >= share:
            return frozenset(chosen)
    if not chosen or thought / total < share:
        most = thought / total if chosen else 0.0
        raise InputError(
            f"`distill.think_share: {share:g}` cannot be reached: {len(chosen)} of {len(lengths)} accepted records have a reasoning of the "
            f"teacher, and with all of them {most:.3f} of the answer tokens are taught in think mode",
            hint=f"set it to {int(most * 1000) / 1000:g} or less, or ask for more in `build` (`reasoning_tokens`, `general_questions`)",
        )
    return frozenset(chosen)
