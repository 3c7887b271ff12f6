"""`seodang workload` prints figures with definitions, as JSON or as a table, and tells bad input in one line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from seodang.cli.commands.workload import command
from seodang.core.errors import InputError
from seodang.testbed.workloads.shape import bundled_models


def workload(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_json_has_every_stable_key_and_a_definition_of_each_figure() -> None:
    told = json.loads(workload("ax-k1", "--batch", "4", "--context", "8192", "--dtype", "fp8", "--json"))
    assert told["parameters"] == 518_983_059_456 == sum(told["parameters_by_class"].values()) == told["weight_bytes"]
    stable = {"active_parameters", "kv_bytes_per_token", "bytes_read_per_decode_step", "kv_bytes_per_sequence", "experts_hit_per_layer"}
    stable |= {"all_reduces_per_decode_step", "all_to_all_bytes_per_token", "flops.decode_step", "flops.prefill_per_token"}
    assert stable <= set(told["definitions"])
    for key in told["definitions"]:
        place = told["flops"] if key.startswith("flops.") else told
        assert place[key.removeprefix("flops.")] > 0, key
    read = told["bytes_read_by_class"]
    left_out = read["router"] + read["norms"]
    assert sum(read.values()) - left_out == pytest.approx(told["bytes_read_per_decode_step"])
    by_class = told["flops"]["decode_step_by_class"]
    assert sum(by_class.values()) == pytest.approx(told["flops"]["decode_step"], rel=1e-3)


@pytest.mark.parametrize("name", list(bundled_models()))
def test_every_bundled_model_has_a_table_with_its_figures_and_differences(name: str) -> None:
    lines = workload(name, "--context", "1024").splitlines()
    assert max(len(line) for line in lines) <= 115
    assert any(line.startswith("bytes_read_per_decode_step") for line in lines)
    assert any(line.startswith("published: ") for line in lines)
    assert any(line.startswith("- ") for line in lines)


def test_a_config_json_is_a_model_and_its_class_is_counted_beside(tiny_model_dir: Path) -> None:
    told = json.loads(workload(str(tiny_model_dir / "config.json"), "--context", "16", "--check", "--json"))
    assert told["parameters"] == told["parameters_of_class"]
    assert "+0 in this count" in workload(str(tiny_model_dir), "--context", "16", "--check")


def test_types_with_4_bits_keep_8_in_the_cache_unless_told() -> None:
    told = json.loads(workload("kimi-k2", "--dtype", "int4", "--json"))
    assert (told["asked"]["weights"], told["asked"]["kv"]) == ("float4", "float8")
    assert json.loads(workload("kimi-k2", "--dtype", "int4", "--kv-dtype", "bf16", "--json"))["asked"]["kv"] == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (["ax-k3"], "no such model", "did you mean"),
        (["ax-k1", "--context", "131073"], "more than the 131,072", "between 1 and 131072"),
        (["ax-k1", "--dtype", "fp9"], "no such type", "fp8"),
        (["ax-k1", "--routing", "zipfian"], "no such routing", "zipf:0.5"),
    ],
)
def test_bad_input_says_what_and_the_next_step(arguments: list[str], what: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        workload(*arguments)
    assert what in caught.value.what
    assert hint in str(caught.value.hint)
