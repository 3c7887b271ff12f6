"""The key of an endpoint: read from the environment or a file, sent in one header, and shown nowhere."""

import os
import re
from typing import TYPE_CHECKING, NoReturn

from seodang.core.errors import RecipeError

if TYPE_CHECKING:
    from seodang.models.openai_http import OpenAIHTTPTeacher


class Key:
    """A secret that does not show in text, JSON, pickles or copies. Only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key in clear, for the header that carries it."""
        return self._value

    def hide_in(self, text: str) -> str:
        """`text` without the key, for what a server sends back: some repeat the key they refuse."""
        return text.replace(self._value, "[key]")

    def __repr__(self) -> str:
        return "Key([key])"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is neither copied nor stored")


def read_key(section: "OpenAIHTTPTeacher") -> Key | None:
    """The key that a section names, or None where it names none. RecipeError, without the key or its name, where it cannot be read."""
    if section.api_key_env is not None:
        value = os.environ.get(section.api_key_env, "")
        source, hint = "the environment variable that `teacher.api_key_env` names", "`export NAME=…` in the shell that runs this command"
    elif section.api_key_file is not None:
        source, hint = "the file that `teacher.api_key_file` names", "write the key, and nothing else, into that file"
        try:
            value = section.api_key_file.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, ValueError, RuntimeError):  # absent, not text, no path at all, no such user
            # The path is not repeated, nor the error that holds it: it may be the key, put there by mistake.
            raise RecipeError(f"{source} cannot be read", hint=hint) from None
    else:
        return None
    if not value:
        raise RecipeError(f"{source} is empty or not set", hint=hint)
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise RecipeError(f"{source} holds a space, a line break or a letter that no key has", hint=hint)
    return Key(value)
