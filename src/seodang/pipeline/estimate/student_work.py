"""What the student costs: its training, and the files it is written as."""

import math
from dataclasses import replace

from seodang.distill.section import LIVE_MODES
from seodang.pipeline.estimate.counts import Counts
from seodang.pipeline.estimate.mode_work import live_passes
from seodang.pipeline.estimate.model_size import ModelSize, num_adapter_parameters
from seodang.pipeline.estimate.teacher_work import target_bytes
from seodang.pipeline.estimate.work import DECODE_BATCH, PREFIX_TOKENS, Memory, Pass, StepWork, decoding, opening_memory, reading
from seodang.pipeline.recipe import Recipe

PARITY_POSITIONS = 16  # of an exported file's answer that are compared with the checkpoint's
_SPEED_TOKENS = 3 * 32  # that a file decodes for its speed to be measured
_FROZEN_BATCH, _SAMPLED_BATCH = 16, 16  # examples whose frozen states are computed together, and over which importance is measured
_OPTIMIZER_BYTES = 40  # that AdamW and the clipping of gradients move for each trained number, in float32
_STATE_BYTES = 16  # float32: weight, gradient and AdamW's two moments
_KEPT_VALUES = 16  # numbers of the size of a hidden state that a block keeps of a token for the backward pass
# With adapters on SmolLM2-135M a step holds 0.3 GB beside the weights, and after 80 packs of all shapes the process has grown by 1.5 GB.
# With all weights trained, in large pieces, it was not seen to.
_GROWS_BY, _GROWS_AT_MOST = 7, 6e8
_BYTES_A_NUMBER = {"F16": 2.0, "Q8_0": 1.0625}
TOKENIZER_BYTES, _GGUF_TOKENIZER_BYTES = 80, 38  # of each token, in a checkpoint and in a GGUF file


def train_work(
    name: str, recipe: Recipe, counts: Counts, start: ModelSize, student: ModelSize, teacher: ModelSize | None, arm: str
) -> StepWork:
    """One student of one seed, at each learning rate of the grid. A distilled one holds its targets in memory, or asks the teacher."""
    distill, distilled = recipe.distill.of_arm(arm), arm in recipe.distilled_arms
    live = distilled and distill.mode in LIVE_MODES
    section, lora = recipe.distill, recipe.student.method == "lora"
    frozen = min(recipe.student.first_layer, student.num_layers - 1) if lora else 0
    trained_blocks = student.num_layers - frozen
    adapters = num_adapter_parameters(student, recipe.student.rank, trained_blocks) if lora else 0
    trained = adapters or student.num_parameters
    dtype = ("auto" if lora else "float32") if section.precision == "auto" else section.precision
    rates = len(section.rates)
    each, shown, packs = _packed(recipe, counts)
    tokens, heads = shown * each + packs * PREFIX_TOKENS, shown * counts.answer_tokens
    again = 1 if section.gradient_checkpointing else 0
    block = (2 if lora else 3) + again  # forward, gradient of what flows, gradient of what is trained; forward again
    flops = tokens * (2 * block * trained_blocks * student.block_used + 6 * adapters) + 2 * (2 if lora else 3) * heads * student.head
    flops += tokens * 12 * trained_blocks * student.num_heads * student.head_width * each / 2
    watched = counts.accepted * section.held_out * (section.evaluations + 1)
    flops += watched * 2 * (each * trained_blocks * student.block_used + counts.answer_tokens * student.head)
    steps = math.ceil(packs / section.packs_per_step)
    weights = student.num_layers * student.block_used + student.head
    moved = steps * trained * _OPTIMIZER_BYTES
    passes = [Pass("train", dtype, rates * flops, rates * packs * (block + 1), weights, trained_blocks, rates * moved)]
    if frozen:
        read = rates * counts.accepted * each * 2 * frozen * student.block_used
        passes.append(Pass("read", dtype, read, math.ceil(counts.accepted / _FROZEN_BATCH), frozen * student.block_used, frozen))
    if recipe.student.method.endswith("prune"):
        sampled = min(recipe.student.num_samples, counts.accepted)
        passes.append(reading(start, 2 * sampled * each, 0, each, math.ceil(sampled / _SAMPLED_BATCH), "float32"))
    if live and teacher is not None:
        asked = live_passes(distill, counts, teacher, student, packs)
        passes += [replace(part, flops=rates * part.flops, calls=rates * part.calls) for part in asked]
    return StepWork(
        name,
        "student",
        tuple(passes),
        (
            opening_memory(start, dtype),
            _training_memory(recipe, counts, start, student, dtype, trained, _targets_bytes(recipe, counts, teacher or start, arm)),
            _saving_memory(recipe, student, dtype, trained),
        ),
        tokens_trained=rates * tokens,
        disk_bytes=2 * student.num_parameters + (4 * adapters if lora else 0) + TOKENIZER_BYTES * student.vocabulary,
    )


