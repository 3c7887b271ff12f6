"""Text that gives orders to the model that reads it: phrases, marks of chat templates, spoofed calls, ways to send text out."""

import re
from dataclasses import dataclass

from seodang.data.pii.folding import Folded, fold

_EARLIER = (
    r"(?:all |any |every )?(?:of )?(?:the |your |these |those |my )?(?:previous|prior|earlier|preceding|above|"
    r"foregoing|existing|original|initial|system)"
)
_ORDERS = (
    r"(?:instructions?|prompts?|directions?|directives?|rules?|guidelines?|orders?|commands?|constraints?|messages?|context|programming)"
)
_KO_EARLIER = r"(?:이전|앞선|앞의|위의|위에 있는|지금까지(?:의)?|기존(?:의)?|원래(?:의)?|시스템|모든|상기|이제까지(?:의)?)"
_KO_ORDERS = r"(?:지시(?:사항|문)?|명령(?:어)?|프롬프트|규칙|지침|안내|제한|메시지|설정|역할)"
_KO_BREAK = r"(?:무시|잊|잊어|따르지 ?(?:말|마)|버리|버려|무효|삭제|폐기|덮어)"

_PHRASES: dict[str, str] = {
    "ignore": (
        rf"(?:ignore|disregard|forget|override|bypass|neglect|do not (?:follow|obey)|don't (?:follow|obey)|stop following|discard)"
        rf"[ ,]+(?:(?:everything|anything|what(?:ever)?|all(?: of)? that)[^.\n]{{0,30}}(?:above|before|told|said|"
        rf"earlier)|{_EARLIER}[^.\n]{{0,20}}{_ORDERS}"
        rf"|(?:all |any )?(?:of )?(?:your|the) (?:safety |content |current )?(?:{_ORDERS}|training|polic(?:y|ies)|safeguards|filters))"
        rf"|{_KO_EARLIER}[^.\n]{{0,12}}{_KO_ORDERS}[^.\n]{{0,8}}{_KO_BREAK}"
        rf"|{_KO_ORDERS}(?:은|는|을|를)? ?(?:모두|전부|다|전혀|싹|완전히) {_KO_BREAK}"
        rf"|(?:앞에서|위에서|지금까지) (?:말한|한 말|들은|받은)[^.\n]{{0,14}}{_KO_BREAK}"
    ),
    "new role": (
        r"(?:from now on,? )you (?:are|will be|must act as|will act as|must)\b"
        r"|you are now (?:in )?(?:dan|stan|an? unrestricted|an? uncensored|jailbroken|developer mode|free (?:from|of)|no longer)"
        r"|(?:enable|enter|activate|switch to) (?:developer|dan|god|jailbreak|debug|maintenance) mode"
        r"|(?:act|behave|respond|pretend)[^.\n]{0,30}(?:without|no|free of) (?:any )?(?:restrictions|limits|"
        r"limitations|filters|rules|guidelines)"
        r"|(?:new|updated|real|actual|following) (?:system )?(?:instructions?|prompt|"
        r"directive) ?(?:for (?:the )?(?:ai|assistant|model|llm|agent))? ?:"
        r"|(?:개발자|디버그|관리자|탈옥|dan|제한 ?없는) ?모드(?:로|를|가)? ?(?:전환|진입|활성|켜|변경|들어)"
        r"|(?:너는|넌|당신은) (?:이제(?:부터)?|지금부터)[^.\n]{0,30}(?:ai|모델|비서|어시스턴트|챗봇|역할|dan|제한|규칙|제약)"
        r"|(?:제한|규칙|필터|검열|제약) ?(?:이|이나|은|도)? ?없(?:이|는) (?:ai|모델|상태|대답|답변|답|행동|동작)"
    ),
    "reveal": (
        r"(?:reveal|print|show|repeat|output|display|leak|tell me|give me|write out|send)[^.\n]{0,24}(?:your |"
        r"the )(?:(?:system|hidden|initial|original|secret)"
        r" (?:prompt|instructions?|message)|(?:prompt|instructions) (?:above|verbatim))"
        r"|(?:시스템|숨겨진|숨은|초기|내부) ?(?:프롬프트|지시(?:문|사항)?|지침)(?:을|를)? ?(?:그대로 |모두 |"
        r"전부 )?(?:출력|보여|공개|알려|말해|노출|복사)"
    ),
    "to the model": (
        r"(?:attention|note|message|instructions?|important|notice)[ ,:]*(?:to|for) (?:the |any |all )?(?:ai|llm|"
        r"language|chatbots?|assistants?|agents?|models?)"
        r"(?:[ -](?:models?|assistants?|agents?|systems?|readers?))?\b ?[:,.!-]"
        r"|(?:if you are|as) an? (?:ai|llm|language model|large language model)[^.\n]{0,24}(?:you must|please|"
        r"reading this|say|include|add|respond|ignore|do not)"
        r"|(?:이 글|이 문서|이 문장|이것)(?:을|를) (?:읽는|읽고 있는|처리하는|보는) (?:ai|모델|인공지능|챗봇|어시스턴트|언어 ?모델)"
        r"|(?:ai|인공지능|언어 ?모델|챗봇|어시스턴트)(?:에게|한테)? ?(?:보내는|전하는|하는)? ?(?:지시|명령|공지)(?:사항)? ?:"
        r"|do not (?:tell|inform|mention|reveal|show)[^.\n]{0,24}(?:the )?user[^.\n]{0,30}(?:this|instruction|message|about)"
        r"|(?:사용자|유저)(?:에게|한테)(?:는)? (?:절대 )?(?:알리지|말하지|보여 ?주지|밝히지) (?:말|마)"
    ),
}
_MARKS: dict[str, str] = {
    "template token": (
        r"<\|(?:im_start|im_end|im_sep|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|system|user|assistant|tool|endofturn|end|"
        r"python_tag|eom_id|fim_(?:prefix|middle|suffix)|channel|message|return|call|constrain|reserved_special_token_\d+)\|>"
        r"|<\|[a-z_]{3,24}\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<｜[^｜\n]{1,30}｜>|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\]"
        r"|\[\|(?:system|user|assistant|endofturn)\|\]|<(?:bos|eos|pad)>"
    ),
    "role marker": (
        r"(?:^|\n)[ \t]*(?:#{2,4} ?(?:system|instruction|assistant|response|human|user|시스템|지시사항)s? ?:|"
        r"\[?(?:system|assistant|developer)(?: (?:message|prompt))?\]? ?:(?= ?\S)"
        r"|\[(?:system|시스템)(?: (?:message|메시지|override))?\]|(?:human|assistant): ?\S|<(?:system|"
        r"instructions?|system[-_]?(?:prompt|reminder|message))>)"
    ),
    "call": (
        r"</?(?:tool_call|function_calls?|tool_response|tool_calls|invoke|function_results)\b|\[TOOL_CALLS\]|(?:^|"
        r"\n)[ \t]*Action Input ?:"
    ),
    "way out": (
        r"!\[[^\]\n]{0,80}\]\(\s*<?https?://[^)\s]{1,300}[?&/=](?:[^)\s=]{0,24}=)?(?:\{[^)}\n]{0,60}\}|"
        r"\$\{?[a-z_]|%7b|<[a-z _-]{2,40}>|\[[a-z _-]{2,40}\]|"
        r"(?:data|q|prompt|secret|token|key|conversation|history|chat|leak|payload|msg|text|c|d)=)"
        r"|data:(?:text/html|application/javascript|text/javascript|image/svg\+xml|application/octet-stream)[^,\s]{0,40},"
        r"|data:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=]{80,}|(?<![A-Za-z])javascript:[^\s]"
        r"|<img[^>\n]{1,200}src ?= ?[\"']?https?://[^\s>\"']{1,200}[?&](?:data|q|prompt|secret|token|conversation|history|chat|leak|payload|msg)="
    ),
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in {**_PHRASES, **_MARKS}.items()}
# Without one of these, in small letters, there is nothing to look for: a search for a word is much faster than one for a pattern.
_HINTS: dict[str, tuple[str, ...]] = {
    "ignore": (
        "ignore",
        "disregard",
        "forget",
        "override",
        "bypass",
        "neglect",
        "follow",
        "obey",
        "discard",
        "무시",
        "잊",
        "따르지",
        "버리",
        "버려",
        "무효",
        "삭제",
        "폐기",
        "덮어",
    ),
    "new role": (
        "you",
        "mode",
        "without",
        "free of",
        " no ",
        "instruction",
        "prompt",
        "directive",
        "모드",
        "이제",
        "지금부터",
        "없이",
        "없는",
    ),
    "reveal": ("prompt", "instruction", "message", "프롬프트", "지시", "지침"),
    "to the model": (
        "ai",
        "llm",
        "model",
        "assistant",
        "chatbot",
        "agent",
        "user",
        "모델",
        "인공지능",
        "챗봇",
        "어시스턴트",
        "사용자",
        "유저",
    ),
    "template token": (
        "<|",
        "[inst]",
        "[/inst]",
        "<<",
        "_of_turn>",
        "<｜",
        "[system_prompt]",
        "[/",
        "[av",
        "[tool",
        "[|",
        "<bos>",
        "<eos>",
        "<pad>",
    ),
    "role marker": ("system", "assistant", "developer", "human", "instruction", "response", "user", "시스템", "지시사항"),
    "call": ("<", "[tool_calls]", "action input"),
    "way out": ("![", "data:", "javascript:", "<img"),
}
_SPACES = re.compile(r"[ \t\r\f\v]+")

