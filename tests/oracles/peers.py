"""Divergences of other projects, taken from their installed packages without the rest of those packages.

TRL's and torchtune's trainers import data sets, tokenizers and quantisation that a divergence does not need, so one function and one file
are loaded by their place. A package that is not installed is an error with its name.
"""

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F


def trl_jsd() -> Callable[..., torch.Tensor]:
    """`GKDTrainer.generalized_jsd_loss` of TRL: (student, teacher, labels, beta, temperature), divided by the labels that are not -100."""
    path = _package("trl") / "experimental" / "gkd" / "gkd_trainer.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (function,) = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "generalized_jsd_loss")
    function.decorator_list = []
    names: dict[str, Any] = {"torch": torch, "F": F}
    exec(compile(ast.Module([function], []), str(path), "exec"), names)
    return names["generalized_jsd_loss"]


def liger_jsd(beta: float, temperature: float) -> Callable[..., torch.Tensor]:
    """Liger's divergence fused with the heads: (student hidden, head, teacher hidden, head, labels), divided by the labels not -100."""
    _package("liger_kernel")
    from liger_kernel.chunked_loss.jsd_loss import LigerFusedLinearJSDLoss

    return LigerFusedLinearJSDLoss(weight_hard_loss=0.0, weight_soft_loss=1.0, beta=beta, temperature=temperature, compiled=False)


def torchtune_cross_entropy() -> Callable[..., torch.Tensor]:
    """torchtune's `ForwardKLLoss`: (student, teacher, labels). It leaves the teacher's entropy out, so it is KL(p || q) + H(p)."""
    path = _package("torchtune") / "modules" / "loss" / "kd_losses.py"
    spec = importlib.util.spec_from_file_location("torchtune_kd_losses", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ForwardKLLoss()


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed; `make setup` installs it without its dependencies", name=name)
    return Path(spec.origin).parent
