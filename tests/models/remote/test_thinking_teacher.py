"""A served A.X K1 that thinks: its reasoning reaches the records, and the student's tokens of it are the ones that it is scored at."""

from endpoints.axk1 import Axk1
from endpoints.byte_tokenizer import ByteTokenizer
from endpoints.fast_time import FastTime
from seodang.data.build.prompt_text import BuildSection
from seodang.data.build.reasoning import think
from seodang.models.chat_model import Message, think_mode
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.model import RemoteScoringModel
from seodang.models.remote.opening import open_remote
from seodang.models.think import ThinkMode


def test_what_it_thinks_is_kept_and_what_is_cut_off_is_not(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with open_remote(section.model_copy(update={"thinking": ThinkMode.ON}), clock=fast.clock) as teacher:
        assert think_mode(teacher) is ThinkMode.ON
        (whole,) = think(teacher, ["Is water wet?"], BuildSection(reasoning_tokens=100), 40)
        (cut,) = think(teacher, ["Is water wet?"], BuildSection(reasoning_tokens=1), 4)
    assert (whole.reasoning, whole.answer, whole.whole) == ("they ask: Is water wet?", "answer to: Is water wet?", True)
    assert (cut.reasoning, cut.answer, cut.whole) == ("", "", False)


def test_each_record_is_scored_in_the_mode_it_is_taught_in(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with open_remote(section.model_copy(update={"thinking": ThinkMode.ON}), ByteTokenizer(), clock=fast.clock) as teacher:
        assert isinstance(teacher, RemoteScoringModel)
        asked = [Message("user", "hi")]
        thought = [*teacher.encode_chat(asked), *teacher.encode_answer("yes", "hm")]
        silent = [*teacher.encode_chat(asked, ThinkMode.OFF), *teacher.encode_answer("yes")]
    read = ByteTokenizer().decode
    assert read(thought) == "<|user|>hi<|end|><|assistant|><think>hm</think>yes<|end|>"
    assert read(silent) == "<|user|>hi<|end|><|assistant|><think></think>yes<|end|>"
