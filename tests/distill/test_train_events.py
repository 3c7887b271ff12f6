"""What training tells TensorBoard is read back by a reader of our own, which knows the file format and not the writer."""

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from kills import KilledError, StopsAt
from seodang.core.progress import Progress
from seodang.distill.events import Events
from seodang.distill.losses import forward_kl
from seodang.distill.packing import Example
from seodang.distill.train import Trainer
from seodang.distill.train_section import TrainSection

TAGS = {"loss/train", "loss/held_out", "learning_rate", "grad_norm", "divergence", "cross_entropy"}
_CASTAGNOLI = 0x82F63B78  # reflected


def masked_crc(data: bytes) -> int:
    """CRC-32C, rotated and shifted as TFRecord files ask for."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CASTAGNOLI if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file: length, its checksum, the data, its checksum."""
    data, place = path.read_bytes(), 0
    while place < len(data):
        length, length_crc = struct.unpack_from("<QI", data, place)
        assert masked_crc(data[place : place + 8]) == length_crc
        content = data[place + 12 : place + 12 + length]
        assert masked_crc(content) == struct.unpack_from("<I", data, place + 12 + length)[0]
        yield content
        place += 16 + length


def fields(data: bytes) -> dict[int, list[Any]]:
    """The values of a protobuf message's fields by number: integers, raw 4 or 8 bytes, or byte strings."""
    found: dict[int, list[Any]] = {}
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = number()
        if key & 7 == 0:
            found.setdefault(key >> 3, []).append(number())
            continue
        length = {1: 8, 5: 4}[key & 7] if key & 7 != 2 else number()
        found.setdefault(key >> 3, []).append(data[place : place + length])
        place += length
    return found


def curves(folder: Path) -> dict[str, dict[int, float]]:
    """Each tag's values by step, as TensorBoard shows them: a restarted session hides what stood at its step and above."""
    shown: dict[str, dict[int, float]] = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime_ns):
        for record in records(path):
            event = fields(record)
            step = event.get(2, [0])[0]
            if 7 in event and fields(event[7][0])[1] == [1]:  # a session begins
                shown = {tag: {s: v for s, v in values.items() if s < step} for tag, values in shown.items()}
            for value in map(fields, fields(event[5][0])[1] if 5 in event else []):
                shown.setdefault(value[1][0].decode(), {})[step] = struct.unpack("<f", value[2][0])[0]
    return shown


def trainer(folder: Path, examples: list[Example], weight: float = 0.6) -> Trainer:
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    section = TrainSection(epochs=2, learning_rate=1e-2, pack_tokens=64, checkpoint_steps=4, held_out=0.1, evaluations=3)
    return Trainer(model, examples, section, seed=5, divergence=forward_kl.divergence(), weight=weight, first_layer=0)


def test_every_curve_is_in_the_event_files(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trainer(tiny_model_dir, examples)
    run.run(tmp_path / "partial", Progress("train"), events=tmp_path / "events")
    found = curves(tmp_path / "events")
    steps = list(range(1, len(run.schedule) + 1))
    assert set(found) == TAGS
    for tag in ("loss/train", "learning_rate", "grad_norm"):
        assert sorted(found[tag]) == steps
    assert [found["loss/train"][s] for s in steps] == pytest.approx([loss for _, loss in run.loss_curve], abs=1e-5)
    assert sorted(found["loss/held_out"].items()) == [(s, pytest.approx(loss, abs=1e-5)) for s, loss in run.held_out_curve]
    for step, loss in found["loss/held_out"].items():
        assert loss == pytest.approx(0.6 * found["divergence"][step] + 0.4 * found["cross_entropy"][step], rel=1e-5)
    assert max(found["learning_rate"].values()) <= 1e-2 * (1 + 1e-6)
    assert all(norm > 0 for norm in found["grad_norm"].values())


def test_what_is_told_is_on_disk_after_a_flush(tmp_path: Path) -> None:
    """A checkpoint may be the last thing before a kill."""
    with closing(Events(tmp_path, 1)) as events:
        for step in range(1, 200):
            events.tell(step, {"loss/train": 0.5 * step})
            if step % 40 == 0:
                events.flush()
                assert curves(tmp_path)["loss/train"] == {s: 0.5 * s for s in range(1, step + 1)}


def test_a_resumed_training_shows_each_step_once(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    """Killed behind its checkpoint: the steps that are computed again replace those that were told before."""
    whole = trainer(tiny_model_dir, examples)
    whole.run(tmp_path / "whole", Progress("train"), events=tmp_path / "expected")
    with pytest.raises(KilledError):
        trainer(tiny_model_dir, examples).run(tmp_path / "broken", StopsAt(6), events=tmp_path / "events")
    trainer(tiny_model_dir, examples).run(tmp_path / "broken", Progress("train"), events=tmp_path / "events")
    assert len(list((tmp_path / "events").iterdir())) == 2
    assert curves(tmp_path / "events") == curves(tmp_path / "expected")
