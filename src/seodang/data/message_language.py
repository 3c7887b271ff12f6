"""In which language one message is written: by its scripts first, then, within the Latin script, by function words."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

LANGUAGES = ("ko", "en", "ja", "zh", "es")  # those that can be expected; others are told apart from them

_NO_LANGUAGE = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`"  # code
    r"|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\$[^$\n]{1,200}\$"  # formulas
    r"|<tool_call>.*?(?:</tool_call>|\Z)|</?[A-Za-z][^<>\n]{0,200}>"  # calls and marks
    r"|(?:https?|ftp)://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+"  # addresses
    r"|(?<![\w.-])(?:[A-Za-z]:)?[\\/]?[\w.-]{1,120}(?:[\\/][\w.-]{1,120})+"  # paths
    r"|[A-Za-z_][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?:\([^()\n]*\))?|[A-Za-z_]\w*\([^()\n]*\)|"
    r"\b[a-z]+(?:[A-Z][a-z0-9]*)+|\b\w*\d\w*"  # identifiers
    r"|\\[A-Za-z]+",
    re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FUNCTION_WORDS = {
    "en": (
        "the of and to in is that it for you was on are with as have be this not by from or an which at what how can your "
        "will if my do we they i does there please would should when where why who has had were been their its but all one "
        "out so up use about into than them then some"
    ),
    "es": (
        "el la de que y en los se del las un por con no una su para es al lo como más pero sus le ya o este sí porque esta "
        "entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos uno les ni contra otros ese "
        "eso ante ellos e esto mí antes algunos qué cuál cómo son está puede ser tiene si cada hola gracias"
    ),
    "fr": (
        "le la les de des et en un une du que qui est pour dans ce il sur pas plus par je avec au ne se sont vous nous cette "
        "mais ou elle être avez votre aux ces je me mes ma mon ses sa suis comme tout fait leur si ont quel quelle comment "
        "bonjour merci"
    ),
    "de": (
        "der die das und in zu den von mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass "
        "sie nach wird bei einer um am sind noch wie einem über so zum kann wenn ich ihr wir oder aber wie was bitte"
    ),
    "pt": (
        "o a de que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser "
        "quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos você qual são"
    ),
    "it": (
        "il di che e la in un a per è una sono con non del si da le dei come lo più al nel alla ha gli della delle anche ma "
        "se questo nella perché o cosa può essere quando chi mi quale degli ai"
    ),
}
_LANGUAGES_OF = {
    word: frozenset(language for language, words in _FUNCTION_WORDS.items() if word in words.split())
    for words in _FUNCTION_WORDS.values()
    for word in words.split()
}
_SPANISH = re.compile(r"[ñÑ¿¡]")
_BIG_LETTER = 2  # a syllable or ideograph says about as much as two Latin letters


@dataclass(frozen=True, slots=True)
class Written:
    """What a message is written in. `shares` are the shares of its letters in each language, or script where no language is known
    ("latin", "other"); they add up to 1, and are empty without letters. `num_letters` are those that were counted."""

    shares: dict[str, float]
    num_letters: int

    @property
    def most(self) -> str:
        """The language, or script, of most letters; empty where there are none."""
        return max(self.shares, key=lambda name: self.shares[name]) if self.shares else ""


def written_in(message: str) -> Written:
    """The languages of a message, without its code, formulas, addresses and identifiers.

    Kana makes its ideographs Japanese; without kana they are Chinese. Latin words are of the language whose function words prevail, of
    "latin" where there are too few of those.
    """
    prose = unicodedata.normalize("NFC", _NO_LANGUAGE.sub(" ", message))
    counts = Counter(_script(letter) for letter in prose if letter.isalpha())
    weights = {script: count * (_BIG_LETTER if script in ("ko", "kana", "han") else 1) for script, count in counts.items()}
    total = sum(weights.values())
    if not total:
        return Written({}, 0)
    shares: dict[str, float] = {}
    for script, weight in weights.items():
        name = script
        if script == "kana" or (script == "han" and counts["kana"] * 10 >= counts["han"]):
            name = "ja"
        elif script == "han":
            name = "ko" if counts["ko"] > counts["han"] else "zh"  # a Korean text may have ideographs in it
        elif script == "latin":
            name = _latin(prose)
        shares[name] = shares.get(name, 0.0) + weight / total
    return Written(shares, counts.total())


def _script(letter: str) -> str:
    code = ord(letter)
    if code < 0x250 or 0x1E00 <= code < 0x1F00 or 0xFF21 <= code <= 0xFF5A:
        return "latin"
    if 0xAC00 <= code <= 0xD7A3 or 0x1100 <= code < 0x1200 or 0x3130 <= code < 0x3190:
        return "ko"
    if 0x3040 <= code < 0x3100 or 0x31F0 <= code < 0x3200 or 0xFF66 <= code <= 0xFF9D:
        return "kana"
    if 0x3400 <= code < 0xA000 or 0xF900 <= code < 0xFB00 or 0x20000 <= code < 0x33480 or letter == "々":
        return "han"
    return "other"


def _latin(prose: str) -> str:
    """The language of Latin words by the different function words among them: that with most, if it has two, and more than any other."""
    words = {word.lower() for word in _WORD.findall(prose)}
    votes: Counter[str] = Counter()
    for word in words:
        languages = _LANGUAGES_OF.get(word, frozenset())
        for language in languages:
            votes[language] += 1 if len(languages) > 1 else 2
    if _SPANISH.search(prose):
        votes["es"] += 3
    if not votes:
        return "latin"
    (best, most), *rest = votes.most_common(2)
    return best if most >= 3 and (not rest or most > rest[0][1]) else "latin"
