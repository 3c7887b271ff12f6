"""Which records are held out of training together: what shares a document or a near-duplicate question never stands on both sides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seodang.core.files import read_json_lines
from seodang.core.records import Record
from seodang.data.splits import SplitItem, components, require_no_leak
from seodang.pipeline.context import RunContext

if TYPE_CHECKING:
    from seodang.distill.packing import Example


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Examples with their groups, what the groups are made of, and why not of what was asked for (empty: they are)."""

    examples: "list[Example]"
    by: str  # "documents", "questions" or "records"
    warning: str
    items: dict[str, SplitItem]  # by record: what may not stand on both sides
    documents: Mapping[str, tuple[str, ...]]  # by record

    def told(self, share: float, seed: int) -> dict[str, Any]:
        """What a training with this seed holds out. VerificationError where a document or a near duplicate is on both sides."""
        from seodang.distill.schedule import hold_out

        trained, watched = ({example.record for example in half} for half in hold_out(self.examples, share, seed))
        splits = ["watched" if record in watched else "trained" for record in self.items]
        require_no_leak(list(self.items.values()), splits)
        untaught = {name for record in watched for name in self.documents[record]}
        untaught -= {name for record in trained for name in self.documents[record]}
        return {
            "by": self.by,
            "warning": self.warning,
            "num_records": len(watched),
            "share": len(watched) / max(1, len(self.items)),
            "untaught_documents": sorted(untaught),
        }


def documents_of(context: RunContext, records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """By record the documents that it was made from, also by way of records that it was made from."""
    made = {row["id"]: row["passages"] for row in read_json_lines(context.artifacts["build"].folder / "records.jsonl")}

    def names(sources: Sequence[str], seen: frozenset[str]) -> set[str]:
        found = {context.passages_by_id[source].document for source in sources if source in context.passages_by_id}
        for source in sources:
            if source in made and source not in seen:
                found |= names(made[source], seen | {source})
        return found

    return {record.id: tuple(sorted(names(record.passages, frozenset({record.id})))) for record in records}


def held_out_groups(
    examples: "Sequence[Example]", records: Sequence[Record], documents: Mapping[str, tuple[str, ...]], share: float, by: str
) -> HeldOut:
    """The examples of `records` with their groups: by documents where that is asked for and possible, else by near-duplicate questions,
    else by records. Records of documents and others are strata of their own."""
    from seodang.distill.schedule import can_hold_out

    asked = {record.id: _asked(record) for record in records}
    ways: list[tuple[str, Callable[[str], SplitItem]]] = [
        ("documents", lambda record: SplitItem(asked[record], documents[record])),
        ("questions", lambda record: SplitItem(asked[record])),
    ]
    for way, item in ways if by == "documents" else ways[1:]:
        items = {record: item(record) for record in asked}
        group = dict(zip(items, components(list(items.values())), strict=True))
        told = [
            replace(example, group=f"group {group[example.record]}", stratum="documents" if documents[example.record] else "")
            for example in examples
        ]
        if not share or can_hold_out(told, share):
            warning = "" if way == by else _warning(by, share, len({name for names in documents.values() for name in names}))
            return HeldOut(told, way, warning, items, documents)
    return HeldOut(list(examples), "records", _warning(by, share, 0), {record: SplitItem(record) for record in asked}, documents)


def _warning(by: str, share: float, num_documents: int) -> str:
    if by == "documents" and num_documents:
        few = f"{num_documents} document{'s' * (num_documents > 1)}"
        return f"the records of {few} form no groups of about {100 * share:g} %, so records of one document are taught and watched"
    return f"near-duplicate questions form no groups of about {100 * share:g} %, so nearly equal records are taught and watched"


def _asked(record: Record) -> str:
    turns = [turn["content"] for turn in record.turns if isinstance(turn.get("content"), str)]
    return "\n".join([*turns, record.question])
