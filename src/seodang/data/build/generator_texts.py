"""The texts that a generator asks with: one folder a generator in `prompts`, one file a language in it, each with its own digest."""

from functools import cache
from importlib import resources
from typing import Any

import yaml

from seodang.core.errors import RecipeError
from seodang.core.hashing import digest


@cache
def load_texts(generator: str, language: str) -> dict[str, Any]:
    """The texts of one generator in one language; RecipeError where there are none."""
    folder = resources.files("seodang.data.build") / "prompts" / generator
    file = folder / f"{language}.yaml"
    if not file.is_file():
        known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir()) if folder.is_dir() else []
        raise RecipeError(
            f"the generator `{generator}` has no texts in the language `{language}`",
            where="build.generators",
            hint=f"there are: {', '.join(known)}",
        )
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def texts_digest(generator: str, language: str) -> str:
    """Digest of one generator's texts, part of the key of what is built with them; of nothing for a generator that asks with none."""
    folder = resources.files("seodang.data.build") / "prompts" / generator
    return digest(load_texts(generator, language) if folder.is_dir() else {})
