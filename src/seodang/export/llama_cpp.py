"""A GGUF file run by llama.cpp inside this process (the wheel `xllamacpp`). It answers on a socket of its own, not on a port.

llama.cpp's threads wait by spinning: more threads than free cores, or another busy program beside it, and it becomes many times slower.
"""

import importlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from seodang.core.errors import ModelError
from seodang.core.processors import num_threads
from seodang.models.chat_model import Message, TokenLogprob

_LONGEST_SOCKET_PATH = 100  # Unix allows 104 to 108 bytes
_TIMEOUT_S = 600.0
_CERTAIN = 1e6  # added to a logit, makes its token the choice


@dataclass(frozen=True, slots=True)
class Generation:
    """A greedy answer, and its token ids with the one that ended it, if one did."""

    text: str
    token_ids: list[int]
    finish_reason: str  # "stop" or "length"
    tokens_per_s: float  # decoding alone, from the second new token on; 0 where there is none


class LlamaCppModel:
    """Opens a GGUF file; close it, or use it in a `with` statement. `threads` is two, or one on a single core, by default."""

    def __init__(self, path: Path, *, threads: int | None = None, context: int = 2048) -> None:
        try:
            xllamacpp: Any = importlib.import_module("xllamacpp")
        except ImportError as error:
            raise ModelError(f"llama.cpp is not installed ({error})", where=str(path), hint="pip install 'seodang[edge]'") from error
        if not path.is_file():
            raise ModelError("no GGUF file here", where=str(path), hint="a run that has finished `export` holds one")
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelError("not a GGUF file", where=str(path), hint="export it again")
        self.path = path
        self.threads = threads or min(2, num_threads())
        self.runtime = f"xllamacpp {xllamacpp.__version__}"
        temporary = tempfile.gettempdir()
        self._folder = tempfile.TemporaryDirectory(
            prefix="seodang-", dir=temporary if len(temporary) < _LONGEST_SOCKET_PATH - 25 else "/tmp"
        )
        socket = f"{self._folder.name}/llama.sock"
        params: Any = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.hostnames = [socket]
        params.n_ctx = context
        params.n_parallel = 1
        params.n_gpu_layers = 0
        params.cpuparams.n_threads = self.threads
        params.cpuparams_batch.n_threads = self.threads
        params.n_threads_http = 1
        params.cache_ram_mib = 0
        params.fit_params = False
        params.warmup = False
        params.offline = True
        params.ui = False
        params.prefill_assistant = False  # an assistant's message that comes last is ended, as in the checkpoint's template
        params.verbosity = -1
        try:
            self._server: Any = xllamacpp.Server(params)
        except RuntimeError as error:
            self._folder.cleanup()
            raise ModelError(
                "llama.cpp cannot open it",
                where=str(path),
                hint="the file may be cut short, or of an architecture that this version does not know",
            ) from error
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=socket), base_url="http://llama.cpp", timeout=_TIMEOUT_S, trust_env=False
        )
        self._whole_token = self.encode_text("!")[0]

    def __enter__(self) -> "LlamaCppModel":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Frees the model and its threads."""
        self._client.close()
        self._server = None
        self._folder.cleanup()

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text by the file's own tokenizer; special tokens written in it count as such."""
        return self._ask("tokenize", {"content": text, "add_special": False, "parse_special": True})["tokens"]

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a conversation in the file's own template, up to and including the start of the assistant's turn."""
        rows = [{"role": message.role, "content": message.content} for message in messages]
        return self.encode_text(self._ask("apply-template", {"messages": rows})["prompt"])

    def generate(self, prompt: Sequence[int], max_new_tokens: int = 64, *, ignore_end: bool = False) -> Generation:
        """The greedy continuation of token ids. What a prompt shares with the last one is not computed again."""
        answer = self._complete(prompt, max_new_tokens, {"ignore_eos": ignore_end, "return_tokens": True})
        return Generation(
            text=answer["content"],
            token_ids=answer["tokens"],
            finish_reason="length" if answer["stop_type"] == "limit" else "stop",
            tokens_per_s=answer["timings"]["predicted_per_second"] if answer["timings"]["predicted_n"] > 1 else 0.0,
        )

    def next_token(self, prompt: Sequence[int], top_k: int = 20) -> TokenLogprob:
        """The most probable token after `prompt` and the `top_k` best in its place, with natural-log probabilities of the whole softmax."""
        # llama.cpp reports no probabilities where the token it chose ends inside a character. They are computed before any bias
        # on the choice, so it is made to choose a token that is whole.
        answer = self._complete(prompt, 1, {"n_probs": top_k, "post_sampling_probs": False, "logit_bias": [[self._whole_token, _CERTAIN]]})
        top = tuple((row["id"], row["token"], row["logprob"]) for row in answer["completion_probabilities"][0]["top_logprobs"])
        return TokenLogprob(*top[0], top)

    def _complete(self, prompt: Sequence[int], max_new_tokens: int, options: dict[str, Any]) -> dict[str, Any]:
        request = {"prompt": list(prompt), "n_predict": max_new_tokens, "temperature": 0.0, "cache_prompt": True}
        return self._ask("completion", request | options)

    def _ask(self, endpoint: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._client.post(f"/{endpoint}", json=request)
            answer = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ModelError(f"llama.cpp stopped answering ({type(error).__name__})", where=str(self.path), hint="run again") from error
        if "error" in answer:
            raise ModelError(
                f"llama.cpp refused: {answer['error']['message']}",
                where=str(self.path),
                hint="a shorter prompt or a larger context may help",
            )
        return answer
