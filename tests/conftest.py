"""What all tests share: no network, models small enough to be made on the spot, and modules beside them that they may import."""

import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, so that a failure can be had again.
settings.register_profile("repeatable", derandomize=True, deadline=None)  # a busy machine is no fault
settings.load_profile("repeatable")
# What tests import beside the package, as pyright does: `oracles`, `endpoints` and `kills` here, and the benchmarks' modules.
sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "benchmarks")]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As Qwen3's templates: an empty block without thinking; an assistant's reasoning is shown.
THINK_SWITCH = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' and message['reasoning_content'] %}"
    "<think>\n{{ message['reasoning_content'].strip('\\n') }}\n</think>\n\n{{ message['content'].lstrip('\\n') }}"
    "{% else %}{{ message['content'] }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]  # ids 0, 1, 2, as in SmolLM2
VOCABULARY_SIZE = 400
TOKENIZER_TEXT = [
    "The customer can make and receive calls when the line is active and the phone has signal.",
    "If airplane mode is on, turn it off. If mobile data is off, turn it on and run the speed test again.",
    "An agent asks for the phone number, checks the bill, and transfers the customer to a human when no rule applies.",
    "system user assistant tool\nQuestion: Answer: What should the customer do next?",
    "고객의 회선이 정지되면 요금을 확인합니다.",
]


@pytest.fixture(scope="session", autouse=True)
def offline(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuses connections that leave this machine, here and in Python programs started by a test; `-m network` lifts it."""
    if request.config.getoption("markexpr") == "network":
        yield
        return
    guard = Path(__file__).parent / "offline"
    spec = importlib.util.spec_from_file_location("offline_guard", guard / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(guard), os.environ.get("PYTHONPATH")])))
        yield


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> None:
    """What earlier modules left is no longer walked by the garbage collector, which would cost half a second a collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a byte-level BPE tokenizer of 400 tokens and a ChatML template; any text round-trips."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TOKENIZER_TEXT, trainer)
    folder = tmp_path_factory.mktemp("tiny_tokenizer")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        model_max_length=1024,
    )
    fast.chat_template = CHATML
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model_dir(tiny_tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random llama (2 layers, hidden 64, 4 heads, 2 of keys and values, tied) and the tiny tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    folder = tmp_path_factory.mktemp("tiny_model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_switch_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a chat template that has a switch for thinking."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tiny_switch")
    for path in tiny_model_dir.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = THINK_SWITCH
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_axk1_dir(tiny_tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a synthetic model of A.X K1's shape (3 blocks, latent attention, 8 routed experts of which 2 are used, random weights)
    and the tiny tokenizer."""
    import torch
    from transformers import AutoTokenizer, AXK1Config, AXK1ForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
    config = AXK1Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=96,
        moe_intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        n_routed_experts=8,
        num_experts_per_tok=2,
        n_group=2,
        topk_group=1,
        q_lora_rank=32,
        kv_lora_rank=16,
        qk_nope_head_dim=16,
        qk_rope_head_dim=8,
        v_head_dim=12,
        max_position_embeddings=1024,
        initializer_range=0.1,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AXK1ForCausalLM(config)
    folder = tmp_path_factory.mktemp("tiny_axk1")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random model of the benchmarks' small project, with a tokenizer of its own."""
    from small_project import make_random_model

    return make_random_model(tmp_path_factory.mktemp("random_model"))


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with other tokens than `random_model`."""
    from small_project import make_other_model

    return make_other_model(tmp_path_factory.mktemp("other_model"))
