"""How much longer a training step with cached targets takes than one of plain fine-tuning: same student, same packs, taken in turn.

    python benchmarks/kd_step.py [--student lora|full] [--layers 30] [--steps 12] [--loss forward_kl] [--kept 32] [--threads N] [--json]

The student has the shape of SmolLM2-135M and random weights; targets are random, `--kept` entries a position. Both arms take the very same
step of the training loop, from ids and targets in memory to changed weights: packing, forward and backward pass, clipping, AdamW. A pair
is one step of each, in alternating order; what is reported is the median of the pairs' ratios with its quartiles.
"""

import argparse
import json
import os
import statistics
import time
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from seodang.distill.losses.target import Sparse
from seodang.distill.objective import named_divergence
from seodang.distill.packing import Example
from seodang.distill.section import LOSS_SETTINGS
from seodang.distill.students.lora import add_lora
from seodang.distill.train import Trainer
from seodang.distill.train_section import TrainSection
from seodang.models.precision import best_dtype

VOCABULARY = 49_152
PREFIX, PROMPT, ANSWER = 24, 20, 25  # tokens: what all prompts share, a question, an answer
WEIGHT = 0.5


def make_student(method: str, num_layers: int) -> Any:
    """SmolLM2-135M's shape with random weights; adapters of rank 32 on the upper half of its blocks, or all weights trained."""
    sizes: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": num_layers}
    config = LlamaConfig(**sizes, num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True, max_position_embeddings=2048)
    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(config)
    if method == "lora":
        model = model.to(best_dtype("cpu"))
        add_lora(model, 32, 64.0, num_layers // 2)
    return model


def made_examples(count: int, kept: int) -> list[Example]:
    """Random ids, and the `kept` best of a random distribution at each answer token."""
    draw = torch.Generator().manual_seed(0)

    def ids(length: int) -> tuple[int, ...]:
        return tuple(torch.randint(3, VOCABULARY, (length,), generator=draw).tolist())

    prefix, found = ids(PREFIX), list[Example]()
    for number in range(count):
        best = torch.log_softmax(3 * torch.randn(ANSWER, VOCABULARY, generator=draw), -1).topk(kept, -1)
        target = Sparse(best.indices.flatten(), best.values.flatten(), torch.arange(0, kept * ANSWER + 1, kept))
        found.append(Example(f"r{number}", (*prefix, *ids(PROMPT)), ids(ANSWER), target))
    return found


def timed(trainer: Trainer) -> float:
    """Seconds of one step."""
    begun = time.perf_counter()
    trainer.take_step()
    return time.perf_counter() - begun


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Times of pairs of steps, and what they say."""
    torch.set_num_threads(options.threads)
    model = make_student(options.student, options.layers)
    section = TrainSection(epochs=1000, learning_rate=1e-5, pack_tokens=384, held_out=0.0)
    first_layer = options.layers // 2 if options.student == "lora" else 0
    examples = made_examples(7, options.kept)
    divergence = named_divergence(options.loss, 1.0, {})
    plain, taught = (
        Trainer(model, examples, section, seed=0, divergence=given, weight=WEIGHT, first_layer=first_layer) for given in (None, divergence)
    )
    for arm in (plain, taught, plain, taught):
        arm.objective.train()
        timed(arm)
    pairs: list[tuple[float, float]] = []
    for number in range(options.steps):
        first, second = (plain, taught) if number % 2 == 0 else (taught, plain)
        seconds = {id(arm): timed(arm) for arm in (first, second)}
        pairs.append((seconds[id(plain)], seconds[id(taught)]))
    ratios = sorted(kd / sft for sft, kd in pairs)
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "student": options.student,
        "num_layers": options.layers,
        "loss": options.loss,
        "kept_per_position": options.kept,
        "num_tokens": plain.num_tokens // plain.step,
        "num_answer_tokens": plain.num_answer_tokens // plain.step,
        "num_threads": options.threads,
        "num_pairs": len(pairs),
        "sft_s": statistics.median(sft for sft, _ in pairs),
        "kd_s": statistics.median(kd for _, kd in pairs),
        "ratio": middle,
        "ratio_quartiles": [low, high],
        "bar": 1.05,
    }


def main() -> None:
    """Prints one line, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--student", choices=["lora", "full"], default="full")
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--steps", type=int, default=12, help="pairs of steps")
    parser.add_argument("--loss", choices=[*LOSS_SETTINGS], default="forward_kl")
    parser.add_argument("--kept", type=int, default=32, help="entries of the target kept at each position")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    low, high = found["ratio_quartiles"]
    print(
        f"{found['student']}, {found['loss']}: {found['sft_s']:.3f} s without and {found['kd_s']:.3f} s with targets, "
        f"ratio {found['ratio']:.3f} (quartiles {low:.3f} to {high:.3f}, n = {found['num_pairs']}); bar {found['bar']}"
    )


if __name__ == "__main__":
    main()
