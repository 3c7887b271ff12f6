"""Distillation losses from hidden states, side by side in one run: ours, TRL's, Liger's, plain PyTorch, and the bare matrix products.

    python benchmarks/loss.py [--json] [--tokens 512] [--hidden 512] [--vocab 163840] [--rounds 5] [--device cpu] [--out FILE]

Every contender computes a loss and its gradients by hidden states and head from the same random inputs (synthetic). Rounds go through all
contenders in turn, so that a slow minute of the machine meets each of them; times are medians, ratios are medians of the rounds' ratios
with their range. Memory is what a process of its own holds at its peak beyond its inputs. TRL and Liger take part where they are installed
(`pip install --no-deps trl==1.16.0 liger-kernel==0.8.5`).
"""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from seodang.distill.losses import fused  # noqa: E402
from seodang.distill.losses.target import Hidden, Sparse  # noqa: E402
from seodang.models.local import use_threads  # noqa: E402

KEPT = 64  # ids a position of the sparse target
Step = Callable[["Inputs"], torch.Tensor]  # gives the loss, and leaves the gradients in the inputs


class Inputs:
    """Hidden states (T, H) and heads (V, H) of student and teacher, with a sparse target of the teacher's best ids."""

    def __init__(self, tokens: int, hidden: int, vocab: int, device: str, dtype: torch.dtype) -> None:
        draw = torch.Generator().manual_seed(0)
        scale = 2.5 / hidden**0.5  # logits with a standard deviation of 2.5: an entropy of some nats, as a language model's

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=draw).to(device, dtype)

        self.student, self.head = normal(tokens, hidden).requires_grad_(), normal(vocab, hidden).mul_(scale).requires_grad_()
        self.teacher, self.teacher_head = normal(tokens, hidden), normal(vocab, hidden).mul_(scale)
        self.mask = torch.ones(tokens, dtype=torch.bool, device=device)
        self.sparse = self._best(tokens)

    @torch.no_grad()
    def _best(self, tokens: int) -> Sparse:
        ids, logprobs = [], []
        for states in self.teacher.split(32):
            best = torch.log_softmax((states @ self.teacher_head.T).float(), -1).topk(KEPT, -1)
            ids.append(best.indices.flatten())
            logprobs.append(best.values.flatten())
        return Sparse(torch.cat(ids), torch.cat(logprobs), torch.arange(tokens + 1, device=self.mask.device) * KEPT)

    @property
    def live(self) -> Hidden:
        return Hidden(self.teacher, self.teacher_head)

    def forget(self) -> None:
        self.student.grad = self.head.grad = None


def floor(num_products: int) -> Step:
    """The matrix products alone: logits (of student and teacher), and the two gradients, over chunks of positions."""

    @torch.no_grad()
    def step(x: Inputs) -> torch.Tensor:
        x.head.grad, x.student.grad = torch.empty_like(x.head), torch.empty_like(x.student)
        for first in range(0, len(x.student), 128):
            states = x.student[first : first + 128]
            logits = states @ x.head.T
            if num_products == 4:
                logits = x.teacher[first : first + 128] @ x.teacher_head.T
            x.student.grad[first : first + 128] = logits @ x.head
            x.head.grad.addmm_(logits.T, states, beta=float(first > 0))
        return x.student.grad.sum()

    return step


def ours(name: str, target: str) -> Step:
    """The fused loss of that name, on a live teacher or the sparse target."""

    def step(x: Inputs) -> torch.Tensor:
        loss = getattr(fused, name)(x.student, x.head, getattr(x, target), x.mask)
        loss.backward()
        return loss

    return step


def plain(beta: float) -> Step:
    """The formula as one writes it in PyTorch."""

    def step(x: Inputs) -> torch.Tensor:
        log_q = torch.log_softmax((x.student @ x.head.T).float(), -1)
        with torch.no_grad():
            log_p = torch.log_softmax((x.teacher @ x.teacher_head.T).float(), -1)
        if beta == 0:
            loss = F.kl_div(log_q, log_p, reduction="sum", log_target=True) / len(log_q)
        else:
            log_m = torch.logaddexp(log_p + torch.tensor(beta).log(), log_q + torch.tensor(1 - beta).log())
            loss = beta * F.kl_div(log_m, log_p, reduction="sum", log_target=True)
            loss = (loss + (1 - beta) * F.kl_div(log_m, log_q, reduction="sum", log_target=True)) / len(log_q)
        loss.backward()
        return loss

    return step


