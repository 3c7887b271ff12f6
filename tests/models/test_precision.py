"""A processor without bfloat16 instructions computes in float32, which is slower and works."""

from pathlib import Path

import pytest
import torch

from seodang.models import precision
from seodang.models.chat_model import Message, Sampling


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [("fpu avx2 fma", torch.float32), ("fpu avx512_bf16", torch.bfloat16), ("fp asimd bf16", torch.bfloat16), ("amx_bf16", torch.bfloat16)],
)
def test_the_processor_decides(flags: str, dtype: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n", encoding="utf-8")
    monkeypatch.setattr(precision, "Path", lambda name: tmp_path / Path(name).name)
    precision.cpu_has_bfloat16.cache_clear()
    try:
        assert precision.best_dtype("cpu") == dtype
    finally:
        precision.cpu_has_bfloat16.cache_clear()


def test_a_model_without_bfloat16_answers(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seodang.models.local import LocalModel

    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: False)
    model = LocalModel(tiny_model_dir)
    assert model.dtype == torch.float32
    assert model.chat([[Message("user", "hello")]], Sampling(4))[0][0].num_new_tokens > 0
