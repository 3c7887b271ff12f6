"""A measured machine is a description whose every number is measured, which any command reads back; `seodang devices` prints both."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seodang.backends.description import bundled, load_description
from seodang.cli.main import main
from seodang.testbed.measure import machine
from seodang.testbed.measure.attention import Grouped, Latent, attention_decode
from seodang.testbed.measure.collectives import Collective
from seodang.testbed.measure.gemm import gemm_sweep, grouped_gemm
from seodang.testbed.measure.machine import Measured, describe, environment
from seodang.testbed.measure.stream import stream
from seodang.testbed.measure.timing import Timing


@pytest.fixture(scope="module")
def measured() -> Measured:
    """This machine with arrays that are far too small for its caches."""
    pool = 1 << 20
    types = ("float32", "bfloat16")
    products = [p for dtype in types for p in gemm_sweep(shapes={"a": (32, 16)}, rows=(1, 256), dtype=dtype, pool_bytes=pool, seconds=0.0)]
    grouped = [
        g for dtype in types for g in grouped_gemm(counts=[(4, 4), (8, 0)], inputs=16, outputs=8, dtype=dtype, pool_bytes=pool, seconds=0.0)
    ]
    decoded = [
        d
        for dtype in types
        for heads in (Latent(4, 16, 8), Grouped(4, 2, 8))
        for d in attention_decode(heads=heads, contexts=(8,), batches=(1,), dtype=dtype, pool_bytes=pool, seconds=0.0)
    ]
    timings = {size: Timing((1e-5 + size * 1e-9,)) for size in (64, 1024, 65536)}
    memory = stream(array_bytes=1 << 16, seconds=0.0)
    return Measured(
        "cpu", memory, products, grouped, decoded, [Collective("all_reduce", 2, "cpu", timings)], (0.5, 1.5), environment("cpu")
    )


@pytest.fixture
def seodang(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seodang", "devices", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return call


def test_every_number_is_measured_with_the_load_in_its_source(measured: Measured) -> None:
    device = describe(measured)
    quantities = dict(device.quantities())
    assert {quantity.kind for quantity in quantities.values()} == {"measured"}
    assert device.said == "measured"
    assert all("load 0.5 to 1.5" in quantity.source and "torch" in quantity.source for quantity in quantities.values())
    assert quantities["links.0.bandwidth"].value == pytest.approx(1e9, rel=1e-3)
    assert quantities["links.0.latency"].value == pytest.approx(1e-5, rel=1e-3)
    assert {"gemm.float32", "gemm.bfloat16.rows1", "gemv.float32", "grouped_gemm.float32.rows4"} <= set(device.reached)
    assert device.reached["gemm.float32"].value <= device.peak["float32"].value * 1.001
    assert device.memory[0].bandwidth.value >= 0.999 * max(device.reached[f"stream.{name}"].value for name in ("copy", "triad", "read"))
    assert "too short" in device.note


def test_the_command_writes_what_every_device_option_reads(
    measured: Measured, seodang: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "measure_machine", lambda device, **_: (describe(measured), measured))
    code, out, _ = seodang("measure", "--out", tmp_path / "here.yaml", "--json")
    assert code == 0
    told = json.loads(out)
    assert load_description(str(tmp_path / "here.yaml")) == describe(measured)
    assert told["measured"]["load"] == [0.5, 1.5]
    assert {"stream", "gemm", "grouped_gemm", "attention", "collectives", "environment"} <= set(told["measured"])
    code, out, _ = seodang("measure")
    assert code == 0
    assert "load 0.5 before, 1.5 after" in out
    assert "memory.0.bandwidth" in out


def test_devices_lists_chips_and_backends(seodang: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = seodang("--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert [row["id"] for row in told["devices"]] == list(bundled())
    rebel = next(row for row in told["devices"] if row["id"] == "rebel100")
    assert rebel["said"] == "claimed"
    assert rebel["memory"][0]["capacity"]["unit"] == "B"
    assert next(row for row in told["backends"] if row["name"] == "reference")["works"] is True
    code, out, _ = seodang()
    assert code == 0
    assert max(map(len, out.splitlines())) <= 140
    assert all(name in out for name in (*bundled(), "reference"))


def test_an_accelerator_that_is_not_here_is_one_line(seodang: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = seodang("measure", "--device", "cuda:77")
    assert (code, out) == (10, "")
    assert err.startswith("error: cuda:77: ")
