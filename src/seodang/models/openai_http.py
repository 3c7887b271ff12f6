"""A teacher behind an OpenAI-compatible endpoint: its section in a recipe, and what leaves this machine. `remote.opening` opens it."""

import re
import urllib.request
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from seodang.core.errors import RecipeError
from seodang.core.hashing import digest
from seodang.core.licenses import UNKNOWN, License
from seodang.core.sections import Section
from seodang.models.remote.address import parse_address
from seodang.models.remote.budget import Price
from seodang.models.think import Thinking, ThinkMode

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class OpenAIHTTPTeacher(Section):
    """A teacher that another server runs, such as vLLM, SGLang, llama.cpp or `seodang serve`."""

    kind: Literal["openai_http"] = Field(default="openai_http", description="a server that speaks the OpenAI protocol")
    url: str = Field(description="base address of the server, such as http://127.0.0.1:8000/v1; no user name, key or query in it")
    model: str = Field(min_length=1, description="the model's name as the server lists it under /v1/models")
    license: License = Field(
        default=UNKNOWN,
        description="licence of the model, or terms of the service: an SPDX expression, or LicenseRef-NAME; unknown: no run",
    )
    api_key_env: str | None = Field(default=None, description="name, in capitals, of the environment variable with the key; never the key")
    api_key_file: Path | None = Field(default=None, description="file with the key and nothing else; never the key")
    thinking: Thinking = Field(
        default=ThinkMode.NONE,
        description="on or off: sent as chat_template_kwargs.enable_thinking; none: nothing is sent, and the server's default holds",
    )
    max_concurrency: int = Field(
        default=16, ge=1, le=1024, description="most requests under way at once (1 to 1024); fewer while it is slow"
    )
    requests_per_minute: int | None = Field(default=None, ge=1, description="most requests begun a minute, with retries; null: no limit")
    token_budget: int | None = Field(
        default=None,
        ge=1,
        description="most tokens, prompts and answers together, that one run may use before it stops cleanly; null: no limit",
    )
    price_per_million_prompt_tokens: float | None = Field(
        default=None, ge=0, description="what a million tokens of prompts cost, in any currency; null: not known"
    )
    price_per_million_new_tokens: float | None = Field(default=None, ge=0, description="what a million tokens of answers cost, in the same")
    money_budget: float | None = Field(
        default=None,
        gt=0,
        description="most that all runs of a workspace may cost at this teacher before they stop cleanly, in the same; null: no limit",
    )
    timeout_s: float = Field(default=300.0, gt=0, le=86_400, description="longest time for one whole answer, in seconds (up to 86400)")
    retries: int = Field(default=5, ge=0, le=20, description="further tries of a request that failed in a way that may pass (0 to 20)")

    @property
    def price(self) -> Price | None:
        """What tokens cost, where the recipe says it."""
        prompt, new = self.price_per_million_prompt_tokens, self.price_per_million_new_tokens
        return None if prompt is None or new is None else Price(prompt, new)

    def key(self) -> str:
        """Digest of what determines its answers, as far as it is known here."""
        return digest(["openai_http", self.url, self.model, self.thinking])

    # What may hold a secret is refused by an error of our own: one of pydantic's would repeat the value.
    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        if "@" in url:
            raise RecipeError(
                "`teacher.url` holds a user name or password",
                hint="write the address alone, and name the key with `api_key_env` or `api_key_file`",
            )
        if "?" in url or "#" in url:
            raise RecipeError(
                "`teacher.url` holds a query or fragment (what follows `?` or `#`)",
                hint="write the base address alone, such as https://host/v1, and name the key with `api_key_env` or `api_key_file`",
            )
        parse_address(url)
        return url

    @field_validator("api_key_env")
    @classmethod
    def _name_of_a_variable(cls, name: str | None) -> str | None:
        if name is not None and not _VARIABLE.fullmatch(name):
            raise RecipeError(
                "`teacher.api_key_env` is not the name of an environment variable (capitals, digits and underscores)",
                hint="if it is the key itself: take it out of the recipe, put it into a variable, and name that variable here",
            )
        return name

    @model_validator(mode="after")
    def _one_key(self) -> "OpenAIHTTPTeacher":
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("give `api_key_env` or `api_key_file`, not both")
        return self

    @model_validator(mode="after")
    def _whole_price(self) -> "OpenAIHTTPTeacher":
        known = [self.price_per_million_prompt_tokens is not None, self.price_per_million_new_tokens is not None]
        if any(known) != all(known) or (self.money_budget is not None and not all(known)):
            raise ValueError(
                "give `price_per_million_prompt_tokens` and `price_per_million_new_tokens` together; `money_budget` needs both"
            )
        return self


def departure_notice(section: OpenAIHTTPTeacher, num_documents: int, num_characters: int, num_questions: int = 0) -> str:
    """One line that says what is about to be sent, and where. Print it before the first request that carries the user's text.

    `num_questions` are those of the exam and of the general suite, which a teacher that sits them is sent too.
    """
    address = parse_address(section.url)
    what = f"about to send {num_characters:,} characters from {num_documents:,} document{'s' * (num_documents != 1)}"
    what += f" and {num_questions:,} exam questions" if num_questions else ""
    where = f"to {address.host}:{address.port} (model `{section.model}`)"
    if address.loopback:
        return f"{what} {where}: a loopback address, so this stays on this machine unless that server passes it on"
    how = "over HTTPS" if address.encrypted else "over HTTP, WITHOUT ENCRYPTION"
    proxy = "" if urllib.request.proxy_bypass(address.host) else urllib.request.getproxies().get(address.scheme, "")
    through = f", by way of the proxy {urlsplit(proxy).hostname}" if proxy else ""
    limits = [f"{section.token_budget:,} tokens"] if section.token_budget else []
    limits += [f"{section.money_budget:g} in money"] if section.money_budget else []
    budget = f"; at most {' and '.join(limits)}" if limits else ""
    return f"{what} {where} {how}{through}: this text leaves this machine{budget}"
