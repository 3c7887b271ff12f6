"""Bytes against fidelity of kept teacher targets, on a real teacher's texts, beside the published settings of DistillKit's codec.

`python benchmarks/targets.py [--json]` takes about a minute on one core. Texts: the teacher's own samples at temperature 1, prose (this
repository's README) and code (the standard library's `textwrap`). KL(full || stored) is in nats a token, with the stored tail spread
evenly. Bytes are those of one packed shard of the text. Decoding is timed on one thread: the best of five.

DistillKit's codec (github.com/arcee-ai/DistillKit, README: k 128 with 16 exact bfloat16 values and a fitted curve of six float32 terms for
the rest, "recommended"; k 50 with 1 exact value and three terms, "budget") is written anew here for comparison. A curve over the ranks
0, 1, 2 ... is its default; "normalised" is its own switch that maps them to 0 ... 1. Heads that come out above 1 are scaled to 1 - 1e-6.
"""

import argparse
import json
import math
import os
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from seodang.core.sections import load_section
from seodang.distill.losses.target import Sparse, Target
from seodang.distill.section import TargetsSection
from seodang.distill.targets.certificate import dense
from seodang.distill.targets.codecs.codec import join, open_codec
from seodang.models.chat_model import Message, Sampling
from seodang.models.decoding import decode_batch
from seodang.models.local import LocalModel
from seodang.models.source import LocalTeacher, model_folder
from seodang.pipeline.collect import machine
from seodang.pipeline.recipe import Recipe

ROOT = Path(__file__).parent.parent
QUESTIONS = (
    "Explain how photosynthesis works.", "What is a mobile data plan?", "Write a short story about a lighthouse.",
    "How do I reset my router?", "Give three tips for saving money.", "Why is the sky blue?", "What is airplane mode?",
    "Describe a good breakfast.", "How does a battery work?", "Write a poem on rain.", "How can I pay my phone bill?",
    "What causes tides?", "List five mammals.", "What is machine learning?", "How do bees make honey?", "What is a contract?",
)  # fmt: skip
PRICES = (1e-4, 3e-4, 1e-3, 3e-3)
PART = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One codec on one text. `kl` and `total_variation` are None where a codec gives draws, or was timed only."""

    text: str
    codec: str
    bytes_per_token: float
    kl: float | None
    decode_tokens_per_s: float
    encode_tokens_per_s: float | None = None
    share_above_one: float | None = None


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--model", type=Path, help="folder of a model; default: the teacher of recipes/telecom_demo.yaml")
    parser.add_argument("--tokens", type=int, default=600, help="tokens of each text (default %(default)s); own samples have twice as many")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = LocalModel(options.model or _demo_teacher(), batch_size=48)
    rows: list[Row] = []
    bars: dict[str, dict[str, float]] = {}
    for text, states_TH in texts(model, options.tokens):
        logprobs_TV = torch.cat([model.distribution(part) for part in states_TH.split(PART)])
        found = measure(text, logprobs_TV, states_TH, model)
        rows += found
        bars[text] = at_its_divergence(logprobs_TV, next(row for row in found if row.codec == "DistillKit recommended, normalised"))
    rows += synthetic()
    report = {"machine": machine(), "model": model.name, "rows": [_row(row) for row in rows], "at_the_same_kl": bars}
    print(json.dumps(report, indent=2) if options.json else "\n".join(_table(rows, bars)))


def _demo_teacher() -> Path:
    recipe = load_section(Recipe, ROOT / "recipes" / "telecom_demo.yaml")
    assert isinstance(recipe.teacher, LocalTeacher)
    return model_folder(recipe.teacher, ROOT / "runs" / ".store", ROOT / "recipes")


def texts(model: LocalModel, num_tokens: int) -> list[tuple[str, torch.Tensor]]:
    """Each text's name, and the hidden states (T, H) that predict its tokens."""
    prompts = [model.encode_chat([Message("user", question)]) for question in QUESTIONS]
    each = math.ceil(2 * num_tokens / len(prompts) / 2)
    sampled = decode_batch(model.model, prompts, Sampling(each, temperature=1.0, seed=7), 2, model.stop_ids, lambda ids: False)
    pairs = [(prompt, row.token_ids) for prompt, samples in zip(prompts, sampled, strict=True) for row in samples if row.token_ids]
    prose = model.encode_text((ROOT / "README.md").read_text(encoding="utf-8"))[: num_tokens + 1]
    code = model.encode_text(Path(textwrap.__file__).read_text(encoding="utf-8"))[: num_tokens + 1]
    written = {"own samples": pairs, "prose": [(prose[:1], prose[1:])], "code": [(code[:1], code[1:])]}
    return [(name, _states(model, rows)) for name, rows in written.items()]


