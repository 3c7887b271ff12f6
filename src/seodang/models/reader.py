"""How a model reads and ends a conversation, without its weights: its tokenizer, its chat template and the ids at which it stops."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from seodang.core.errors import ModelError
from seodang.models.chat_model import Message
from seodang.models.think import ThinkMode, has_switch, opens_block, render, thought_answer


class Reader:
    """The tokenizer of a model's folder. ModelError where there is none, or one without a chat template; and for a think mode that its
    template cannot be told."""

    def __init__(self, folder: Path, thinking: ThinkMode = ThinkMode.NONE) -> None:
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
        self.thinking = self._checked(thinking)
        begun, bos = self.tokenizer("")["input_ids"], self.tokenizer.bos_token_id
        self.begins = [bos] if bos is not None and begun[:1] == [bos] else []  # what every text of this model begins with
        self.stop_ids = frozenset([*_ends(folder), self.tokenizer.eos_token_id])

    @cached_property
    def has_think_switch(self) -> bool:
        """Whether its chat template can be told to think or not."""
        return has_switch(self.tokenizer)

    @property
    def begins_inside(self) -> bool:
        """Whether its template opens the block of thinking itself, in the model's think mode."""
        return opens_block(self._prompt([Message("user", "")], self.thinking))

    def _checked(self, mode: ThinkMode) -> ThinkMode:
        """The mode; ModelError where the template cannot be told."""
        if mode is not ThinkMode.NONE and not self.has_think_switch:
            raise ModelError(
                f"its chat template has no switch for thinking (`enable_thinking`), so it cannot be turned {mode}",
                where=str(self.folder),
                hint="leave `thinking` out, or use a model whose template has the switch",
            )
        return mode

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        """Token ids of a conversation up to and including the start of the assistant's turn, in the model's think mode or another one."""
        return self.encode_text(self._prompt(messages, self.thinking if thinking is None else self._checked(thinking)))

    def _prompt(self, messages: Sequence[Message], mode: ThinkMode) -> str:
        return render(self.tokenizer, [{"role": message.role, "content": message.content} for message in messages], mode)

    def whole_answer(self, text: str, reasoning: str = "") -> str:
        """What the model's turn holds: the answer, after its reasoning in the block that the template writes."""
        return thought_answer(self.tokenizer, reasoning, text) if reasoning else text

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        """Token ids of the model's turn with the token that ends it."""
        return [*self.encode_text(self.whole_answer(text, reasoning)), self.tokenizer.eos_token_id]

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
