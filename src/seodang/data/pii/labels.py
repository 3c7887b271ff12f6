"""Words of the context that say what a number beside them is: personal data of some kind, or something else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

OTHER = "other"  # the kind of a label that names something impersonal, such as an order number
VAGUE = "vague"  # the kind of a word that stands beside impersonal numbers more often than not; it speaks against bare digits alone
_NO_NUMBERS = ("name", "address", "email")  # these name no number, so they take none from a label that stands before them

_REACH = 34  # characters between a label and what it names
_REACH_BACK = 14  # characters to a label that follows, such as `010-... (연락처)`

_WORDS = {
    "resident_number": (
        "주민 ?등록 ?번호|주민 ?번호|주민 ?등록|주민(?=[:은 ])|주민증 ?번호|주민등록증|RRN|resident registration (?:number|no)|"
        "resident (?:id|number|no)|resident_(?:registration_)?(?:number|no)|jumin"
    ),
    "foreigner_number": (
        "외국인 ?등록 ?번호|외국인 ?번호|외국인 ?등록증|외국국적 ?동포|거소 ?신고 ?번호|ARC(?: number| no)?|FRN|"
        "(?:alien|foreigner|foreign) registration (?:card|number|no)|alien_registration(?:_number)?"
    ),
    "passport": "여권 ?번호|여권|passport(?: ?number| ?no|_number|_no)?",
    "driver_licence": "운전 ?면허 ?번호|운전 ?면허증?|면허 ?번호|면허증|driv(?:er'?s?|ing) licen[cs]e(?: number| no)?|driver_?licen[cs]e",
    "business_number": (
        "사업자 ?등록 ?번호|사업자 ?번호|사업자 ?등록|사업자|business (?:registration )?(?:number|no)|BRN|business_number|tax id"
    ),
    "phone": (
        "휴대 ?전화(?: ?번호)?|휴대폰(?: ?번호)?|핸드폰(?: ?번호)?|전화 ?번호|전화|연락처|연락|폰 ?번호|폰번|팩스|문자|통화|"
        "H\\.?P|tel(?:ephone)?|phone(?: ?number|_number)?|mobile(?: number| phone)?|cell(?: phone|phone)?(?: number)?|fax|call(?:ed|ing)?|"
        "contact(?: number)?|msisdn|whatsapp|text(?: me| her| him| them)|번으로"
    ),
    "card": (
        "(?:신용|체크|직불|법인|결제) ?카드(?: ?번호)?|카드 ?번호|카드(?=[는은로를가: ])|(?:credit|debit|payment) card(?: number| no)?|"
        "card(?: number| no|_number|_no)?"
    ),
    "account": (
        "계좌 ?번호|계좌|통장(?: ?번호)?|입금|송금|이체|예금|환불 ?받을|"
        "(?:국민|신한|우리|하나|농협|기업|산업|수협|부산|대구|광주|전북|경남|제주|씨티|SC ?제일|제일|외환|카카오|"
        "토스|케이)(?: ?은행| ?뱅크)|"
        "농협|축협|수협|신협|새마을 ?금고|우체국|카카오뱅크|토스뱅크|케이뱅크|KB|NH|IBK|KDB|"
        "(?:bank )?account(?: number| no|_number|_no)?|IBAN|wire (?:it|the money|funds)? ?to|deposit(?: it)? (?:to|into)"
    ),
    "email": "이메일|메일|e-?mail",
    "ip_address": "아이피|IP(?: ?주소| address)?|접속지|client_ip|remote_addr",
    "name": "이름|성함|성명|name",
    "address": "주소|address",
    OTHER: (
        "주문 ?(?:번호|내역|ID)|주문(?=[:# ]{0,2}[\\d(])|송장(?: ?번호)?|운송장(?: ?번호)?|운송 ?번호|"
        "배송 ?(?:번호|조회)|등기 ?번호|접수 ?번호|예약 ?번호|"
        "문의 ?번호|상품 ?(?:번호|코드)|제품 ?(?:번호|코드)|모델 ?(?:명|번호)|모델|품번|품목|부품 ?번호|바코드|"
        "일련 ?번호|시리얼(?: ?번호| ?넘버)?|"
        "자산 ?번호|문서 ?번호|관리 ?번호|거래 ?번호|승인 ?번호|영수증(?: ?번호)?|인증 ?번호|사건 ?번호|"
        "의안 ?번호|특허(?: ?번호)?|출원 ?번호|"
        "도서 ?번호|타임 ?스탬프|에포크|버전|빌드|펌웨어|커밋|해시|로그 ?번호|티켓(?: ?번호)?|좌표|위도|경도|"
        "우편 ?번호|회원 ?번호|학번|사번|"
        "order(?: number| no\\.?| id|_id|_no|_number)|order(?=[:# ]{0,2}\\d)|invoice|tracking(?: number| no\\.?|"
        " id|_no|_number)?|shipment|parcel|"
        "booking(?: number| no)?|ticket|case (?:number|no|id)|serial(?: number| no|_number|_no)?|part (?:number|no)|sku|"
        "model (?:number|no)|barcode|ean|upc|isbn|issn|doi|gtin|timestamp|epoch|unix time|version|ver|build|release|firmware|kernel|"
        "commit|revision|checksum|hash|lot(?: number| no)|batch(?: number| no)|transaction(?: id|_id| number)|txn|request(?: id|_id)|"
        "trace(?: id|_id)|latitude|longitude|coordinates|patent|document (?:number|no)|asset tag|uuid|imei|iccid"
    ),
    VAGUE: "id|ref|reference|ts|time|created_at|updated_at|seq|sequence|session|row|line|offset|bytes|size|port|job|job_id|코드|시각|시간",
}
_LABEL = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _WORDS.items()), re.IGNORECASE)
_NUMBER = re.compile(r"\d[\d .():/·~-]{4,}\d|(?<![A-Za-z])[A-Za-z]{1,2}\d{3}")
_LONGEST = 36  # characters of the longest label
_ASCII_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Label:
    """A word of the text that names a kind: one of the span's kinds, or `OTHER`."""

    kind: str
    start: int
    end: int
    word: str