def trl(beta: float) -> Step:
    """TRL's divergence on logits."""
    from oracles.peers import trl_jsd

    function = trl_jsd()

    def step(x: Inputs) -> torch.Tensor:
        with torch.no_grad():
            teacher = x.teacher @ x.teacher_head.T
        labels = torch.zeros(1, len(x.student), dtype=torch.long, device=x.mask.device)
        loss = function((x.student @ x.head.T)[None], teacher[None], labels, beta=beta)
        loss.backward()
        return loss

    return step


def liger(beta: float) -> Step:
    """Liger's divergence fused with both heads."""
    from oracles.peers import liger_jsd

    function = liger_jsd(beta, 1.0)

    def step(x: Inputs) -> torch.Tensor:
        labels = torch.zeros(len(x.student), dtype=torch.long, device=x.mask.device)
        loss = function(x.student, x.head, x.teacher, x.teacher_head, labels)
        loss = loss[0] if isinstance(loss, tuple) else loss
        loss.backward()
        return loss

    return step


CONTENDERS: dict[str, Callable[[], Step]] = {
    "floor dense": lambda: floor(4),
    "ours forward_kl": lambda: ours("forward_kl", "live"),
    "torch forward_kl": lambda: plain(0.0),
    "trl forward_kl": lambda: trl(0.0),
    "liger forward_kl": lambda: liger(0.0),
    "ours jsd": lambda: ours("generalized_jsd", "live"),
    "torch jsd": lambda: plain(0.5),
    "trl jsd": lambda: trl(0.5),
    "liger jsd": lambda: liger(0.5),
    "floor sparse": lambda: floor(3),
    "ours sparse forward_kl": lambda: ours("forward_kl", "sparse"),
    "ours sparse jsd": lambda: ours("generalized_jsd", "sparse"),
}
RATIOS = [  # (contender, what it is compared with)
    ("ours forward_kl", "floor dense"),
    ("ours jsd", "floor dense"),
    ("torch forward_kl", "ours forward_kl"),
    ("trl forward_kl", "ours forward_kl"),
    ("liger forward_kl", "ours forward_kl"),
    ("torch jsd", "ours jsd"),
    ("trl jsd", "ours jsd"),
    ("liger jsd", "ours jsd"),
    ("ours sparse forward_kl", "floor sparse"),
    ("trl forward_kl", "ours sparse forward_kl"),
    ("trl jsd", "ours sparse jsd"),
]


