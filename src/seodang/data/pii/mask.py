"""Personal data out of a text: each span is replaced by the name of its kind."""

from seodang.data.pii.find import find

_FIXED = "-./()@: "


def mask(text: str, confidence: float = 0.4) -> str:
    """The text with each span from that confidence on replaced by its kind, such as `[PHONE]`. Masking twice changes nothing more.

    The default takes names and other weak finds too: what is shown should rather lack a word.
    """
    while spans := [span for span in find(text) if span.confidence >= confidence]:
        for span in reversed(spans):
            text = f"{text[: span.start]}[{span.kind.upper()}]{text[span.end :]}"
    return text


def outline(text: str) -> str:
    """The shape of a span: digits as `#`, letters as `x`, separators as they are. A hash of so few digits could be turned back."""
    return "".join("#" if letter.isdigit() else letter if letter in _FIXED else "x" for letter in text)
