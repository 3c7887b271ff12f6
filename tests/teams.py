"""Processes that work together, forked from one that has its libraries loaded: each starts as `torchrun` starts its processes."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def load_libraries(model: Path) -> None:
    """Loads once, before teams are forked, what each of their processes would load on the way to training `model`."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    for name in ("tensorboardX", "torch.distributed.fsdp", "torch.distributed.tensor"):
        importlib.import_module(name)
    logging.set_verbosity_error()
    logging.disable_progress_bar()  # which has a thread of its own
    torch.set_num_threads(1)
    AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    for thread in threading.enumerate():  # those that read the weights end by themselves
        if thread is not threading.main_thread():
            thread.join(timeout=20)
    assert threading.active_count() == 1, "a forked process would lack the other threads"


def run_team(size: int, work: Callable[[], None]) -> None:
    """Does `work` in each of `size` processes, to the end of all; AssertionError where one fails, which ends the others.

    To be called before this process has a thread or a child.
    """
    with socket.socket() as held:  # a port that nobody else is given, and on which the first process may still listen
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        team = {"WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1"}
        team["MASTER_PORT"] = str(held.getsockname()[1])
        left = {_started({"RANK": str(rank), **team}, work) for rank in range(size)}
        failed = 0
        while left:
            child, status = os.wait()
            left.discard(child)
            if status != 0 and not failed:
                failed = status
                for other in left:
                    os.kill(other, signal.SIGKILL)
    assert not failed


def _started(environment: dict[str, str], work: Callable[[], None]) -> int:
    child = os.fork()
    if child != 0:
        return child
    os.environ.update(environment)
    done = False
    try:
        work()
        done = True
    finally:
        if not done:
            traceback.print_exc()
        os._exit(0 if done else 1)


def run_script(script: str, *arguments: str | Path, told: str = "") -> None:
    """Runs Python in a process of its own, whose imports may be the package's, the benchmarks' and those beside this module.

    AssertionError, with the end of what it said, where it fails.
    """
    folders = [str(_ROOT / name) for name in ("src", "tests", "benchmarks")]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        input=told,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