def exact(x: Inputs, beta: float) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Loss and gradients in float64, a few positions at a time."""
    head, teacher_head = x.head.detach().cpu().double(), x.teacher_head.cpu().double()
    by_head, by_hidden, total = torch.zeros_like(head), torch.zeros_like(x.student, dtype=torch.float64, device="cpu"), 0.0
    for first in range(0, len(x.student), 64):
        states = x.student.detach()[first : first + 64].cpu().double()
        log_q = torch.log_softmax(states @ head.T, -1)
        log_p = torch.log_softmax(x.teacher[first : first + 64].cpu().double() @ teacher_head.T, -1)
        p, q = log_p.exp(), log_q.exp()
        if beta == 0:
            total += (p * (log_p - log_q)).sum().item()
            grad = q - p
        else:
            log_m = (beta * p + (1 - beta) * q).log()
            slope = (1 - beta) * q * (log_q - log_m)
            total += (beta * p * (log_p - log_m)).sum().item() + slope.sum().item()
            grad = slope - q * slope.sum(-1, keepdim=True)
        grad /= len(x.student)
        by_hidden[first : first + 64] = grad @ head
        by_head.addmm_(grad.T, states)
    return total / len(x.student), by_hidden, by_head


def relative(found: torch.Tensor | None, expected: torch.Tensor) -> float:
    """The length of the difference by the length of what is expected."""
    assert found is not None
    return ((found.cpu().double() - expected).norm() / expected.norm()).item()


def _status_bytes(name: str) -> int:
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)) * 1024


def peak_bytes(step: Step, x: Inputs) -> int:
    """What a step holds at its peak beyond its inputs, gradients included."""
    if x.mask.is_cuda:
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step(x)
        return torch.cuda.max_memory_allocated() - before
    gc.collect()
    before = _status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    step(x)
    return _status_bytes("VmHWM") - before


def timed(step: Step, x: Inputs) -> float:
    """Seconds of one step."""
    x.forget()
    gc.collect()
    if x.mask.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    step(x)
    if x.mask.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Errors, then rounds of times."""
    x = inputs(arguments)
    steps: dict[str, Step] = {}
    missing: list[str] = []
    for name, make in CONTENDERS.items():
        try:
            steps[name] = make()
        except ModuleNotFoundError:
            missing.append(name)
    errors: dict[str, dict[str, float]] = {}
    for beta, kind in ((0.0, "forward_kl"), (0.5, "jsd")):
        value, by_hidden, by_head = exact(x, beta)
        for name, step in steps.items():
            if name.endswith(f" {kind}") and "sparse" not in name:
                x.forget()
                found = step(x).item()
                errors[name] = {
                    "value": abs(found / value - 1),
                    "hidden": relative(x.student.grad, by_hidden),
                    "head": relative(x.head.grad, by_head),
                }
        del by_head
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(arguments.rounds):
        for name, step in steps.items():
            times[name].append(timed(step, x))
    rows = {
        name: {
            "median_s": statistics.median(values),
            "tokens_per_s": arguments.tokens / statistics.median(values),
            "extra_bytes": None,
            "error_to_float64": errors.get(name),
        }
        for name, values in times.items()
    }
    ratios = {}
    for name, base in RATIOS:
        if name in times and base in times:
            each = [a / b for a, b in zip(times[name], times[base], strict=True)]
            ratios[f"{name} / {base}"] = {"median": statistics.median(each), "lowest": min(each), "highest": max(each), "rounds": len(each)}
    return {"rows": rows, "time_ratios": ratios, "not_installed": missing}


def inputs(arguments: argparse.Namespace) -> Inputs:
    """The inputs that the options ask for."""
    return Inputs(arguments.tokens, arguments.hidden, arguments.vocab, arguments.device, getattr(torch, arguments.dtype))


def versions() -> dict[str, str]:
    """Which version of each package took part."""
    found = {}
    for package in ("torch", "trl", "liger-kernel"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for option, default in (("--tokens", 512), ("--hidden", 512), ("--vocab", 163_840), ("--rounds", 5)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        use_threads()
    if arguments.memory_of:
        x = inputs(arguments)
        print(peak_bytes(CONTENDERS[arguments.memory_of](), x))
        return
    found = measure(arguments)
    for name, row in found["rows"].items():
        if name.startswith("floor"):
            continue
        again = [sys.executable, __file__, *sys.argv[1:], "--memory-of", name]
        row["extra_bytes"] = int(subprocess.run(again, check=True, capture_output=True, text=True).stdout.split()[-1])
    result = {
        "shape": {name: getattr(arguments, name) for name in ("tokens", "hidden", "vocab", "device", "dtype", "rounds")},
        "synthetic": True,  # random hidden states and heads
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if arguments.device == "cuda" else _processor(),
        "versions": versions(),
        **found,
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1) if arguments.json else as_text(result))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def as_text(result: dict[str, Any]) -> str:
    """The result as lines for people."""
    lines = [f"{'contender':26s} {'seconds':>8s} {'tokens/s':>9s} {'extra MB':>9s}  error of value, by hidden, by head"]
    for name, row in result["rows"].items():
        error = row["error_to_float64"]
        shown = "  ".join(f"{error[key]:.1e}" for key in ("value", "hidden", "head")) if error else ""
        lines.append(f"{name:26s} {row['median_s']:8.3f} {row['tokens_per_s']:9.0f} {(row['extra_bytes'] or 0) / 1e6:9.0f}  {shown}")
    lines.append("")
    for name, ratio in result["time_ratios"].items():
        lines.append(f"time of {name}: {ratio['median']:.2f} ({ratio['lowest']:.2f} to {ratio['highest']:.2f})")
    lines += [f"{name}: not installed" for name in result["not_installed"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
