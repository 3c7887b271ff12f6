"""What a cache tells of its hits, sizes and users, in Python and on the command line."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.errors import InputError
from seodang.distill.section import TargetsSection
from seodang.distill.targets.cache import Entry, TargetCache
from seodang.distill.targets.codecs.codec import open_codec
from seodang.distill.targets.uses import describe_cache, find_caches, open_folder, record_use


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two caches, of 3 and 1 sequences; the first was used by three steps."""
    section = TargetsSection().model_dump()
    codec = open_codec("nucleus")
    for name, count in (("aaaa1", 3), ("aabb2", 1)):
        cache = TargetCache(tmp_path / ".store" / "target-cache" / name, {"engine": "test 1", "weights": name})
        rows = torch.log_softmax(torch.randn(5, 50, generator=torch.Generator().manual_seed(0)), -1)
        cache.add([Entry(f"{name}{n}", codec.encode(rows, section, 0), 5) for n in range(count)], codec, codec.describe(section))
        cache.close()
    folder = tmp_path / ".store" / "target-cache" / "aaaa1"
    record_use(folder, run="one", step="targets", key="k1", student=None, num_sequences=3, num_reused=0)
    for seed in (0, 1):
        step = f"train.distilled.{seed}"
        record_use(folder, run="one", step=step, key=f"s{seed}", student="small", num_sequences=3, num_reused=3)
        record_use(folder, run="one", step=step, key=f"s{seed}", student="small", num_sequences=3, num_reused=3)
    return tmp_path


def test_a_cache_tells_what_each_student_reused(runs: Path) -> None:
    told = describe_cache(open_folder(Path("aaaa"), runs / ".store" / "target-cache"))
    assert told["hits"] == {"asked": 9, "found": 6, "captured": 3}
    assert [(use["step"], use["student"], use["num_reused"]) for use in told["uses"]] == [
        ("targets", None, 0),
        ("train.distilled.0", "small", 3),
        ("train.distilled.1", "small", 3),
    ]
    assert (told["num_sequences"], told["num_tokens"]) == (3, 15)
    (codec,) = told["codecs"]
    assert codec["bytes"] == told["bytes"] > 0
    assert codec["bytes_per_token"] == pytest.approx(told["bytes"] / 15, abs=0.01)


def test_a_cache_is_found_by_folder_name_or_beginning(runs: Path) -> None:
    root = runs / ".store" / "target-cache"
    assert open_folder(root / "aabb2", root) == open_folder(Path("aabb2"), root) == open_folder(Path("aab"), root)
    assert [path.name for path in find_caches(root)] == ["aaaa1", "aabb2"]
    with pytest.raises(InputError, match="several caches") as caught:
        open_folder(Path("aa"), root)
    assert "aaaa1, aabb2" in caught.value.render()
    with pytest.raises(InputError, match="no cache"):
        open_folder(Path("zz"), root)


def test_a_torn_last_line_is_left_out_and_left_alone(runs: Path) -> None:
    folder = runs / ".store" / "target-cache" / "aaaa1"
    journal = folder / "uses.jsonl"
    torn = journal.read_bytes() + b'{"unit": "half'
    journal.write_bytes(torn)
    assert len(describe_cache(folder)["uses"]) == 3
    assert journal.read_bytes() == torn


def test_the_command_shows_one_cache_or_lists_all(runs: Path, tmp_path: Path) -> None:
    run = CliRunner()
    shown = run.invoke(cli, ["targets", "show", "aaaa1", "--runs", str(runs), "--json"])
    assert json.loads(shown.output)["hits"]["found"] == 6
    text = run.invoke(cli, ["targets", "show", "aaaa1", "--runs", str(runs)]).output
    used = "train.distilled.1, teaching small: 3 of 3 sequences reused"
    for part in ("3 sequences, 15 tokens", "6 of 9 asked were there", used, "nats_per_byte"):
        assert part in text
    listed = run.invoke(cli, ["targets", "show", "--runs", str(runs)])
    assert [line.split()[0] for line in listed.output.splitlines()] == ["aaaa1", "aabb2"]
    assert len(json.loads(run.invoke(cli, ["targets", "show", "--runs", str(runs), "--json"]).output)) == 2
    empty = run.invoke(cli, ["targets", "show", "--runs", str(tmp_path / "none")])
    assert empty.exit_code == 0
    assert "no targets in" in empty.output