def _packed(recipe: Recipe, counts: Counts) -> tuple[float, float, int]:
    """Tokens of an example, examples shown in all epochs, and the packs that they fill."""
    section = recipe.distill
    each = counts.prompt_tokens + counts.answer_tokens
    shown = counts.accepted * (1 - section.held_out) * section.epochs
    room = max(each, section.pack_tokens - PREFIX_TOKENS - each / 2)
    return each, shown, math.ceil(shown * each / room)


def _training_memory(
    recipe: Recipe, counts: Counts, start: ModelSize, student: ModelSize, dtype: str, trained: float, targets: float
) -> Memory:
    """Weights with gradient and moments, what the blocks keep for the backward pass, the frozen blocks' states, and the targets."""
    section, method = recipe.distill, recipe.student.method
    lora = method == "lora"
    frozen = min(recipe.student.first_layer, student.num_layers - 1) if lora else 0
    kept_blocks = 1 if section.gradient_checkpointing else student.num_layers - frozen
    states = section.pack_tokens * kept_blocks * (student.hidden * _KEPT_VALUES + 4 * student.intermediate)
    read = counts.accepted * (counts.prompt_tokens + counts.answer_tokens) * student.hidden if frozen else 0
    unpruned = 4 * start.num_parameters if method.endswith("prune") else 0
    weights = student.num_parameters if lora else 0
    passing = states + (min(_GROWS_BY * states, _GROWS_AT_MOST) if lora else 0)
    return Memory(dtype, weights + passing + read, _STATE_BYTES * trained + targets + unpruned, passing)


def _targets_bytes(recipe: Recipe, counts: Counts, teacher: ModelSize, arm: str) -> float:
    """Of the targets that an arm's training holds in memory; none where the teacher is asked in each step."""
    distill = recipe.distill.of_arm(arm)
    if arm not in recipe.distilled_arms or distill.mode in LIVE_MODES:
        return 0.0
    samples = distill.rollout_samples if distill.mode == "offline_on_policy" else 1
    return samples * counts.accepted * counts.answer_tokens * target_bytes(recipe, teacher)


def _saving_memory(recipe: Recipe, student: ModelSize, dtype: str, trained: float) -> Memory:
    """A student is saved while its training is still there: as float16, and adapters are first added to the weights in float32."""
    lora = recipe.student.method == "lora"
    frozen = min(recipe.student.first_layer, student.num_layers - 1) if lora else 0
    merged = 4 * (student.num_parameters + (student.num_layers - frozen) * student.block_used) if lora else 0
    return Memory(dtype, student.num_parameters if lora else 0, _STATE_BYTES * trained + 2 * student.num_parameters + merged)


def export_work(recipe: Recipe, counts: Counts, student: ModelSize) -> StepWork:
    """Files are written, and each is asked a token at a time at the positions where it is compared."""
    prompts = min(recipe.export.parity_prompts, counts.exam_items)
    positions = prompts * PARITY_POSITIONS
    formats = len(recipe.export.formats)
    read = prompts * (counts.prompt_tokens + PREFIX_TOKENS)
    passes = (
        decoding(student, positions, PREFIX_TOKENS, math.ceil(prompts / DECODE_BATCH) * PARITY_POSITIONS, "float32"),
        decoding(student, formats * positions, PREFIX_TOKENS, formats * (positions + _SPEED_TOKENS), "float32"),
        reading(student, (1 + formats) * read, positions, PREFIX_TOKENS, formats * prompts, "float32"),
    )
    disk = (
        student.num_parameters * sum(_BYTES_A_NUMBER[name] for name in recipe.export.formats)
        + formats * _GGUF_TOKENIZER_BYTES * student.vocabulary
    )
    distributions = 4.0 * positions * student.vocabulary
    held = Memory("float32", 2 * student.num_parameters, distributions + student.num_parameters * max(_BYTES_A_NUMBER.values()))
    return StepWork("export", "other", passes, (opening_memory(student, "float32"), held), disk_bytes=disk)
