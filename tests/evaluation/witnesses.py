"""An answer that keeps to every constraint of an instruction, put together from plain sentences: the proof that there is one."""

import json
from collections.abc import Mapping
from typing import Any

from seodang.evaluation.constraints.instructions import Instruction, keeps

_ENDS = {"formal": "좋습니다", "polite": "좋아요", "plain": "좋다", "nominal": "좋음"}
_SYLLABLES = dict(zip("ㄱㄴㄷㅁㅂㅅㅇㅈㅎ", "가나다마바사아자하", strict=True))
_NUMERALS = "하나 둘 셋 넷"


def witness(instruction: Instruction) -> str:
    """AssertionError where none is found among answers of 1 to 60 sentences, short or long."""
    for num_sentences in range(1, 61):
        for lead in ("", "매일 아침 함께 조금씩"):
            text = _compose(instruction, num_sentences, lead)
            if all(keeps(constraint, text) for constraint in instruction.constraints):
                return text
    raise AssertionError(f"no answer keeps to all of this: {instruction.prompt}")


def _compose(instruction: Instruction, num_sentences: int, lead: str) -> str:
    asked = {constraint.kind: constraint.params for constraint in instruction.constraints}
    korean = (asked["in_language"]["language"] if "in_language" in asked else instruction.language) == "ko"
    sentences = [_sentence(asked, korean, lead) for _ in range(num_sentences)]
    sentences[0] = " ".join([*_tokens(asked, korean), sentences[0]])
    text = _edged(_shaped(sentences, asked), asked, korean)
    return text.lower() if "lowercase" in asked else text.upper() if "uppercase" in asked else text


def _sentence(asked: Mapping[str, Any], korean: bool, lead: str) -> str:
    if not korean:
        return f"{'every single morning' if lead else ''} we do it".strip() + "."
    end = next((_ENDS[kind] for kind in _ENDS if kind in asked), _ENDS["formal"])
    return f"{lead} 그러면 {end}.".strip()


def _tokens(asked: Mapping[str, Any], korean: bool) -> list[str]:
    """What the first sentence begins with."""
    tokens = [_SYLLABLES[asked["initial"]["consonant"]]] if "initial" in asked else []
    for kind in ("keyword_at_least", "keyword_exactly"):
        tokens += [asked[kind]["word"]] * asked[kind]["n"] if kind in asked else []
    tokens += ["[가]" if korean else "[a]"] * (asked["placeholders"]["n"] if "placeholders" in asked else 0)
    tokens += ["*가*" if korean else "*a*"] * (asked["highlighted"]["n"] if "highlighted" in asked else 0)
    tokens += ["GO"] * (asked["capital_words"]["n"] if "capital_words" in asked else 0)
    tokens += [asked["letter_at_least"]["letter"] * 6] if "letter_at_least" in asked else []
    return tokens + ([_NUMERALS] if "native_numerals" in asked else [])


def _shaped(sentences: list[str], asked: Mapping[str, Any]) -> str:
    if "json_only" in asked:
        return json.dumps({"a": " ".join(sentences)}, ensure_ascii=False)
    if "two_answers" in asked:
        return f"{' '.join(sentences)}\n******\n{sentences[-1]} {sentences[-1]}"
    if "acrostic" in asked:
        return "\n".join(f"{letter} {sentences[0]}" for letter in asked["acrostic"]["word"])
    for kind, joint, mark in (("paragraphs", "\n\n", ""), ("bullets", "\n", "* "), ("numbered", "\n", "{}. ")):
        if kind in asked:
            n = asked[kind]["n"]
            parts = [sentences[part::n] or [sentences[-1]] for part in range(n)]
            return joint.join(mark.format(number) + " ".join(part) for number, part in enumerate(parts, start=1))
    return " ".join(sentences)


def _edged(text: str, asked: Mapping[str, Any], korean: bool) -> str:
    if "title" in asked:
        text = f"<<{'글' if korean else 'a'}>>\n{text}"
    if "repeated" in asked:
        text = f"{asked['repeated']['request']}\n{text}"
    if "starts_with" in asked:
        first = _sentence(asked, korean, "") + "\n" if {"bullets", "numbered"} & set(asked) else ""
        text = f"{asked['starts_with']['phrase']} {first}{text}"
    if "quoted" in asked:
        text = f'"{text}"'
    if "postscript" in asked:
        text = f"{text}\n{asked['postscript']['mark']} {'끝' if korean else 'a'}"
    if "ends_with" in asked:
        text = f"{text} {asked['ends_with']['phrase']}"
    return text
