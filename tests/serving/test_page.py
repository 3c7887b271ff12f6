"""The page is self-contained, and nothing that a model wrote can become markup."""

import re
from importlib.resources import files

import httpx
import pytest

PAGE = files("seodang.serving") / "page"
SCRIPT = (PAGE / "chat.js").read_text()
MARKUP = (PAGE / "index.html").read_text()
STYLE = (PAGE / "chat.css").read_text()


@pytest.mark.parametrize(
    "way",
    [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "setHTML",
        "createContextualFragment",
        "srcdoc",
        "DOMParser",
    ],
)
def test_the_script_has_no_way_to_make_markup_of_text(way: str) -> None:
    assert way not in SCRIPT


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    assert not re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!/page/)[^\s\"'>)]+", MARKUP + STYLE)
    assert not re.search(r"https?://", MARKUP + STYLE + SCRIPT)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", MARKUP)
    assert not re.search(r"<script(?![^>]*src=)", MARKUP)


def test_the_page_comes_with_a_strict_policy(address: str) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/page/chat.js", "text/javascript"),
        ("/page/chat.css", "text/css"),
        ("/page/icon.svg", "image/svg+xml"),
    ):
        response = httpx.get(address + path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(kind)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"


def test_every_word_is_there_in_both_languages() -> None:
    words = {
        language: re.findall(r"\b([a-zA-Z]+): \"", block) for language, block in re.findall(r"(en|ko): \{(.*?)\n  \}", SCRIPT, re.DOTALL)
    }
    assert sorted(words["en"]) == sorted(words["ko"])
    used = set(re.findall(r"words\.([a-zA-Z]+)", SCRIPT)) | set(re.findall(r"data-(?:text|label|placeholder)=\"(\w+)\"", MARKUP))
    assert used == set(words["en"])
    assert all(f'id="{name}"' in MARKUP for name in re.findall(r"find\(\"([a-z-]+)\"\)", SCRIPT))
