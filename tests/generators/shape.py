"""What two languages of one text must have in common."""

import re
from typing import Any


def shape(value: Any) -> Any:
    """Keys and the fields that a text has; lists of words or examples by whether there are any, with the keys of their rows."""
    if isinstance(value, dict):
        return {key: shape(child) for key, child in value.items()}
    if isinstance(value, list):
        return sorted({tuple(sorted(row)) if isinstance(row, dict) else type(row).__name__ for row in value}, key=str)
    return sorted(set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", value))) if isinstance(value, str) else type(value).__name__
