"""A model's name as it may stand in a path and in another program's arguments."""

import re

_LONGEST = 80  # characters


def plain_name(name: str) -> str:
    """Letters, digits and `. _ -` of a name, every other run of characters being one `-`: no leading dots, at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-").lstrip(".-")[:_LONGEST] or "model"
