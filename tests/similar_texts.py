"""Texts that tests edit, and the truth about them by the standard library alone."""

import random
import unicodedata

WORDS_KO = (
    "데이터", "로밍", "회선", "정지", "요금", "납부", "확인", "고객", "상담", "설정", "메뉴", "선택",
    "해외", "여행", "차단", "해제", "신청", "방법", "안내", "절차", "명세서", "청구", "속도", "제한",
)  # fmt: skip
WORDS_EN = (
    "roaming", "line", "suspended", "bill", "customer", "agent", "settings", "menu", "select", "abroad", "travel", "blocked",
    "restore", "request", "steps", "invoice", "speed",
)  # fmt: skip


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def shingles(text: str, size: int = 5) -> set[str]:
    plain = folded(text)
    return {plain[start : start + size] for start in range(max(1, len(plain) - size + 1))} if plain else set()


def similarity(first: str, second: str) -> float:
    one, other = shingles(first), shingles(second)
    return len(one & other) / len(one | other) if one | other else 0.0


def written(draw: random.Random, count: int) -> str:
    """A text of `count` words that occur once or twice in it."""
    words = draw.choice((WORDS_KO, WORDS_EN))
    return " ".join(f"{draw.choice(words)}{draw.choice(words)[:2]}" for _ in range(count))


def edited(draw: random.Random, text: str, share: float) -> str:
    """The text with a share of its words replaced."""
    words = text.split(" ")
    for place in draw.sample(range(len(words)), max(1, round(share * len(words)))):
        words[place] = draw.choice(WORDS_KO) + draw.choice(WORDS_EN)[:3]
    return " ".join(words)


def corpus(seed: int, count: int, least: int = 8, most: int = 120) -> list[str]:
    """Texts of which a third are edited copies, and some equal ones."""
    draw = random.Random(seed)
    texts = [written(draw, draw.randint(least, most)) for _ in range(count)]
    texts += [edited(draw, draw.choice(texts[:count]), draw.choice((0.01, 0.03, 0.06, 0.1))) for _ in range(count // 2)]
    texts += [draw.choice(texts) for _ in range(count // 10)]
    draw.shuffle(texts)
    return texts
