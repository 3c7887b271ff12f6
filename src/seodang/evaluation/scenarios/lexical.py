"""Names of territories, languages and currencies in five languages, from Unicode CLDR as the package Babel carries it.

Babel keeps each locale in a pickle. It is read with an unpickler that can make nothing but plain values: every class in it becomes an
empty stand-in, whatever its name.
"""

import io
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from seodang.evaluation.packages import Package

BABEL = Package("babel", "2.19.0", "6d49734aed1d595b2c065d012174df8c83964692f26fc461702281634dd7555b")
LANGUAGES = ("en", "ko", "zh", "ja", "es")

# Left out is what has a second common name in one of the languages, such as the Netherlands or Türkiye.
_ENTRIES = {
    "territories": ("DE", "FR", "IT", "ES", "EG", "IN", "VN", "PH", "MN", "UA", "PL", "SE", "NO", "FI", "DK", "PT", "IE", "IS", "HU", "AT",
                    "CH", "BE", "MX", "CU", "PE", "CL", "AR", "BR", "CA", "KE", "NG", "ET", "MA", "NZ", "RU"),
    "languages": ("fr", "de", "it", "ru", "ar", "vi", "pl", "sv", "da", "hu", "uk", "mn", "la", "pt", "he", "ta"),
    "currency_names": ("EUR", "CHF", "INR", "VND", "MXN"),
}  # fmt: skip


class _StandIn:
    """What a class of the pickle becomes; it keeps nothing."""

    def __setstate__(self, state: object) -> None:
        pass


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _StandIn


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing with its name in each language."""

    kind: str
    code: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The things that are asked about, in order, and what each of the languages is called in each: `languages["ko"]["en"]` is 영어."""

    entries: tuple[Entry, ...]
    languages: Mapping[str, Mapping[str, str]]


def read_lexicon(store: Path) -> Lexicon:
    """The names out of the package. InputError where it cannot be had."""
    locales = {language: read_plain(BABEL.read(store, f"babel/locale-data/{language}.dat")) for language in LANGUAGES}
    entries = tuple(
        Entry(kind, code, {language: str(locale[kind][code]) for language, locale in locales.items()})
        for kind, codes in _ENTRIES.items()
        for code in codes
    )
    return Lexicon(entries, {spoken: {of: str(locale["languages"][of]) for of in LANGUAGES} for spoken, locale in locales.items()})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a thing with a name in the language `source` is called in the language `target`. `candidates[0]` is right."""

    entry: Entry
    source: str
    target: str
    candidates: tuple[str, ...]


def ask_for_names(lexicon: Lexicon, count: int, languages: Sequence[str], seed: int) -> Iterator[Asked]:
    """`count` things at random, each once in every target language, from another source; never where both names are one."""
    random = Random(f"{seed}/lexical")
    for entry in random.sample(lexicon.entries, min(count, len(lexicon.entries))):
        alike = [other for other in lexicon.entries if other.kind == entry.kind and other is not entry]
        for target in languages:
            sources = [code for code in LANGUAGES if code != target and entry.names[code].casefold() != entry.names[target].casefold()]
            others = random.sample(alike, 3)
            yield Asked(entry, random.choice(sources), target, tuple(one.names[target] for one in (entry, *others)))


def read_plain(content: bytes) -> Any:
    """A pickle's dictionaries, lists, texts and numbers; nothing that it names is imported or run."""
    return _PlainUnpickler(io.BytesIO(content)).load()