_SECURITY = re.compile(
    r"prompt[ -]injection|injection attack|jailbreak(?:ing|s)?|red[ -]team|adversarial (?:prompt|input|example)|"
    r"prompt (?:attack|hacking|leak)|"
    r"chat template|special tokens?|프롬프트 ?(?:인젝션|주입|공격|해킹)|인젝션 ?공격|탈옥(?: ?공격| ?시도|"
    r" ?프롬프트)|적대적 ?(?:프롬프트|입력|공격)|"
    r"(?:채팅|챗|대화) ?템플릿|특수 ?토큰|레드 ?팀",
    re.IGNORECASE,
)
_QUOTES = re.compile(
    r"```.*?```|`[^`\n]+`|\"[^\"\n]{1,400}\"|“[^”]{1,400}”|‘[^’]{1,400}’|「[^」]{1,400}」|『[^』]{1,400}』|«[^»]{1,400}»|(?<!\w)'[^'\n]{1,300}'(?!\w)",
    re.DOTALL,
)
_REPORTED = re.compile(
    r"\s*[\"”'’」`]?\s*(?:같은|라는|라고|하라는|하라고|하라며|하도록 (?:유도|지시)|처럼|등의|such as|or similar|and the like)"
)


@dataclass(frozen=True, slots=True)
class Order:
    """`text[start:end]` speaks to the model. `quoted` where it is quoted or reported in a text that speaks about such attacks."""

    kind: str
    start: int
    end: int
    quoted: bool


