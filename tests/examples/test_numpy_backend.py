"""The example backend, installed as a user would install it, is found, passes levels 0 to 3 and decodes as transformers does."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/numpy_backend"
PROMPT, NUM_TOKENS = [1, 17, 250, 3, 99, 4, 42], 64
ALLOWED = {f"seodang.backends.{name}" for name in ("contract", "graph", "description", "quantity")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the example."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--target", str(folder)]
    done = subprocess.run([sys.executable, "-m", "pip", "install", *options, str(EXAMPLE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def seen(site: Path, tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process saw that has the installed package, and not the folder in examples/, on its path."""
    (documented,) = re.findall(r"^```python\n(from pathlib.*?)^```$", (ROOT / "docs/backends.md").read_text(), re.MULTILINE | re.DOTALL)
    paths = os.pathsep.join([str(site), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(Path(__file__).with_name("use_installed.py")), str(tiny_model_dir), json.dumps(PROMPT)]
    done = subprocess.run(
        [*command, str(NUM_TOKENS), documented],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_registry_lists_it_with_its_package_and_device(seen: dict[str, Any], site: Path) -> None:
    assert (seen["origin"], seen["devices"]) == ("seodang-numpy-backend", ["cpu"])
    assert Path(seen["file"]) == site / "numpy_backend.py"


def test_nothing_fails_and_nothing_is_left_out_up_to_level_3(seen: dict[str, Any]) -> None:
    assert [row for row in seen["statuses"] if row[2] != "PASS"] == []
    assert {level for level, *_ in seen["statuses"]} == {0, 1, 2, 3}


def test_greedy_decoding_takes_the_tokens_of_transformers(seen: dict[str, Any], tiny_model_dir: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32)
    ids = torch.tensor([PROMPT])
    with torch.inference_mode():
        for _ in range(NUM_TOKENS):
            ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], dim=1)
    assert seen["tokens"] == ids[0, len(PROMPT) :].tolist()


def test_the_first_steps_of_the_documentation_run(seen: dict[str, Any]) -> None:
    assert len(seen["documented"]) == 2
    assert seen["documented"][0] == 1


def test_latent_attention_and_experts_are_refused_with_the_reason(seen: dict[str, Any]) -> None:
    assert seen["latent"]["refused"] == ["experts", "latent_attention", "router", "split"]
    assert all(seen["latent"]["reasons"])
    assert any(f"`{op}`" in seen["latent"]["told"] for op in seen["latent"]["refused"])


def test_it_has_at_most_300_lines() -> None:
    assert len((EXAMPLE / "numpy_backend.py").read_text(encoding="utf-8").splitlines()) <= 300


def test_it_imports_numpy_and_the_contract_and_nothing_else() -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse((EXAMPLE / "numpy_backend.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or ".")
    ours = {name for name in imported if name.partition(".")[0] == "seodang"}
    others = {name.partition(".")[0] for name in imported - ours} - sys.stdlib_module_names
    assert ours <= ALLOWED
    assert others == {"numpy"}
