"""The benchmark of backends compares the same tokens, and lists what is not here with its reason."""

import argparse
from pathlib import Path

import pytest
import torch

import backends as benchmark


def test_the_same_tokens_are_timed_and_absent_backends_told(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    options = argparse.Namespace(
        model=tiny_model_dir,
        backend=["torch_cpu", "torch_cuda"],
        batches=[1, 3],
        rounds=2,
        prompt=12,
        new=5,
        threads=torch.get_num_threads(),
    )
    found = benchmark.measure(options)
    assert [(row["backend"], row["batch"]) for row in found["rows"]] == [("torch_cpu", 1), ("torch_cpu", 3)]
    assert {row["equal_tokens"] for row in found["rows"]} == {1.0}
    assert "a build without CUDA" in found["absent"]["torch_cuda"]
