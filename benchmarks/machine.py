"""What this machine does, each part beside a named peer in the same rounds: memory, products, attention, collectives, and slices of A.X K1.

    python benchmarks/machine.py [--seconds 60] [--json] [--out benchmarks/results/machine_cpu.json]

The control needs a model of experts with weights that were trained. A small one is taught on the spot, on the repository's own texts.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from seodang.testbed.measure.aliased import aliased_graph
from seodang.testbed.measure.attention import Latent, latent_attention
from seodang.testbed.measure.control import control
from seodang.testbed.measure.machine import link_between_processes, measure_machine
from seodang.testbed.measure.pool import ColdPool, last_cache_bytes
from seodang.testbed.measure.rank_slice import rank_slice
from seodang.testbed.measure.slice_runner import Asked
from seodang.testbed.measure.timing import rate_row, time_each
from seodang.testbed.workloads.layout_name import parse_layout
from seodang.testbed.workloads.shape import read_shape

_SLICES = (("TP8", 1), ("TP8", 16), ("DP8EP8", 4))
_ROOT = Path(__file__).parent.parent


def peers(seconds: float) -> dict[str, Any]:
    """Our kernels and other people's on the same tensors, in turns."""
    size = (1 << 28) // 4
    source, target = torch.ones(size), torch.empty(size)
    moved = 2 * 4 * size
    copies = time_each(
        {"torch.copy_": lambda: target.copy_(source), "numpy.copyto": lambda: np.copyto(target.numpy(), source.numpy())},
        "cpu",
        seconds=seconds,
    )
    pool = ColdPool(2 * last_cache_bytes("cpu"), torch.float32, "cpu")
    rows_MK = pool.take(256, 7168).clone()
    products = time_each(
        {
            "torch.linear": lambda: F.linear(rows_MK, pool.take(2048, 7168)),
            "numpy.matmul": lambda: rows_MK.numpy() @ pool.take(2048, 7168).numpy().T,
        },
        "cpu",
        seconds=seconds,
    )
    heads, batch, context = Latent(), 4, 2048
    query_BHD = pool.take(batch, heads.heads, heads.numbers_a_token).clone()
    scale = heads.numbers_a_token**-0.5

    def by_torch() -> torch.Tensor:
        keys = pool.take(batch, 1, context, heads.numbers_a_token)
        return F.scaled_dot_product_attention(query_BHD[:, None], keys, keys[..., : heads.rank], scale=scale)

    def by_us() -> torch.Tensor:
        return latent_attention(query_BHD, pool.take(batch, context, heads.numbers_a_token), heads.rank, scale)

    attention = time_each({"seodang.latent_attention": by_us, "torch.scaled_dot_product_attention": by_torch}, "cpu", seconds=seconds)
    flops = batch * context * heads.flops_a_token
    return {
        "copy_256_MB": {name: rate_row(timing, num_bytes=moved) for name, timing in copies.items()},
        "product_256x7168x2048_float32": {name: rate_row(one, flops=2 * 256 * 7168 * 2048) for name, one in products.items()},
        "latent_attention_4x2048_float32": {name: rate_row(timing, flops=flops) for name, timing in attention.items()},
    }