def _states(model: LocalModel, pairs: Sequence[tuple[list[int], list[int]]]) -> torch.Tensor:
    found = dict(model.states([prompt for prompt, _ in pairs], [written for _, written in pairs]))
    return torch.cat([found[place] for place in range(len(pairs))])


def measure(text: str, logprobs_TV: torch.Tensor, states_TH: torch.Tensor, model: LocalModel) -> list[Row]:
    """Our codecs and DistillKit's on one text."""
    rows = [ours(text, "nucleus", logprobs_TV, {"nats_per_byte": price})[0] for price in PRICES]
    rows += [ours(text, "top_k", logprobs_TV, {"top_k": count})[0] for count in (32, 128)]
    rows += [ours(text, "sampled", logprobs_TV, {"draws": 50})[0], ours(text, "head_and_sampled", logprobs_TV, {"draws": 50})[0]]
    rows.append(ours(text, "hidden", states_TH, {}, model)[0])
    for name, (count, exact, powers) in {"recommended": (128, 16, 5), "budget": (50, 1, 2)}.items():
        rows += [distillkit(text, name, logprobs_TV, count, exact, powers, normalised) for normalised in (False, True)]
    return rows


def ours(text: str, name: str, rows_TX: torch.Tensor, changes: dict[str, Any], model: LocalModel | None = None) -> tuple[Row, Target]:
    """One codec with some settings; `rows_TX` are log-probabilities, or hidden states with their model."""
    codec, settings = open_codec(name), TargetsSection.model_validate({"codec": name, **changes}).model_dump()
    begun = time.perf_counter()
    packed = codec.pack(join([codec.encode(part, settings, number) for number, part in enumerate(rows_TX.split(PART))]))
    encoded_s = time.perf_counter() - begun
    head = model.plain_head() if model is not None else None
    target, seconds = _timed(lambda: codec.decode(packed, settings, head))
    kl = None
    if isinstance(target, Sparse):
        kl = float(divergence(target, rows_TX).mean())
    elif model is not None:
        parts = [torch.arange(first, min(first + PART, len(rows_TX))) for first in range(0, len(rows_TX), PART)]
        kls = [dense_divergence(model.distribution(rows_TX[part]), target.take(part)) for part in parts]
        kl = float(torch.cat(kls).mean())
    shown = ", ".join(f"{key} {value:g}" for key, value in changes.items())
    size = sum(part.nbytes for part in packed.values()) / len(rows_TX)
    return Row(text, f"{name} {shown}".strip(), size, kl, len(rows_TX) / seconds, len(rows_TX) / encoded_s), target


def distillkit(text: str, name: str, logprobs_TV: torch.Tensor, count: int, exact: int, powers: int, normalised: bool) -> Row:
    """Its codec: the best `count` ids as bits, `exact` values in bfloat16, the others by a curve fitted in float32 (least squares by the
    singular values above 1e-5, as it does)."""
    best = logprobs_TV.topk(count, -1)
    ranks = torch.arange(count - exact, dtype=torch.float32) / (count - exact - 1 if normalised else 1)
    basis = torch.stack([*(ranks**power for power in range(powers)), ranks.sqrt()], 1)
    left, singular, right = torch.linalg.svd(basis, full_matrices=False)
    terms = right.T @ (torch.where(singular > 1e-5, 1 / singular, 0.0)[:, None] * (left.T @ best.values[:, exact:].T))
    values_TE = best.values[:, :exact].bfloat16()
    width = math.ceil(math.log2(logprobs_TV.shape[-1]))
    ids = best.indices.numpy().astype(np.int64)
    bits = np.packbits(((ids[..., None] >> np.arange(width)) & 1).astype(np.uint8).reshape(len(ids), -1), axis=-1)

    def decode() -> tuple[np.ndarray, torch.Tensor]:
        unpacked = np.unpackbits(bits, axis=-1, count=count * width).reshape(len(bits), count, width)
        return unpacked @ (1 << np.arange(width)), torch.cat([values_TE.float(), (basis @ terms).T], 1)

    (found, values_TK), seconds = _timed(decode)
    mass_T1 = values_TK.double().exp().sum(-1, keepdim=True)
    settled_TK = values_TK.double() - torch.where(mass_T1 > 1 - 1e-6, (mass_T1 / (1 - 1e-6)).log(), 0.0)
    offsets = torch.arange(0, count * len(ids) + 1, count)
    target = Sparse(torch.from_numpy(found.reshape(-1)), settled_TK.flatten(), offsets)
    size = bits.shape[-1] + 2 * exact + 4 * (powers + 1)
    label = f"DistillKit {name}" + ", normalised" * normalised
    kl = float(divergence(target, logprobs_TV).mean())
    return Row(text, label, size, kl, len(ids) / seconds, share_above_one=float((mass_T1 > 1).double().mean()))


