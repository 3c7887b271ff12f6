"""The training loop: the only one. Equal examples, settings and threads give equal weights, also after a kill."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from seodang.core.errors import ModelError
from seodang.core.files import storage_errors, write_json
from seodang.core.progress import Progress
from seodang.distill.losses.cross_entropy import cross_entropy
from seodang.distill.packing import Example, Pack, build_pack, common_prefix, plan_packs
from seodang.distill.read_pack import prepare, read_pack
from seodang.distill.section import TrainSection

_SLICE = 16  # examples whose frozen states are computed together
DivergenceLoss = Callable[..., torch.Tensor]


class Trainer:
    """Trains `model`'s parameters that require a gradient. `first_layer` blocks are frozen, and what they compute is kept.

    The loss of a step is `weight * divergence(teacher, student) + (1 - weight) * cross-entropy`, in nats per answer token;
    without a divergence, cross-entropy alone.
    """

    def __init__(
        self,
        model: Any,
        examples: Sequence[Example],
        section: TrainSection,
        *,
        seed: int,
        divergence: DivergenceLoss | None,
        weight: float,
        first_layer: int,
    ) -> None:
        self.model, self.section, self.seed = model, section, seed
        prepare(model)
        self.divergence, self.weight, self.first_layer = divergence, weight, first_layer
        held_out = set(
            torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))[: int(len(examples) * section.held_out)].tolist()
        )
        self.examples = [example for index, example in enumerate(examples) if index not in held_out]
        self.watched = [example for index, example in enumerate(examples) if index in held_out]
        self.prefix = common_prefix(examples)
        self._all = list(examples)
        self._slice_of = {example.record: place - place % _SLICE for place, example in enumerate(examples)}
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=section.learning_rate, betas=(0.9, 0.98), weight_decay=section.weight_decay, fused=True
        )
        self.schedule = self._plan()
        self.loss_curve: list[list[float]] = []
        self.held_out_curve: list[list[float]] = []
        self.step = self.num_tokens = self.num_answer_tokens = 0
        self._lower: dict[str, torch.Tensor] = {}
        self._lower_prefix: torch.Tensor | None = None

    def _plan(self) -> list[list[int]]:
        schedule: list[list[int]] = []
        whole = math.ceil(self.section.epochs)
        for epoch in range(whole):
            packs = plan_packs(self.examples, len(self.prefix), self.section.pack_tokens, self.seed * 1000 + epoch)
            share = min(1.0, self.section.epochs - epoch)
            schedule += packs[: max(1, round(len(packs) * share))]
        return schedule

    def run(self, folder: Path, progress: Progress) -> None:
        """Trains to the end, from the last checkpoint in `folder` if there is one."""
        self._load_checkpoint(folder)
        progress.total, progress.done = len(self.schedule), self.step
        self.model.train()
        every = max(1, len(self.schedule) // 8)
        while self.step < len(self.schedule):
            indices = self.schedule[self.step]
            for group in self.optimizer.param_groups:
                group["lr"] = self.section.learning_rate * self._rate(self.step)
            pack = build_pack([self.examples[i] for i in indices], self.prefix)
            loss = self._loss(pack, [self.examples[i] for i in indices])
            if not math.isfinite(loss.item()):
                raise ModelError(
                    f"the loss is no longer a number at step {self.step + 1} of {len(self.schedule)}",
                    hint="lower `distill.learning_rate`, or raise `distill.warmup`, and run the recipe again",
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, self.section.max_grad_norm)
            self.optimizer.step()
            self.step += 1
            self.num_tokens += pack.num_tokens
            self.num_answer_tokens += len(pack.labels)
            self.loss_curve.append([self.step, round(loss.item(), 6)])
            if self.watched and (self.step % every == 0 or self.step == len(self.schedule)):
                self.held_out_curve.append([self.step, round(self._watch(), 6)])
            progress.advance(1, f"loss {loss.item():.3f} nats")
            if self.step % self.section.checkpoint_steps == 0 or self.step == len(self.schedule):
                self._save_checkpoint(folder)

    def _rate(self, step: int) -> float:
        warm = self.section.warmup * len(self.schedule)
        if step < warm:
            return (step + 1) / (warm + 1)
        share = (step - warm) / max(1.0, len(self.schedule) - warm)
        return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * share))

    def _loss(self, pack: Pack, examples: Sequence[Example]) -> torch.Tensor:
        hidden_NH = self._hidden(pack, examples)[0, pack.predicting]
        logits_NV = self.model.get_output_embeddings()(hidden_NH)
        mask_N = torch.ones(len(pack.labels), dtype=torch.bool)
        plain = cross_entropy(logits_NV, pack.labels, mask_N)
        if self.divergence is None or pack.target is None:
            return plain
        return self.weight * self.divergence(logits_NV, pack.target, mask_N) + (1 - self.weight) * plain

    @torch.no_grad()
    def _watch(self) -> float:
        self.model.eval()
        total = num_tokens = 0.0
        for indices in plan_packs(self.watched, len(self.prefix), self.section.pack_tokens, 0):
            examples = [self.watched[i] for i in indices]
            pack = build_pack(examples, self.prefix)
            total += self._loss(pack, examples).item() * len(pack.labels)
            num_tokens += len(pack.labels)
        self.model.train()
        return total / num_tokens

    def _hidden(self, pack: Pack, examples: Sequence[Example]) -> torch.Tensor:
        base = self.model.base_model
        if self.first_layer == 0:
            return read_pack(self.model, pack.rows, pack.ids, pack.positions)
        lower_1TH = self._lower_states(examples)
        layers = base.layers
        base.layers = layers[self.first_layer :]
        try:
            return read_pack(self.model, pack.rows, lower_1TH, pack.positions)
        finally:
            base.layers = layers

    @torch.no_grad()
    def _lower_states(self, examples: Sequence[Example]) -> torch.Tensor:
        """What the frozen blocks make of a pack. It does not depend on training, so each example is computed once, in fixed slices:
        rounding depends on what is computed together, and a resumed run must find the same states."""
        for first in sorted({self._slice_of[e.record] for e in examples if e.record not in self._lower}):
            missing = self._all[first : first + _SLICE]
            base = self.model.base_model
            pack = build_pack(missing, self.prefix)
            layers, norm = base.layers, base.norm
            base.layers, base.norm = layers[: self.first_layer], torch.nn.Identity()
            try:
                states_TH = read_pack(self.model, pack.rows, pack.ids, pack.positions)[0]
            finally:
                base.layers, base.norm = layers, norm
            place = len(self.prefix)
            if self._lower_prefix is None:
                self._lower_prefix = states_TH[:place].clone()
            for example in missing:
                length = len(example.prompt_ids) - len(self.prefix) + len(example.answer_ids) - 1
                self._lower[example.record] = states_TH[place : place + length].clone()
                place += length
        assert self._lower_prefix is not None
        return torch.cat([self._lower_prefix, *(self._lower[example.record] for example in examples)])[None]

    def _save_checkpoint(self, folder: Path) -> None:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            name = f"step-{self.step:06d}"
            tensors = {f"parameter.{i}": p.detach() for i, p in enumerate(self.parameters)}
            for i, p in enumerate(self.parameters):
                for key, value in self.optimizer.state[p].items():
                    tensors[f"{key}.{i}"] = torch.as_tensor(value).contiguous()
            save_file(tensors, folder / f"{name}.safetensors")
            counts = {"step": self.step, "num_tokens": self.num_tokens, "num_answer_tokens": self.num_answer_tokens}
            write_json(
                folder / "latest.json",
                {"file": f"{name}.safetensors", **counts, "loss_curve": self.loss_curve, "held_out_curve": self.held_out_curve},
            )
            for old in folder.glob("step-*.safetensors"):
                if old.name != f"{name}.safetensors":
                    old.unlink()

    def _load_checkpoint(self, folder: Path) -> None:
        latest = folder / "latest.json"
        if not latest.is_file():
            return
        state = json.loads(latest.read_text(encoding="utf-8"))
        tensors = load_file(folder / state["file"])
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                p.copy_(tensors[f"parameter.{i}"])
                self.optimizer.state[p] = {key: tensors[f"{key}.{i}"].clone() for key in ("step", "exp_avg", "exp_avg_sq")}
        self.step, self.num_tokens, self.num_answer_tokens = state["step"], state["num_tokens"], state["num_answer_tokens"]
        self.loss_curve, self.held_out_curve = state["loss_curve"], state["held_out_curve"]