def taught_experts(folder: Path, steps: int = 80) -> dict[str, Any]:
    """Writes a model of A.X K1's kind with 39 million parameters, taught for so many steps on the bytes of the repository's texts."""
    from transformers import AXK1Config, AXK1ForCausalLM

    config = AXK1Config(
        vocab_size=256, hidden_size=384, intermediate_size=768, moe_intermediate_size=192, num_hidden_layers=6, num_attention_heads=6,
        num_key_value_heads=6, n_routed_experts=32, num_experts_per_tok=4, n_group=4, topk_group=2, q_lora_rank=192, kv_lora_rank=128,
        qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32, max_position_embeddings=1024, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    text = b"".join(path.read_bytes() for path in sorted(_ROOT.glob("*.md")) + sorted((_ROOT / "design").glob("*.md")))
    ids_N = torch.tensor(list(text))
    torch.manual_seed(0)
    model = AXK1ForCausalLM(config)
    optimizer, draw, losses = torch.optim.AdamW(model.parameters(), 1e-3), torch.Generator().manual_seed(0), list[float]()
    for _ in range(steps):
        starts = torch.randint(0, len(ids_N) - 128, (4,), generator=draw).tolist()
        ids_BT = torch.stack([ids_N[start : start + 128] for start in starts])
        loss = model(ids_BT, labels=ids_BT).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.save_pretrained(folder)
    parameters = sum(tensor.numel() for tensor in model.parameters())
    return {"parameters": parameters, "steps": steps, "loss_first": losses[0], "loss_last_ten": float(np.mean(losses[-10:]))}


def run(seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Everything, in values that JSON can hold."""
    before = os.getloadavg()
    description, measured = measure_machine("cpu", seconds=seconds, tell=tell)
    tell("peers")
    beside = peers(seconds / 12)
    tell("slices of A.X K1")
    shape, link = read_shape("ax-k1"), link_between_processes("cpu")
    slices = [
        rank_slice(Asked(shape, parse_layout(layout), batch, 1024, "bfloat16"), link=link, seconds=seconds / 8).row()
        for layout, batch in _SLICES
    ]
    tell("the whole graph of A.X K1, one rank of eight")
    graph = aliased_graph(Asked(shape, parse_layout("TP8"), 1, 1024, "bfloat16"), seconds=seconds / 3).row()
    tell("the control")
    with tempfile.TemporaryDirectory() as folder:
        taught = taught_experts(Path(folder))
        controls = [control(Path(folder), batch=batch, context=256, seconds=seconds).row() for batch in (1, 16)]
    return {
        "environment": measured.environment,
        "load_before": list(before),
        "load_after": list(os.getloadavg()),
        "description": description.model_dump(exclude_none=True),
        "measured": measured.row(),
        "peers": beside,
        "slices": slices,
        "aliased": graph,
        "control": {"model": taught, "runs": controls},
    }


def as_text(found: dict[str, Any]) -> str:
    """JSON with four digits of each measured number, and values without parts on one line."""
    text = json.dumps(_rounded(found), indent=1, ensure_ascii=False)
    return re.sub(r"[{\[][^{}\[\]]*[}\]]", lambda match: " ".join(match[0].split()), text)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_rounded(child) for child in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> None:
    """Prints, and writes where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the machine's own measurement; the rest takes four times as long")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--out", type=Path, help="write the JSON here too")
    given = parser.parse_args()
    found = run(given.seconds, lambda part: print(part, file=sys.stderr, flush=True))
    text = as_text(found)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    if given.json:
        print(text)
        return
    print(f"load {found['load_before'][0]:.1f} before, {found['load_after'][0]:.1f} after; {found['environment']['threads']} threads")
    for name, kernel in found["measured"]["stream"]["kernels"].items():
        print(f"{name:<8} {kernel['best_bytes_per_s'] / 1e9:6.1f} GB/s best {kernel['bytes_per_s'] / 1e9:6.1f} median")
    for part, ways in found["peers"].items():
        for name, row in ways.items():
            times = f"{1e3 * row['median_s']:9.2f} ms, +- {100 * row['spread']:3.0f} %, best {1e3 * row['best_s']:9.2f}"
            print(f"{part:<36} {name:<36} {times}")
    for row in found["slices"]:
        layer = row["layer"]["compute"]
        told = f"{1e3 * layer['median_s']:8.1f} ms a layer, best {1e3 * layer['best_s']:8.1f}; bytes equal: {row['bytes']['equal']}"
        print(f"A.X K1 {row['layout']} batch {row['batch']}: {told}")
    print("whole graph:", found["aliased"]["check"], [(pool["distinct_layers"], pool["median_s"]) for pool in found["aliased"]["pools"]])
    for row in found["control"]["runs"]:
        print(f"control, batch {row['batch']}: {row['check']}")


if __name__ == "__main__":
    main()