def divergence(target: Sparse, logprobs_TV: torch.Tensor) -> torch.Tensor:
    """KL(full || stored) at each position (T,), the tail spread evenly, without a dense copy of what is stored."""
    rows, zero_T = target.rows, torch.zeros(len(logprobs_TV), dtype=torch.float64)
    negative_entropy_T = torch.cat([(part.exp() * part).sum(-1, dtype=torch.float64) for part in logprobs_TV.split(PART)])
    full_N, values_N = logprobs_TV[rows, target.ids].double().exp(), target.logprobs.double()
    rest_T, tail_T = (1.0 - zero_T.index_add(0, rows, mass_N) for mass_N in (full_N, values_N.exp()))
    spread_T = rest_T * (tail_T / (logprobs_TV.shape[-1] - target.offsets.diff())).log()
    return negative_entropy_T - zero_T.index_add(0, rows, full_N * values_N) - spread_T


def dense_divergence(logprobs_TV: torch.Tensor, target: Target) -> torch.Tensor:
    """KL(full || stored) at each position (T,) of a dense target."""
    full_TV = logprobs_TV.double().exp()
    return torch.special.xlogy(full_TV, full_TV).sum(-1) - torch.special.xlogy(full_TV, dense(target, full_TV.shape[-1])).sum(-1)


def at_its_divergence(logprobs_TV: torch.Tensor, theirs: Row) -> dict[str, float]:
    """`nucleus` at the price that gives the other codec's divergence, found by halving; what it takes, and its share of their bytes."""
    assert theirs.kl is not None
    low, high = 1e-6, 0.05
    for _ in range(9):
        price = math.sqrt(low * high)
        row, _ = ours("", "nucleus", logprobs_TV, {"nats_per_byte": price})
        low, high = (price, high) if row.kl is not None and row.kl <= theirs.kl else (low, price)
    row, _ = ours("", "nucleus", logprobs_TV, {"nats_per_byte": low})
    assert row.kl is not None
    return {
        "nats_per_byte": low,
        "kl": row.kl,
        "their_kl": theirs.kl,
        "bytes_per_token": row.bytes_per_token,
        "their_bytes_per_token": theirs.bytes_per_token,
        "share_of_their_bytes": row.bytes_per_token / theirs.bytes_per_token,
        "decode_tokens_per_s": row.decode_tokens_per_s,
        "their_decode_tokens_per_s": theirs.decode_tokens_per_s,
    }


def synthetic() -> list[Row]:
    """163,840 ids, made up: random logits of a spread that gives a median of about 3 bits. It shows that the size works, no more."""
    draw = torch.Generator().manual_seed(0)
    spread_T1 = 2.0 + 3.0 * torch.rand(512, 1, generator=draw)
    logprobs_TV = torch.log_softmax(torch.randn(512, 163_840, generator=draw) * spread_T1, -1)
    return [ours("synthetic, V 163,840", "nucleus", logprobs_TV, {"nats_per_byte": price})[0] for price in (3e-4, 1e-3)]


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the least seconds of five times."""
    result, seconds = None, math.inf
    for _ in range(5):
        begun = time.perf_counter()
        result = work()
        seconds = min(seconds, time.perf_counter() - begun)
    return result, seconds


def _row(row: Row) -> dict[str, Any]:
    names = ("text", "codec", "bytes_per_token", "kl", "decode_tokens_per_s", "encode_tokens_per_s", "share_above_one")
    return {name: getattr(row, name) for name in names}


def _table(rows: Sequence[Row], bars: dict[str, dict[str, float]]) -> list[str]:
    lines = [f"{'text':<22}{'codec':<44}{'B/token':>9}{'KL, nats':>10}{'decoded/s':>11}{'encoded/s':>11}{'above 1':>9}"]
    for row in rows:
        kl = "draws" if row.kl is None else f"{row.kl:.4f}"
        encoded = "" if row.encode_tokens_per_s is None else f"{row.encode_tokens_per_s:,.0f}"
        above = "" if row.share_above_one is None else f"{100 * row.share_above_one:.0f} %"
        lines.append(
            f"{row.text:<22}{row.codec:<44}{row.bytes_per_token:>9.1f}{kl:>10}{row.decode_tokens_per_s:>11,.0f}{encoded:>11}{above:>9}"
        )
    for text, bar in bars.items():
        lines.append(
            f"{text}: at KL {bar['kl']:.4f} (DistillKit recommended, normalised: {bar['their_kl']:.4f}) nucleus takes "
            f"{bar['bytes_per_token']:.1f} B for its {bar['their_bytes_per_token']:.0f}: {100 * bar['share_of_their_bytes']:.0f} %, "
            f"{bar['decode_tokens_per_s']:,.0f} tokens/s decoded"
        )
    return lines


if __name__ == "__main__":
    main()
