"""The shared fixtures do what every other test relies on."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_connections_that_leave_the_machine_are_refused(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(RuntimeError, match="tests stay on loopback"):
        client.connect(address)


def test_names_are_not_looked_up() -> None:
    with pytest.raises(RuntimeError, match=r"tried to reach 'example\.org'"):
        socket.getaddrinfo("example.org", 443)


def test_datagrams_that_leave_the_machine_are_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, pytest.raises(RuntimeError, match="tests stay on loopback"):
        client.sendto(b"", ("192.0.2.1", 9))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(("localhost", server.getsockname()[1]), timeout=5):
        pass


def test_programs_started_by_a_test_are_refused_too() -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "tests stay on loopback" in done.stderr


@pytest.mark.parametrize("text", ["turn off airplane mode", "회선이 정지되었습니다 — 확인", "a\n\n\tb  c", "𝛼 ≤ β 🙂"])
def test_the_tiny_tokenizer_gives_back_any_text(tiny_tokenizer_dir: Path, text: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_tiny_tokenizer_speaks_chatml(tiny_tokenizer_dir: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
    text = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"]) == [1, 2]
    assert tokenizer.encode(text).count(1) == 2


def test_the_tiny_model_is_one_safetensors_file_with_tied_embeddings(tiny_model_dir: Path) -> None:
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    config = json.loads((tiny_model_dir / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"]) == (2, 64)
    with safe_open(tiny_model_dir / "model.safetensors", "pt") as weights:
        assert "lm_head.weight" not in weights.keys()  # noqa: SIM118 - not a dict
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    with torch.inference_mode():
        logits_BTV = model(torch.tensor([[1, 5, 2]])).logits
    assert logits_BTV.shape == (1, 3, config["vocab_size"])
    assert bool(torch.isfinite(logits_BTV).all())
