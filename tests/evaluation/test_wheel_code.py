"""Code of a wheel runs beside what is installed: its modules import one another, and nothing of it is left in `sys.modules`."""

import sys
import zipfile
from pathlib import Path

import pytest

from seodang.core.errors import InputError
from seodang.evaluation.wheel_code import WheelCode, stand_in

FILES = {
    "shop/__init__.py": "import shop.prices\nname = 'shop'\n",
    "shop/prices.py": "from .goods.fruit import APPLE\nimport json as text\ndef told(): return text.dumps([APPLE])\n",
    "shop/goods/fruit.py": "from pydantic import BaseModel\nclass Fruit(BaseModel):\n    price: float\nAPPLE = Fruit(price=2).price\n",
    "shop/late.py": "def look():\n    from shop.goods import fruit\n    import shop.goods.fruit\n    return shop.goods.fruit is fruit\n",
    "shop/logs.py": "from missing_library import log\nimport missing_library.deep as deep\nlog('x')\nvalue = deep.value\n",
    "shop/relative.py": "from . import prices\nfrom .goods import fruit\nsame = prices.APPLE == fruit.APPLE\n",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "shop-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    return path


def test_modules_import_one_another_and_leave_none_behind(wheel: Path) -> None:
    code, before = WheelCode(wheel, "shop"), dict(sys.modules)
    assert code.module("shop.prices").told() == "[2.0]"
    assert code.module("shop.late").look() is True
    assert code.module("shop.relative").same is True
    assert code.module("shop.prices") is code.module("shop").prices
    assert [name for name in sys.modules if name.split(".")[0] == "shop" and name not in before] == []


def test_a_stand_in_takes_the_place_of_a_library(wheel: Path) -> None:
    told: list[str] = []
    deep = stand_in("missing_library.deep", value=3)
    code = WheelCode(wheel, "shop", {"missing_library": stand_in("missing_library", log=told.append, deep=deep)})
    assert code.module("shop.logs").value == 3
    assert told == ["x"]
    assert "missing_library" not in sys.modules


def test_two_openings_share_no_module(wheel: Path) -> None:
    first, second = WheelCode(wheel, "shop"), WheelCode(wheel, "shop")
    first.module("shop.prices").APPLE = 9
    assert second.module("shop.prices").told() == "[2.0]"


def test_a_module_that_is_not_there_is_an_error(wheel: Path) -> None:
    with pytest.raises(InputError, match=r"no module `shop\.nothing`"):
        WheelCode(wheel, "shop").module("shop.nothing")
    with pytest.raises(ModuleNotFoundError, match="missing_library"):
        WheelCode(wheel, "shop").module("shop.logs")
