"""A recipe that runs in seconds: two made-up documents, a small exam, and a model with random weights. Nothing in it is worth learning."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

_LAMPS = """# Lamps of the lighthouse

The keeper lights the main lamp before sunset. The main lamp burns rapeseed oil. The spare lamp burns paraffin.

- trim_wick - Cuts the burnt end of the wick so that the flame stops smoking
- fill_tank - Pours oil into the tank when the gauge is below the red line
- clean_lens - Wipes soot and salt off the lens with a dry cloth

If the flame flickers, the wick is too long. A green flame means that there is water in the oil.

If the flame smokes, use trim_wick before anything else.
"""
_FOG = """# Fog and signals

The fog horn sounds every forty seconds. Ships answer with two short blasts. The bell is rung by hand when the horn is broken.

- sound_horn - Starts the fog horn when the far buoy cannot be seen
- ring_bell - Rings the bell by hand while the horn is being mended

The log is written in pencil because ink runs in wet weather. The keeper writes the log every four hours.
"""
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_QUESTIONS = [
    ("act", "lamps.md", "My flame smokes a lot, what now?", "trim_wick", "Cuts the burnt end of the wick"),
    ("act", "lamps.md", "The gauge stands below the red mark.", "fill_tank", "Pours oil into the tank"),
    ("act", "lamps.md", "There is salt all over the glass.", "clean_lens", "Wipes soot and salt off the lens"),
    ("act", "fog.md", "I have lost sight of the far buoy.", "sound_horn", "Starts the fog horn"),
    ("act", "fog.md", "They are still mending the horn.", "ring_bell", "Rings the bell by hand while"),
    ("know", "lamps.md", "What does the main lamp burn?", "rapeseed oil", "The main lamp burns rapeseed oil."),
    ("know", "lamps.md", "What colour shows water in the oil?", "green", "A green flame means"),
    ("know", "fog.md", "How often does the horn sound?", "forty seconds", "every forty seconds"),
    ("know", "fog.md", "What is the log written in?", "pencil", "The log is written in pencil"),
    ("know", "fog.md", "How do ships answer the horn?", "two short blasts", "Ships answer with two short blasts."),
]


def small_recipe(model: Path) -> dict[str, Any]:
    """The recipe as a mapping; `model` is the folder of `make_random_model`."""
    return {
        "name": "small",
        "documents": [{"folder": "documents", "license": "CC0-1.0", "language": "en"}],
        "teacher": {"kind": "local", "name": "random", "license": "CC0-1.0", "path": str(model), "synthetic": True},
        "student": {"method": "lora", "rank": 4, "alpha": 8, "first_layer": 1},
        "build": {
            "question_openers": 2,
            "answer_samples": 1,
            "utterances_per_action": 4,
            "messages_per_rule": 4,
            "keywords_per_passage": 1,
            "keywords_per_action": 2,
            "general_questions": 6,
            "temperature": 1.0,
            "top_p": 1.0,
        },
        "verify": {
            "checks": ["second_answer", "points_back", "near_duplicate", "decontaminated"],
            "min_agreement": 0,
            "min_margin": -0.2,
            "calibration": 4,
            "rivals": 2,
        },
        "distill": {"epochs": 2, "pack_tokens": 128, "checkpoint_steps": 2, "held_out": 0.1},
        "evaluate": {
            "exam": ["exam.jsonl"],
            "general": ["general.jsonl"],
            "arms": ["base", "sft", "distilled", "teacher_open"],
            "max_new_tokens": 6,
        },
        "export": {"formats": ["F16"], "parity_prompts": 2},
    }


def write_project(folder: Path, model: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """Writes documents, exams and recipe into `folder`, and returns the recipe's path. `change` edits the recipe before it is written."""
    texts = {"lamps.md": _LAMPS, "fog.md": _FOG}
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / "documents" / name).write_text(text, encoding="utf-8")
    rows: list[dict[str, Any]] = []
    for number, (part, document, question, answer, quote) in enumerate(_QUESTIONS):
        start = texts[document].index(quote)
        support = {"document": document, "span": [start, start + len(quote)], "quote": quote}
        rows.append({"id": f"{part}-{number}", "part": part, "question": question, "accepted": [answer], "wrong": [], **support})
    general = [
        {"id": f"sum-{a}", "part": "sums", "question": f"What is {a} and {a}?", "accepted": [str(2 * a)], "wrong": []} for a in range(1, 4)
    ]
    _write_lines(folder / "exam.jsonl", rows)
    _write_lines(folder / "general.jsonl", general)
    recipe = small_recipe(model)
    if change is not None:
        change(recipe)
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path


def make_random_model(folder: Path) -> Path:
    """A llama of two layers with random weights and a byte-level tokenizer. It ends an answer often enough that some records come out."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([_LAMPS, _FOG], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>", unk_token="<|endoftext|>"
    )
    fast.chat_template = _CHAT_TEMPLATE
    model = _random_llama(len(fast), 64, 96, seed=0, tie_word_embeddings=False, initializer_range=0.1)
    model.lm_head.weight.data[2] *= 4
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def make_other_model(folder: Path) -> Path:
    """A random llama whose tokenizer is written as SentencePiece does: spaces as letters, a token for each byte, and one that begins a
    text. Nothing of it is spelled as the tokens of `make_random_model` are."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.train_from_iterator([_LAMPS, _FOG], trainers.BpeTrainer(vocab_size=160, show_progress=False))
    special = ["<unk>", "<bos>", "<eos>", "<turn>"]
    vocabulary = {token: index for index, token in enumerate([*special, *(f"<0x{byte:02X}>" for byte in range(256))])}
    for token in sorted(trained.get_vocab(), key=lambda token: trained.get_vocab()[token]):
        vocabulary.setdefault(token, len(vocabulary))
    merges = [(left, right) for left, right in json.loads(trained.to_str())["model"]["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = trained.normalizer
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<eos>", unk_token="<unk>")
    fast.chat_template = (
        "{{ bos_token }}{% for message in messages %}<turn>{{ message['role'] }}\n{{ message['content'] }}<eos>{% endfor %}"
        "{% if add_generation_prompt %}<turn>model\n{% endif %}"
    )
    _random_llama(len(fast), 48, 64, seed=1).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def _random_llama(vocabulary: int, hidden: int, intermediate: int, *, seed: int, **more: Any) -> Any:
    """Two layers of four heads; 1 begins a text and 2 ends it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096}
    ends: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    sizes: dict[str, Any] = {"hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, **sizes, **heads, **ends, **more))


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
