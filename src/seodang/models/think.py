"""Thinking: whether a model reasons before it answers, said by its chat template's switch.

Templates of the kind of Qwen3 (Yang et al. 2025, arXiv 2505.09388) take a variable, `enable_thinking`. Without thinking, many of them
begin the assistant's turn with an empty block of `<think>` and `</think>`; with it some open the block themselves. Everything here is
read from what a template writes, not from a model's name.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

OPEN, CLOSE = "<think>", "</think>"
_QUESTION, _REASONING, _ANSWER = "QUESTION", "REASONING", "ANSWER"


class ThinkMode(StrEnum):
    """On: it reasons before it answers. Off: it is told not to. None: its template has no switch, or the switch is left as it is."""

    ON = "on"
    OFF = "off"
    NONE = "none"

    @property
    def switch(self) -> bool | None:
        """The value of `enable_thinking`; None where it is not given at all."""
        return None if self is ThinkMode.NONE else self is ThinkMode.ON

    @property
    def told(self) -> str | None:
        """Its name in a model's identity; None where the template is applied as it is."""
        return None if self is ThinkMode.NONE else self.value

    @property
    def options(self) -> dict[str, Any]:
        """What is passed on to a chat template."""
        return {} if self is ThinkMode.NONE else {"enable_thinking": self.switch}


def _from_yaml(value: Any) -> Any:
    """YAML reads `on` as true, `off` as false, and nothing as null."""
    return {True: ThinkMode.ON, False: ThinkMode.OFF}[value] if isinstance(value, bool) else ThinkMode.NONE if value is None else value


Thinking = Annotated[ThinkMode, BeforeValidator(_from_yaml)]


def render(tokenizer: Any, rows: Sequence[Mapping[str, str]], mode: ThinkMode, *, prompt: bool = True) -> str:
    """A conversation in the template, up to the start of the assistant's turn, or as it stands (`prompt` false)."""
    return tokenizer.apply_chat_template(list(rows), tokenize=False, add_generation_prompt=prompt, **mode.options)


def has_switch(tokenizer: Any) -> bool:
    """Whether a template writes something else with thinking than without."""
    rows = [{"role": "user", "content": _QUESTION}]
    return render(tokenizer, rows, ThinkMode.ON) != render(tokenizer, rows, ThinkMode.OFF)


def opens_block(prompt: str) -> bool:
    """Whether the template opened the block of thinking itself at a prompt's end, so that an answer begins inside of it."""
    return bool(_opened(prompt))


def thought_answer(tokenizer: Any, reasoning: str, answer: str) -> str:
    """What a thinking assistant's turn holds after its start: the block with the reasoning as the template writes it, and the answer."""
    before, between = _form(tokenizer)
    return f"{before}{reasoning}{between}{answer}"


def split_reasoning(text: str, mode: ThinkMode, *, inside: bool = False) -> tuple[str, str]:
    """(reasoning, answer) of a text that was written in a mode; `inside`: the template had opened the block.

    Where that is not known, a closing mark alone ends the reasoning in think mode. An unclosed block is reasoning to its end: the
    answer was cut before it began.
    """
    opened = inside or text.lstrip().startswith(OPEN)
    if mode is ThinkMode.OFF and not opened:
        return "", text
    if CLOSE in text and (opened or mode is ThinkMode.ON):
        reasoning, _, answer = text.partition(CLOSE)
        return reasoning.strip().removeprefix(OPEN).strip(), answer.lstrip("\n")
    return (text.strip().removeprefix(OPEN).strip(), "") if opened else ("", text)


def with_default(template: str, mode: ThinkMode) -> str:
    """A template that is in a mode where nobody says another one, for programs that do not know the switch."""
    return _default(mode) + template.removeprefix(_default(ThinkMode.ON)).removeprefix(_default(ThinkMode.OFF))


def _default(mode: ThinkMode) -> str:
    value = "true" if mode is ThinkMode.ON else "false"
    return f"{{%- if enable_thinking is not defined %}}{{%- set enable_thinking = {value} %}}{{%- endif %}}"


def reasoning_so_far(text: str, *, inside: bool, finished: bool) -> tuple[str, str]:
    """(reasoning, answer) of a text that is still being written: what is given once stays the beginning of what follows."""
    head = text.lstrip()
    if not inside and not head.startswith(OPEN):
        return ("", "") if OPEN.startswith(head) and not finished else ("", text)
    if CLOSE in text or finished:
        return split_reasoning(text, ThinkMode.ON, inside=True)
    held = next(length for length in range(len(CLOSE) - 1, -1, -1) if text.endswith(CLOSE[:length]))  # may become the closing mark
    return text[: len(text) - held].strip().removeprefix(OPEN).strip(), ""


def _opened(prompt: str) -> str:
    """The beginning of a block with which a prompt ends; empty where it does not end with one. A mark before is a question's own."""
    _, mark, rest = prompt.rpartition(OPEN)
    return mark + rest if mark and not rest.strip() else ""


def _form(tokenizer: Any) -> tuple[str, str]:
    """What stands before a reasoning and between it and the answer, after the prompt of the think mode.

    A template that writes `reasoning_content` shows it; otherwise the empty block does that it writes without thinking.
    """
    question = {"role": "user", "content": _QUESTION}
    prompt = render(tokenizer, [question], ThinkMode.ON)
    said = {"role": "assistant", "content": _ANSWER, "reasoning_content": _REASONING}
    whole = render(tokenizer, [question, said], ThinkMode.ON, prompt=False)
    turn = whole.removeprefix(prompt)
    if whole.startswith(prompt) and _REASONING in turn and _ANSWER in turn:
        before, _, rest = turn.partition(_REASONING)
        return before, rest.partition(_ANSWER)[0]
    silent = render(tokenizer, [question], ThinkMode.OFF)
    _, mark, block = silent.rpartition(OPEN)
    inner, closed, after = block.partition(CLOSE)
    if not mark or not closed or inner.strip():
        inner, after = "\n\n", "\n\n"
    opened = _opened(prompt)
    margin = opened.removeprefix(OPEN) if opened else inner[: (len(inner) + 1) // 2]  # between a mark and the reasoning, on both sides
    return f"{OPEN}{margin}".removeprefix(opened), f"{margin}{CLOSE}{after}"
