"""A byte-level BPE tokenizer as GGUF metadata. What llama.cpp would cut up differently is refused, never approximated."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType

from seodang.core.errors import ModelError

_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}

# llama.cpp's name (`tokenizer.ggml.pre`) of each way to cut text into words, with its steps as tokenizer.json writes them.
PRE_TOKENIZERS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [_BYTE_LEVEL],
    "smollm": [{"type": "Digits", "individual_digits": True}, _BYTE_LEVEL],
}


@dataclass(frozen=True, slots=True)
class GGUFTokenizer:
    """What llama.cpp needs to give the same token ids. `tokens` and `types` have one entry for each row of the embedding."""

    pre: str
    tokens: list[str]
    types: list[TokenType]
    merges: list[str]
    bos: int
    eos: int
    other_ends: list[int]  # at most two more ids that end an answer
    unk: int | None
    pad: int | None
    chat_template: str | None

    def write(self, writer: GGUFWriter) -> None:
        """Adds the tokenizer's keys. No token is put before a text by itself: the chat template says what begins it."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges(self.merges)
        writer.add_bos_token_id(self.bos)
        writer.add_eos_token_id(self.eos)
        for add, token in zip((writer.add_eot_token_id, writer.add_eom_token_id), self.other_ends, strict=False):
            add(token)
        if self.unk is not None:
            writer.add_unk_token_id(self.unk)
        if self.pad is not None:
            writer.add_pad_token_id(self.pad)
        writer.add_add_bos_token(False)
        writer.add_add_eos_token(False)
        if self.chat_template:
            writer.add_chat_template(self.chat_template)


def pre_tokenizer_name(pre_tokenizer: dict[str, Any] | None, where: str) -> str:
    """llama.cpp's name for the `pre_tokenizer` of a tokenizer.json; ModelError lists the known names where there is none."""
    steps = [] if pre_tokenizer is None else pre_tokenizer["pretokenizers"] if pre_tokenizer["type"] == "Sequence" else [pre_tokenizer]
    plain = [{key: value for key, value in step.items() if key != "trim_offsets"} for step in steps]
    for name, known in PRE_TOKENIZERS.items():
        if plain == known:
            return name
    raise ModelError(
        f"the pre-tokenizer of its tokenizer.json has no known name in llama.cpp: {json.dumps(plain)[:200]}",
        where=where,
        hint=f"known are {', '.join(f'`{name}` ({json.dumps(known)})' for name, known in PRE_TOKENIZERS.items())}",
    )


def read_tokenizer(checkpoint: Path, num_rows: int) -> GGUFTokenizer:
    """The tokenizer as transformers opens it, padded with unused tokens to the `num_rows` rows of the embedding.

    ModelError where llama.cpp's byte-level BPE could give other token ids.
    """
    from transformers import AutoTokenizer, GenerationConfig

    where = str(checkpoint)
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True, trust_remote_code=False)
        backend: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(
            f"its tokenizer cannot be opened: {str(error).splitlines()[0]}", where=where, hint="a tokenizer.json is needed"
        ) from error
    _refuse_what_differs(backend, where)
    pre = pre_tokenizer_name(backend["pre_tokenizer"], where)
    added = {row["id"]: row for row in backend["added_tokens"]}
    by_id = {index: token for token, index in backend["model"]["vocab"].items()} | {index: row["content"] for index, row in added.items()}
    if max(by_id) >= num_rows:
        raise ModelError(
            f"the tokenizer has ids up to {max(by_id)}, the embedding only {num_rows} rows",
            where=where,
            hint="use the tokenizer of this model",
        )
    if tokenizer.eos_token_id is None:
        raise ModelError("the tokenizer names no token that ends an answer", where=where, hint="set `eos_token` in tokenizer_config.json")
    types = {index: TokenType.CONTROL if row["special"] else TokenType.USER_DEFINED for index, row in added.items()}
    template = tokenizer.chat_template
    ends: Any = GenerationConfig.from_pretrained(checkpoint).eos_token_id if (checkpoint / "generation_config.json").is_file() else None
    others = sorted({*(ends if isinstance(ends, list) else [ends] if ends is not None else [])} - {tokenizer.eos_token_id})
    if len(others) > 2:
        raise ModelError(
            f"{len(others) + 1} tokens end an answer; GGUF names three",
            where=where,
            hint="shorten `eos_token_id` in generation_config.json",
        )
    return GGUFTokenizer(
        pre=pre,
        tokens=[by_id.get(index, f"[PAD{index}]") for index in range(num_rows)],
        types=[types.get(index, TokenType.NORMAL if index in by_id else TokenType.UNUSED) for index in range(num_rows)],
        merges=[merge if isinstance(merge, str) else " ".join(merge) for merge in backend["model"]["merges"]],
        # Where a file names no bos, llama.cpp takes id 11, whatever that is in this vocabulary.
        bos=tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id,
        eos=tokenizer.eos_token_id,
        other_ends=others,
        unk=tokenizer.unk_token_id,
        pad=tokenizer.pad_token_id,
        chat_template=template.get("default") if isinstance(template, dict) else template,
    )


def _refuse_what_differs(backend: dict[str, Any], where: str) -> None:
    model = backend["model"]
    stripping = [row["content"] for row in backend["added_tokens"] if row["lstrip"] or row["rstrip"] or row["single_word"]]
    faults = {
        f"a {model['type']} model (only BPE is known)": model["type"] != "BPE",
        "a normalizer": backend["normalizer"] is not None,
        "byte_fallback": model.get("byte_fallback", False),
        "ignore_merges": model.get("ignore_merges", False),
        "a prefix or suffix for parts of words": bool(model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")),
        f"tokens that take in the spaces beside them ({', '.join(stripping[:3])})": bool(stripping),
    }
    if found := [fault for fault, present in faults.items() if present]:
        raise ModelError(
            f"its tokenizer has {'; '.join(found)}, which llama.cpp's byte-level BPE would treat differently",
            where=where,
            hint="only plain byte-level BPE tokenizers are written so far",
        )