def find_labels(text: str) -> list[Label]:
    """The labels near the numbers of a folded text, in order. An English one stands alone; a Korean one may be part of a word."""
    found: list[Label] = []
    place = 0
    for number in _NUMBER.finditer(text):
        place, end = max(place, number.start() - _REACH - _LONGEST), min(len(text), number.end() + _REACH_BACK + _LONGEST)
        while match := _LABEL.search(text, place, end):
            place = match.start() + 1
            if _ASCII_LETTER.match(text, match.start()) and not _stands_alone(text, match.start(), match.end()):
                continue
            place = match.end()
            found.append(Label(match.lastgroup or OTHER, match.start(), match.end(), match[0]))
        place = max(place, end - _LONGEST)
    return found


def has_numbers(text: str) -> bool:
    """Whether a folded text holds anything as long as an identifier."""
    return _NUMBER.search(text) is not None


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    plural = after == "s" and not _ASCII_LETTER.match(text, end + 1)
    return not (before.isascii() and before.isalpha()) and (plural or not (after.isascii() and after.isalpha()))


def label_of(kinds: Sequence[str], text: str, labels: Sequence[Label], start: int, end: int) -> Label | None:
    """The label that names `text[start:end]`, where it is of one of `kinds`, of `OTHER` or `VAGUE`.

    It is the nearest before it on the same line or the line above, or one right after it, as in `010-... (연락처)`. Where another number
    stands between, only a label of `kinds` still counts: it may name several.
    """
    nearest: Label | None = None
    for label in labels:
        if label.start >= end:
            if nearest is None and label.kind in kinds and label.start - end <= _REACH_BACK and _CLOSES.fullmatch(text, end, label.start):
                nearest = label
            break
        if label.end > start or start - label.end > _REACH or text.count("\n", label.end, start) > 1:
            continue
        if label.kind in kinds or (label.kind not in _NO_NUMBERS and not _DIGIT.search(text, label.end, start)):
            nearest = label
    return nearest if nearest is not None and nearest.kind in (*kinds, OTHER, VAGUE) else None


def confidence(base: float, label: Label | None, form: str) -> tuple[float, str]:
    """How sure a span of the form is whose own shape gives `base`, and the form: "named" where a label names it.

    A label of the kind itself makes it 0.95, one of something else takes 0.45 away, a vague one 0.25 of bare digits.
    """
    if label is None:
        return base, form
    if label.kind == OTHER:
        return max(0.05, base - 0.45), form
    if label.kind == VAGUE:
        return (max(0.05, base - 0.25) if form == "bare" else base), form
    return 0.95, "named" if form == "bare" else form


def is_glued(text: str, start: int, end: int, labels: Sequence[Label]) -> bool:
    """Whether `text[start:end]` is a piece of a longer code: a Latin letter, digit or `_` touches it, or joins it over `-`, `.` or `_`."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if any(label.end == start for label in labels):
        before = ""
    return bool(_GLUED_BEFORE.search(before) or _GLUED_AFTER.match(after))


_DIGIT = re.compile(r"\d")
_GLUED_BEFORE = re.compile(r"(?:[A-Za-z0-9_]|[A-Za-z0-9][-._]|[@#])\Z")
_GLUED_AFTER = re.compile(r"[A-Za-z0-9_]|[-._][A-Za-z0-9]")
_CLOSES = re.compile(
    r" ?[(\[,/]? ?(?:is |was |as |이게 |이건 |이 |은 |는 |가 )?(?:my |our |his |her |their |the |your |제 |내 |저희 |고객 |본인 )?"
)
