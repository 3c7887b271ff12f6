"""What a recogniser finds: a part of a text, what kind of personal data it is, and how sure that is."""

from dataclasses import dataclass

KINDS = (
    "resident_number",
    "foreigner_number",
    "passport",
    "driver_licence",
    "business_number",
    "phone",
    "card",
    "account",
    "email",
    "ip_address",
    "name",
    "address",
)


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` is personal data of one of `KINDS`; offsets in characters, of the text that was searched.

    `confidence` is 0 to 1: an order, not a measured probability. `form` says how it was recognised: "formatted" (separators or
    letters where this kind has them), "named" (the context names the kind), "bare" (digits alone) or "spoken" (digits in words).
    `context` is the word that names it, or says that it is something else; empty where there is none.
    """

    kind: str
    start: int
    end: int
    confidence: float
    form: str
    context: str = ""
