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


_LLAMA = {
    "model_type": "mixtral", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "vocab_size": 100, "max_position_embeddings": 8192, "num_local_experts": 4, "num_experts_per_tok": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_key_value_heads": 0},
        {"moe_layer_freq": 0},
        {"mlp_only_layers": 3},
        {"num_hidden_layers": 900_000_000},
        {"hidden_size": 10**300},
        {"hidden_size": 10},
        {"layer_types": ["linear_attention", "full_attention"]},
    ],
)
def test_fields_that_cannot_be_are_told(wrong: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(_LLAMA | wrong), encoding="utf-8")
    with pytest.raises(InputError, match=next(iter(wrong))):
        workload(str(path))


@pytest.mark.parametrize("counts", [[[1] * 4] * 3, [10**400] * 4])
def test_a_histogram_of_other_layers_or_beyond_reason_is_refused(counts: list[object], tmp_path: Path) -> None:
    model, routing = tmp_path / "config.json", tmp_path / "routing.json"
    model.write_text(json.dumps(_LLAMA), encoding="utf-8")
    routing.write_text(json.dumps(counts), encoding="utf-8")
    with pytest.raises(InputError, match="histogram"):
        workload(str(model), "--routing", str(routing))
