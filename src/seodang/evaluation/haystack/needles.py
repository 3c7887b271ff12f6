"""Made facts to be found, in English and Korean: codes of places and lockers, sightings to be counted, facts that are missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from seodang.evaluation.haystack.counts import ways_to_say

Kind = Literal["single", "several", "chain", "count", "absent"]

_PLACES = {
    "en": "Ashcombe Mill,Brackley Wharf,Cawthorn Depot,Dunmere Barn,Eastholt Kiln,Fernley Forge,Garrick Lodge,Hexley Vault,Ingleby Pier,"
    "Jarrow Loft,Kelsow Annex,Lydgate Shed",
    "ko": "은솔창고,달빛나루,한여울곳간,새벽들창고,버들골헛간,"
    "노을재방앗간,가람뜰보관소,솔바람공방,미리내선착장,두루미골창고,해오름터,물푸레곳간",
}
_PEOPLE = {
    "en": "Odalys,Bertrand,Philippa,Thaddeus,Marisol,Leopold,Winifred,Casimir,Henrietta,Ignatius,Rosalind,Lysander",
    "ko": "가온누리,나래솔,다솜이,라온제,마루한,바른샘,사랑채운,아람단비,자람이슬,차오름,큰솔별,푸른나래",
}
COUNTS = range(2, 7)  # places where something was seen
_FACT = {"en": "The code of {0} is {1}.", "ko": "{0}의 출입 번호는 {1}입니다."}
_LINK = {"en": "{0}'s locker has the same code as {1}'s locker.", "ko": "{0} 님의 사물함 번호는 {1} 님의 사물함 번호와 같습니다."}
_END = {"en": "{0}'s locker has the code {1}.", "ko": "{0} 님의 사물함 번호는 {1}입니다."}
_SEEN = {"en": "A grey heron was seen at {0}.", "ko": "{0}에서 왜가리가 목격되었습니다."}
_OTHER = {"en": "A white stork was seen at {0}.", "ko": "{0}에서 황새가 목격되었습니다."}
_ASK: Mapping[str, Mapping[str, str]] = {
    "en": {
        "fact": "What is the code of {0}? Answer with the code alone.",
        "facts": "What are the codes of {0}? Answer with the codes alone, in this order.",
        "chain": "What is the code of {0}'s locker? Answer with the code alone.",
        "count": "At how many places was a grey heron seen? Answer with the number alone.",
    },
    "ko": {
        "fact": "{0}의 출입 번호는 무엇인가요? 번호만 답하세요.",
        "facts": "{0}의 출입 번호는 각각 무엇인가요? 이 순서대로 번호만 답하세요.",
        "chain": "{0} 님의 사물함 번호는 무엇인가요? 번호만 답하세요.",
        "count": "왜가리가 목격된 곳은 몇 곳인가요? 숫자만 답하세요.",
    },
}


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Sentences to be hidden and a question. A reply is right with one text of each of `accepted` and none of `wrong`; without any
    `accepted` the right reply is that it is not there. Of a count every other number is wrong, and none is listed. `owners` are the names
    that are asked for, in the order of `accepted`."""

    needles: tuple[str, ...]
    question: str
    accepted: tuple[tuple[str, ...], ...]
    wrong: tuple[str, ...] = field(default=())
    owners: tuple[str, ...] = field(default=())


def make_puzzle(kind: Kind, language: str, random: Random, document: str, num_needles: int, num_hops: int) -> Puzzle:
    """A puzzle whose names and codes do not occur in the document. Codes have six random digits, so that nobody makes one up."""
    pool = _PEOPLE if kind == "chain" else _PLACES
    names = [name for name in pool[language].split(",") if name not in document]
    random.shuffle(names)
    codes: list[str] = []
    while len(codes) < 12:
        code = str(random.randrange(100_000, 1_000_000))
        if code not in document and code not in codes:
            codes.append(code)
    if kind == "count":
        return _count(language, random, names)
    if kind == "chain":
        return _chain(language, names, codes, num_hops)
    return _facts(kind, language, names, codes, num_needles)


def _facts(kind: Kind, language: str, names: Sequence[str], codes: Sequence[str], num_needles: int) -> Puzzle:
    fact, ask = _FACT[language].format, _ASK[language]
    num_asked = {"single": 1, "several": num_needles, "absent": 0}[kind]
    told = list(zip(names, codes, strict=False))[: num_asked + 2]
    needles = tuple(fact(name, code) for name, code in told)
    wrong = tuple(code for _, code in told[num_asked:])
    asked = [name for name, _ in told[:num_asked]] or [names[-1]]
    joined = (" and " if language == "en" else ", ").join([", ".join(asked[:-1]), asked[-1]] if len(asked) > 1 else asked)
    question = ask["facts" if kind == "several" else "fact"].format(joined)
    return Puzzle(needles, question, tuple((code,) for _, code in told[:num_asked]), wrong, tuple(asked))


def _chain(language: str, names: Sequence[str], codes: Sequence[str], num_hops: int) -> Puzzle:
    """Two chains of equal length: the one that is asked for, and another."""
    first, second = names[:num_hops], names[num_hops : 2 * num_hops]
    needles = [*_links(first, codes[0], _LINK[language].format, _END[language].format)]
    needles += _links(second, codes[1], _LINK[language].format, _END[language].format)
    return Puzzle(tuple(needles), _ASK[language]["chain"].format(first[0]), ((codes[0],),), (codes[1],))


def _links(names: Sequence[str], code: str, link: Callable[..., str], end: Callable[..., str]) -> list[str]:
    """The end first, so that reading once from the front does not do."""
    return [end(names[-1], code), *(link(left, right) for left, right in zip(names[-2::-1], names[:0:-1], strict=True))]


def _count(language: str, random: Random, names: Sequence[str]) -> Puzzle:
    count = random.choice(COUNTS)
    needles = [_SEEN[language].format(name) for name in names[:count]] + [
        _OTHER[language].format(name) for name in names[count : count + 3]
    ]
    return Puzzle(tuple(needles), _ASK[language]["count"], (ways_to_say(count, language),))
