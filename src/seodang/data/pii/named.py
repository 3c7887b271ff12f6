"""Names and addresses of people, where the context calls them that. Nothing else tells a name from a word."""

import re
from collections.abc import Iterator, Sequence

from seodang.data.pii.labels import Label
from seodang.data.pii.span import Span

_SURNAMES = (
    "김이박최정강조윤장임한오서신권황안송류유홍전고문양손배백허남심노하곽성차주우구민진나지엄채원천방공현함변염여추도"
    "소석선설마길연위표명기반라왕금옥육인맹제모탁국어은편용예봉경"
)
_TWO_SYLLABLE_SURNAMES = "남궁|황보|제갈|선우|독고|사공|서문"
_KOREAN_NAME = re.compile(
    r"(?P<label>성함|성명|이름|고객명|고객 ?이름|예금주|수취인|수령인|받는 ?(?:분|사람)|보내는 ?(?:분|사람)|신청인|가입자|명의자)"
    r"(?P<link> ?[:=] ?|(?:은|는|이|가) |\"?: ?\"| )"
    rf"(?P<name>(?:{_TWO_SYLLABLE_SURNAMES})[가-힣]{{1,2}}|[{_SURNAMES}] ?[가-힣]{{1,2}})"
    r"(?=$|[\s,.;)\"'/]|입니다|이고|이며|이에요|예요|이라고|라고|씨|님|고객|인데)"
)
_ENGLISH_NAME = re.compile(
    r"(?<![A-Za-z])(?P<label>(?:full |customer |account holder(?:'s)? |my |his |her )?name)(?P<link> is |: ?| = |\": ?\")"
    r"(?P<name>[A-Z][a-z]+(?:[ -](?:[A-Z]\.|[A-Z][a-z]+)){1,3})"
)
_PROVINCES = "서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충청[남북]|충[남북]|전라[남북]|전[남북]|전북|경상[남북]|경[남북]|제주"
_KOREAN_ADDRESS = re.compile(
    r"(?P<label>(?:자택|집|배송|거주|현|받으실|등록) ?주소|주소지?|사는 곳|거주지|배송지)[^\n]{0,12}?"
    rf"(?P<address>(?:{_PROVINCES})[가-힣]* (?:[가-힣]{{1,5}}[시군구] ){{0,2}}[^\n,]{{0,20}}?[가-힣0-9]+(?:로|길|"
    rf"동|읍|면|리|가|거리)(?: ?지하)? ?\d{{1,4}}"
    r"(?:-\d{1,4})?(?:번지)?(?:,? ?\(?[가-힣0-9 ]{1,12}\)?)?(?:,? ?\d{1,4}동)?(?:,? ?\d{1,4}호)?)"
)
_HOLDS_ADDRESS = re.compile(r"주소|사는 곳|거주|배송|address|lives? at|living at|deliver", re.IGNORECASE)
_ENGLISH_ADDRESS = re.compile(
    r"(?<![A-Za-z])(?P<label>(?:home |billing |shipping |mailing |street )?address|lives? at|living at|deliver(?:ed)? to)[^\n\d]{0,16}"
    r"(?P<address>\d{1,5} (?:[A-Z][A-Za-z]+ ){1,4}(?:St(?:reet)?|Ave(?:nue)?|R(?:oa)?d|Blvd|Boulevard|Lane|Ln|"
    r"Dr(?:ive)?|Court|Ct|Way|Place|Pl)"
    r"(?![A-Za-z])[^\n]{0,40}?(?=$|[.;\n]))",
    re.IGNORECASE,
)


def names(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Names after a word such as 성함 or `name:`. Examples have them too, so they are less sure than numbers."""
    for pattern in (_KOREAN_NAME, _ENGLISH_NAME):
        for match in pattern.finditer(text):
            yield Span("name", match.start("name"), match.end("name"), 0.4, "named", match["label"])


def addresses(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Addresses with the number of a house, after a word such as 주소 or `address`."""
    for pattern in (_KOREAN_ADDRESS, _ENGLISH_ADDRESS) if _HOLDS_ADDRESS.search(text) else ():
        for match in pattern.finditer(text):
            yield Span("address", match.start("address"), match.end("address"), 0.6, "named", match["label"])
