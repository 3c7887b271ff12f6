"""How a model reads and ends a conversation, without its weights: its tokenizer, its chat template and the ids at which it stops."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from seodang.core.errors import ModelError
from seodang.models.chat_model import Message


class Reader:
    """The tokenizer of a model's folder. ModelError where there is none, or one without a chat template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"its tokenizer cannot be opened: {str(error).splitlines()[0]}",
                where=str(folder),
                hint="name a Hugging Face model folder with its tokenizer",
            ) from error
        if not self.tokenizer.chat_template:
            raise ModelError(
                "the tokenizer has no chat template",
                where=str(folder),
                hint="use an instruction-tuned model, or give a base model one with `chat_template: FILE` beside its name",
            )
        begun, bos = self.tokenizer("")["input_ids"], self.tokenizer.bos_token_id
        self.begins = [bos] if bos is not None and begun[:1] == [bos] else []  # what every text of this model begins with
        self.stop_ids = frozenset([*_ends(folder), self.tokenizer.eos_token_id])

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a conversation up to and including the start of the assistant's turn."""
        rows = [{"role": message.role, "content": message.content} for message in messages]
        text = self.tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=True)
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def encode_answer(self, text: str) -> list[int]:
        """Token ids of an answer with the end-of-turn token."""
        return [*self.tokenizer(text, add_special_tokens=False)["input_ids"], self.tokenizer.eos_token_id]

    def encode_text(self, text: str) -> list[int]:
        """Token ids of plain text, without special tokens."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


def _ends(folder: Path) -> list[int]:
    """The ids at which the model's own generation stops, as transformers reads them from its folder."""
    if (folder / "generation_config.json").is_file():
        generation: Any = GenerationConfig.from_pretrained(folder, local_files_only=True)
    else:
        generation = GenerationConfig.from_model_config(AutoConfig.from_pretrained(folder, local_files_only=True))
    ends = generation.eos_token_id
    return ends if isinstance(ends, list) else [ends] if ends is not None else []
