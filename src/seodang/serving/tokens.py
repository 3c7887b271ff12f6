"""`/tokenize`, as vLLM has it: a client can prove that its tokenizer is the served model's own."""

from collections.abc import Generator

from seodang.models.local import LocalModel
from seodang.serving import chat
from seodang.serving.generation import context_size
from seodang.serving.protocol import TokenizeRequest
from seodang.serving.wire import JSON


def steps(model: LocalModel, ask: TokenizeRequest) -> Generator[JSON]:
    """The ids, in the scheduler's thread."""
    ids = chat.encode(model, ask.messages) if ask.messages is not None else model.encode_text(ask.prompt or "")
    texts = [model.tokenizer.decode([token_id]) for token_id in ids] if ask.return_token_strs else None
    yield {"count": len(ids), "max_model_len": context_size(model), "tokens": ids, "token_strs": texts}
