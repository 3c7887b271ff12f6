"""The knobs of `seodang serve`."""

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class ServeSection(Section):
    """Where the server listens, who may use it, and how much one request may ask for."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on; on loopback no other machine can reach it")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port (0 to 65535); 0 takes a free one")
    api_key_env: str | None = Field(
        default=None,
        description="name (in capitals) of the environment variable that holds the key clients must send; never the key itself",
    )
    api_key_file: Path | None = Field(default=None, description="file that holds that key and nothing else; never the key itself")
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="temperature of requests that give none (0 to 2); 0 is greedy, as in the exam"
    )
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="longest request body, in bytes (from 1024)")
    max_prompt_tokens: int = Field(default=4096, ge=1, description="longest prompt, in tokens")
    max_new_tokens: int = Field(default=1024, ge=1, description="most new tokens of one answer; also what a chat gets that names no limit")
    max_choices: int = Field(default=64, ge=1, description="most answers of one request: its prompts times `n`")
    max_logprobs: int = Field(default=20, ge=0, le=1000, description="most alternatives a token that can be asked for (0 to 1000)")
    request_timeout_s: float = Field(
        default=300.0, gt=0, le=86_400, description="longest time of one request with its wait, in seconds (up to 86400)"
    )
    max_concurrency: int = Field(default=4, ge=1, le=256, description="requests that are answered at once, a token each in turn (1 to 256)")
    queue_size: int = Field(default=32, ge=0, description="requests that may wait for their turn; further ones are refused with status 429")
    num_threads: int | None = Field(default=None, ge=1, description="processor threads; null: all that this process may use")

    # Refused by an error of our own, because one of pydantic's would repeat what may be a key.
    @field_validator("api_key_env")
    @classmethod
    def _name_of_a_variable(cls, name: str | None) -> str | None:
        if name is not None and not _VARIABLE.fullmatch(name):
            raise RecipeError(
                "`serve.api_key_env` is not the name of an environment variable (capitals, digits and underscores)",
                hint="if it is the key itself: take it out of the recipe, put it into a variable, and name that variable here",
            )
        return name

    @model_validator(mode="after")
    def _one_key(self) -> "ServeSection":
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("give `api_key_env` or `api_key_file`, not both")
        return self
