"""The section of a remote teacher: what it refuses, without repeating a secret, and what it says before text leaves."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from seodang.core.errors import RecipeError
from seodang.core.sections import Section, load_section
from seodang.models.openai_http import OpenAIHTTPTeacher, departure_notice

CANARY = "canary-0123456789"


class Recipe(Section):
    teacher: OpenAIHTTPTeacher


def write(path: Path, teacher: str) -> Path:
    path.write_text(f"teacher:\n  kind: openai_http\n  model: m\n{teacher}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "teacher",
    [
        f"  url: https://user:{CANARY}@host/v1\n",
        f"  url: user:{CANARY}@host/v1\n",
        f"  url: https://{CANARY}@host/v1\n",
        f"  url: https://host/v1?key={CANARY}\n",
        f"  url: https://host/v1#{CANARY}\n",
        f"  url: https://host/v1\n  api_key_env: {CANARY}\n",
    ],
)
def test_a_secret_in_the_recipe_is_refused_and_not_repeated(tmp_path: Path, teacher: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_section(Recipe, write(tmp_path / "recipe.yaml", teacher))
    assert CANARY not in caught.value.render() + repr(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("url", ["host/v1", "ftp://host", "http://", "http://host:99999/v1", "http://host:x/v1", "http://ho st/v1"])
def test_an_address_that_is_none_is_refused_with_its_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_section(Recipe, write(tmp_path / "recipe.yaml", f"  url: '{url}'\n"))
    assert "recipe.yaml:4: `teacher.url`" in str(caught.value)


def test_one_key_is_enough() -> None:
    with pytest.raises(ValidationError, match="not both"):
        OpenAIHTTPTeacher(url="http://host", model="m", api_key_env="KEY", api_key_file=Path("key"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://localhost:8000", "http://[::1]:8000/v1", "https://127.9.9.9"])
def test_loopback_is_said_to_stay_here(url: str) -> None:
    assert "stays on this machine" in departure_notice(OpenAIHTTPTeacher(url=url, model="m"), 3, 12_345)


def test_the_notice_names_host_size_model_and_the_lack_of_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:{CANARY}@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    notice = departure_notice(OpenAIHTTPTeacher(url="http://api.example/v1", model="m", token_budget=5000), 1, 12_345)
    said = ["12,345 characters", "1 document ", "api.example:80", "`m`", "WITHOUT ENCRYPTION", "leaves this machine", "5,000 tokens"]
    for part in [*said, "proxy.example"]:
        assert part in notice
    assert CANARY not in notice


def test_the_notice_of_an_encrypted_endpoint_does_not_warn() -> None:
    assert " and 7 exam questions to api.example" in departure_notice(OpenAIHTTPTeacher(url="https://api.example/v1", model="m"), 2, 10, 7)
    notice = departure_notice(OpenAIHTTPTeacher(url="https://api.example/v1", model="m"), 2, 10)
    assert "over HTTPS" in notice
    assert "WITHOUT" not in notice


def test_the_section_loads_no_http_client() -> None:
    """A recipe with a local teacher does not pay for one."""
    code = "import seodang.models.openai_http, sys; assert not {'httpx', 'numpy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "given",
    [{"price_per_million_prompt_tokens": 1.0}, {"price_per_million_new_tokens": 1.0}, {"money_budget": 5.0}],
)
def test_half_a_price_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="price_per_million_prompt_tokens"):
        OpenAIHTTPTeacher(url="http://127.0.0.1:1/v1", model="m", **given)  # type: ignore[arg-type]


def test_the_notice_names_the_money_that_may_be_spent() -> None:
    priced = {"price_per_million_prompt_tokens": 0.5, "price_per_million_new_tokens": 2.0, "money_budget": 12.5, "token_budget": 1000}
    section = OpenAIHTTPTeacher(url="http://example.org/v1", model="m", **priced)  # type: ignore[arg-type]
    assert departure_notice(section, 1, 10).endswith("; at most 1,000 tokens and 12.5 in money")
