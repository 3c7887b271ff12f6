"""A tokenizer of the student's own: a small vocabulary learned from what is taught, instead of the teacher's large one."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seodang.core.errors import ModelError
from seodang.core.files import storage_errors
from seodang.models.reader import Reader

_NUM_BYTES = 256
_FEWEST = 2  # times that a pair is seen before it becomes a token: one that is seen once has nothing to be learned from
_NAMED = ("bos_token", "eos_token", "unk_token", "pad_token")


def make_own_start(source: Path, folder: Path, texts: Iterable[str], vocabulary_size: int) -> dict[str, Any]:
    """Writes into `folder` what a fresh student starts from: a byte-level BPE tokenizer of at most `vocabulary_size` tokens trained on
    `texts`, and the configuration of the model in `source` with that vocabulary.

    The chat template and its special tokens are those of `source`, so that answers end with the same token, and the student stops at each
    of them at which `source` stops. Few texts give fewer tokens. Texts of any order give one tokenizer. ModelError where the bytes and
    special tokens do not fit into the vocabulary.
    """
    from transformers import AutoConfig, GenerationConfig

    reader = Reader(source)
    old = reader.tokenizer
    tokenizer = _trained(old, texts, vocabulary_size, str(source))
    stops = [
        tokenizer.convert_tokens_to_ids(token) for token in _special_tokens(old) if old.convert_tokens_to_ids(token) in reader.stop_ids
    ]
    ids = {f"{name}_id": tokenizer.convert_tokens_to_ids(getattr(old, name)) for name in _NAMED[:2] + _NAMED[3:] if getattr(old, name)}
    config: Any = AutoConfig.from_pretrained(source, local_files_only=True)
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        setattr(config, name, ids.get(name))
    config.vocab_size = len(tokenizer)
    with storage_errors(folder):
        tokenizer.save_pretrained(folder)
        config.save_pretrained(folder)
        GenerationConfig(**ids | ({"eos_token_id": stops} if len(stops) > 1 else {})).save_pretrained(folder)
    return {"num_tokens": len(tokenizer), "special_tokens": tokenizer.all_special_tokens}


def _trained(old: Any, texts: Iterable[str], vocabulary_size: int, where: str) -> Any:
    """The new tokenizer, with the template and the special tokens of the old one that are named or written in its template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = _special_tokens(old)
    if vocabulary_size < _NUM_BYTES + len(special):
        raise ModelError(
            f"a vocabulary of {vocabulary_size} has no room for {_NUM_BYTES} bytes and {len(special)} special tokens",
            where=where,
            hint=f"set `student.vocabulary_size` to {_NUM_BYTES + len(special)} at least; 8192 is a good size for one domain",
        )
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=_FEWEST,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(sorted(texts), trainer)
    named = {name: getattr(old, name) for name in _NAMED if getattr(old, name)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained, **named, model_max_length=old.model_max_length)
    tokenizer.chat_template = old.chat_template
    return tokenizer


def _special_tokens(old: Any) -> list[str]:
    """In the order of their old ids: those with a name (the end of an answer is one), and those that the chat template writes."""
    described: dict[str, Any] = json.loads(old.backend_tokenizer.to_str())
    named = {getattr(old, name) for name in _NAMED}
    rows = sorted(described["added_tokens"], key=lambda row: row["id"])
    return [row["content"] for row in rows if row["special"] and (row["content"] in named or row["content"] in (old.chat_template or ""))]
