"""The training loop: the only one. Equal examples, settings, threads and processes give equal weights, also after a kill."""

import copy
import math
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.distill import checkpoint, parallel
from seodang.distill.early_stop import EarlyStop
from seodang.distill.events import Events
from seodang.distill.frozen import FrozenBlocks
from seodang.distill.modes.lessons import Lessons
from seodang.distill.objective import Objective, Taught
from seodang.distill.packing import Example, build_pack, common_prefix, plan_packs
from seodang.distill.parallel import Team
from seodang.distill.read_pack import prepare
from seodang.distill.schedule import hold_out, num_planned_tokens, plan_equal_steps, plan_steps, rate
from seodang.distill.train_section import TrainSection
from seodang.models.own_logits import changes_logits


@dataclass(frozen=True, slots=True)
class Taken:
    """What one step found: its loss in nats per answer token, the length of its gradient before it was shortened, and what it read."""

    loss: float
    grad_norm: float
    learning_rate: float
    num_tokens: int
    num_answer_tokens: int
    told: dict[str, float]  # what its lessons tell, by TensorBoard's tags


class Diverged(ModelError):
    """A training whose loss or gradient is no longer a number."""


class Trainer:
    """Trains `model`'s parameters that require a gradient. `first_layer` blocks are frozen, and what they compute is kept.

    The loss of a step is `weight * divergence(teacher, student) + (1 - weight) * cross-entropy`, in nats per answer token of the step,
    however many packs and processes it has; without a divergence, cross-entropy alone. In a `team` of several, the weights are split
    among the processes, and `model` gets what was learned when `run` ends. What is random in a step (dropout) depends on the seed and on
    its place alone. `lessons` say what is taught of a pack, the examples as they are by default. `num_steps` is how many steps there are,
    in place of the section's epochs. InputError where a step has fewer packs than the team has processes.

    `taught` examples stand in for those of `examples` that are not held out: as many tokens of them are read, up to half a pack, and the
    same held-out ones are watched.
    """

    def __init__(
        self,
        model: Any,
        examples: Sequence[Example],
        section: TrainSection,
        *,
        seed: int,
        divergence: Taught | None,
        weight: float,
        first_layer: int,
        team: Team | None = None,
        taught: Sequence[Example] | None = None,
        lessons: Lessons | None = None,
        num_steps: int | None = None,
    ) -> None:
        self.lessons = lessons or Lessons()
        self.model, self.section, self.seed, self.team = model, section, seed, team or Team()
        self.team.require_work(section.packs_per_step)
        prepare(model)
        if section.gradient_checkpointing:
            _compute_again(model)
        self.examples, self.watched = hold_out(examples, section.held_out, seed)
        self.prefix = common_prefix(examples)
        self.schedule = plan_steps(self.examples, len(self.prefix), section, seed, num_steps)
        if taught is not None:
            num_tokens = num_planned_tokens(self.schedule, self.examples, len(self.prefix))
            self.examples, examples = list(taught), [*examples, *taught]
            self.prefix = common_prefix(examples)
            self.schedule = plan_equal_steps(self.examples, len(self.prefix), section, seed, num_tokens)
        self.objective = self._objective(examples, divergence, weight, first_layer)
        self.parameters = [p for p in self.objective.parameters() if p.requires_grad]
        (self.peak,) = section.rates
        self.optimizer = torch.optim.AdamW(self.parameters, lr=self.peak, betas=(0.9, 0.98), weight_decay=section.weight_decay, fused=True)
        self.early_stop = EarlyStop(section.patience)
        self.loss_curve: list[list[float]] = []
        self.held_out_curve: list[list[float]] = []
        self.step = self.num_tokens = self.num_answer_tokens = 0

    def _objective(self, examples: Sequence[Example], divergence: Taught | None, weight: float, first_layer: int) -> Objective:
        alone = self.team.size == 1
        by_logits = changes_logits(self.model)
        model = self.model if alone else copy.deepcopy(self.model)
        frozen = FrozenBlocks(model, examples, self.prefix, first_layer) if first_layer else None
        in_bfloat16 = self.section.precision == "bfloat16"
        objective = Objective(model, divergence, weight, frozen=frozen, in_bfloat16=in_bfloat16, by_logits=by_logits)
        if not alone:
            layers = model.base_model.layers
            below = {parameter for layer in layers[:first_layer] for parameter in layer.parameters()}
            parallel.shard(objective, layers[first_layer:], below, self.team.size)
        return objective

    def run(self, folder: Path, progress: Progress, *, events: Path | None = None) -> None:
        """Trains to the end, from the last checkpoint in `folder` if there is one; `events` is the folder of TensorBoard's curves."""
        self._load_checkpoint(folder)
        progress.total, progress.done = len(self.schedule), self.step
        self.objective.train()
        told = Events(events, self.step + 1) if events is not None and self.team.first else None
        with closing(told) if told else nullcontext():
            while self.step < len(self.schedule) and not self.early_stop.over:
                values = self._advance()
                if told is not None:
                    told.tell(self.step, values)
                progress.advance(1, f"loss {values['loss/train']:.3f} nats")
                if self._last or self.early_stop.over or self.step % self.section.checkpoint_steps == 0:
                    if told is not None:
                        told.flush()
                    self._save_checkpoint(folder)
        self.early_stop.restore(self.parameters)
        self._hand_over()

    @property
    def _last(self) -> bool:
        return self.step == len(self.schedule)

    def _advance(self) -> dict[str, float]:
        """A step and, where it is due, a look at the held-out examples: what is told of it, by TensorBoard's tags."""
        taken = self.take_step()
        self.loss_curve.append([self.step, round(taken.loss, 6)])
        values = {"loss/train": taken.loss, "learning_rate": taken.learning_rate, "grad_norm": taken.grad_norm, **taken.told}
        every = max(1, len(self.schedule) // self.section.evaluations)
        if self.watched and (self._last or self.step % every == 0):
            found = self._watch()
            self.held_out_curve.append([self.step, round(found["loss"], 6)])
            self.early_stop.see(self.step, found["loss"], self.parameters)
            values |= {"loss/held_out" if tag == "loss" else tag: value for tag, value in found.items()}
        return values

    def take_step(self) -> Taken:
        """One step: the gradients of its packs added up, and the parameters changed. `Diverged` where loss or gradient is no number."""
        packs = self.schedule[self.step]
        learning_rate = self.peak * rate(self.step, len(self.schedule), self.section.warmup)
        dealt = self.team.dealt(len(packs))
        model = self.objective.model
        answered = [self.lessons.answered(model, [self.examples[i] for i in packs[place]], self.step, place) for place, _ in dealt]
        own = sum(len(e.answer_ids) for examples, (_, counts) in zip(answered, dealt, strict=True) if counts for e in examples)
        num_answer_tokens = int(self.team.sum([own])[0])
        self.optimizer.zero_grad(set_to_none=True)
        loss, num_tokens = 0.0, 0
        for (place, counts), given in zip(dealt, answered, strict=True):
            examples = self.lessons.with_targets(given)
            pack = build_pack(examples, self.prefix)
            torch.manual_seed((self.seed << 32) + (self.step << 12) + place)
            value = self.objective(pack, examples, num_answer_tokens)["loss"]
            (value if counts else value * 0.0).backward()
            if counts:
                loss, num_tokens = loss + value.item(), num_tokens + pack.num_tokens
        loss, total_tokens = self.team.sum([loss, num_tokens])
        norm = parallel.gathered(torch.nn.utils.clip_grad_norm_(self.parameters, self.section.max_grad_norm)).item()
        for what, value in (("loss", loss), ("gradient", norm)):
            if not math.isfinite(value):
                raise Diverged(
                    f"the {what} is no longer a number at step {self.step + 1} of {len(self.schedule)}",
                    hint="lower `distill.learning_rate`, or raise `distill.warmup`, and run the recipe again",
                )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.step += 1
        self.num_tokens += int(total_tokens)
        self.num_answer_tokens += num_answer_tokens
        told = self.lessons.end_step(self.step)
        return Taken(loss, norm, learning_rate, int(total_tokens), num_answer_tokens, told)

    @torch.no_grad()
    def _watch(self) -> dict[str, float]:
        """The loss on the held-out examples, and what it is mixed of."""
        self.objective.eval()
        packs = plan_packs(self.watched, len(self.prefix), self.section.pack_tokens, 0)
        num_answer_tokens = sum(len(example.answer_ids) for example in self.watched)
        found: dict[str, float] = {}
        for place, counts in self.team.dealt(len(packs)):
            examples = [self.watched[i] for i in packs[place]]
            if self.objective.divergence is not None:
                examples = self.lessons.with_targets(examples)
            for name, value in self.objective(build_pack(examples, self.prefix), examples, num_answer_tokens, apart=True).items():
                found[name] = found.get(name, 0.0) + value.item() * counts
        self.objective.train()
        return dict(zip(found, self.team.sum(list(found.values())), strict=True))

    def held_out_cross_entropy(self, verified: Sequence[Example] | None = None) -> float | None:
        """Nats per answer token of the held-out examples, under the weights as they are now; None where there are none, or it is no number.

        It is the same measure for every loss and every mixture of it, and its examples depend on the records and the seed alone. With
        `verified`, it is of the same records' answers there, which have the prefix of all.
        """
        watched = self.watched
        if verified is not None:
            self.watched = hold_out(verified, self.section.held_out, self.seed)[1]
        divergence, self.objective.divergence = self.objective.divergence, None
        try:
            found = self._watch()["loss"] if self.watched else math.nan
        finally:
            self.objective.divergence, self.watched = divergence, watched
        return found if math.isfinite(found) else None

    @torch.no_grad()
    def _hand_over(self) -> None:
        """Gives what a team learned to the model that it was asked to train."""
        if self.team.size > 1:
            given = [p for p in self.model.parameters() if p.requires_grad]
            for parameter, learned in zip(given, self.parameters, strict=True):
                parameter.copy_(parallel.gathered(learned))

    def _save_checkpoint(self, folder: Path) -> None:
        tensors: dict[str, torch.Tensor] = {}
        for i, p in enumerate(self.parameters):
            tensors[f"parameter.{i}"] = parallel.gathered(p.detach())
            tensors |= {f"{key}.{i}": parallel.gathered(torch.as_tensor(value)) for key, value in self.optimizer.state[p].items()}
        tensors |= {f"best.{i}": parallel.gathered(weights) for i, weights in enumerate(self.early_stop.weights)}
        if self.team.first:
            state = {"step": self.step, "num_tokens": self.num_tokens, "num_answer_tokens": self.num_answer_tokens}
            curves = {"loss_curve": self.loss_curve, "held_out_curve": self.held_out_curve}
            checkpoint.save(folder, self.step, tensors, {**state, **curves, "early_stop": self.early_stop.row(), **self.lessons.state()})

    def _load_checkpoint(self, folder: Path) -> None:
        found = checkpoint.load(folder)
        self.team.wait()
        if found is None:
            return
        tensors, state = found
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                p.copy_(parallel.own_part(tensors[f"parameter.{i}"], p))
                moments = {key: parallel.own_part(tensors[f"{key}.{i}"], p) for key in ("exp_avg", "exp_avg_sq")}
                self.optimizer.state[p] = {"step": tensors[f"step.{i}"].clone(), **moments}
        best = [parallel.own_part(tensors[f"best.{i}"], p) for i, p in enumerate(self.parameters) if f"best.{i}" in tensors]
        self.early_stop.go_on(state["early_stop"], best)
        self.lessons.go_on(state)
        self.step, self.num_tokens, self.num_answer_tokens = state["step"], state["num_tokens"], state["num_answer_tokens"]
        self.loss_curve, self.held_out_curve = state["loss_curve"], state["held_out_curve"]


def _compute_again(model: Any) -> None:
    """Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174) of every block; ModelError where the architecture has none."""
    try:
        model.activation_checkpointing_enable()
    except ValueError as error:
        raise ModelError(str(error), hint="set `distill.gradient_checkpointing` to false") from error