def orders(text: str) -> list[Order]:
    """What gives orders to a model in a text, in order. Wide letters, hidden characters and doubled spaces do not hide it."""
    folded = fold(text)
    read, places = _one_space(folded.text)
    found: list[tuple[str, int, int]] = []
    small = read.lower()
    for name, pattern in _PATTERNS.items():
        if not any(hint in small for hint in _HINTS[name]):
            continue
        for match in pattern.finditer(read):
            found.append((name, match.start(), match.end()))
    if not found:
        return []
    security = _SECURITY.search(read) is not None
    quotes = [match.span() for match in _QUOTES.finditer(read)] if security else []

    def is_quoted(start: int, end: int) -> bool:
        return security and (any(a <= start and end <= b for a, b in quotes) or _REPORTED.match(read, end) is not None)

    told = [Order(name, *_original(folded, places, start, end), is_quoted(start, end)) for name, start, end in found]
    return sorted(told, key=lambda order: (order.start, order.end))


def _one_space(text: str) -> tuple[str, list[int]]:
    """The text with single spaces, and where each of its characters stood."""
    made: list[str] = []
    places: list[int] = []
    place = 0
    for match in _SPACES.finditer(text):
        made += [text[place : match.start()], " "]
        places += [*range(place, match.start()), match.start()]
        place = match.end()
    return "".join([*made, text[place:]]), [*places, *range(place, len(text))]


def _original(folded: Folded, places: list[int], start: int, end: int) -> tuple[int, int]:
    return folded.span(places[start], places[end - 1] + 1)
