"""Each confinement holds, is said as it is, and untrusted code is refused where none does."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from seodang.scoring.sandbox import run
from seodang.scoring.sandbox.host import Sandbox
from seodang.scoring.sandbox.isolation import Isolation, IsolationError
from seodang.scoring.sandbox.limits import Limits
from seodang.scoring.sandbox.run import isolation_lines, judge_candidate, open_sandbox, run_program

JOB = {"tests": "assert f(2) == 4", "entry_point": "f", "prompt": "", "cases": "", "in_place": False, "tolerance": 0.0}
LONG = Limits(cpu_s=20, wall_s=60.0)

# A candidate's look around; what it finds is printed and compared here.
LOOK = """
import os, socket
print(sorted(os.environ), os.listdir('.'), os.path.basename(os.getcwd()) != '')
for place in ('/', '/etc', '/home', '/root', '/tmp', '/proc', '..'):
    try: print(place, sorted(os.listdir(place)))
    except OSError as fault: print(place, 'refused')
def is_open(number):
    try: return bool(os.fstat(number))
    except OSError: return False
print([number for number in range(64) if is_open(number)])
"""


def mentioning(text: str) -> list[int]:
    """The processes whose command line holds a text."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                known = entry.joinpath("cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            found += [int(entry.name)] * (text in known)
    return found


def test_no_way_out_was_found_and_the_lines_say_so(confined: Sandbox) -> None:
    assert confined.isolation.faults == []
    lines = confined.isolation.lines()
    assert lines[0].startswith(f"sandbox: {confined.isolation.confinement}: ")
    assert len(lines) == 8
    assert all(line.startswith("  refused: ") for line in lines[1:])


def test_environment_and_scratch_are_empty_and_no_folder_outside_is_seen(confined: Sandbox) -> None:
    first, *places, descriptors = run_program(confined, LOOK, "", LONG).output.decode().splitlines()
    assert first == "[] [] True"
    assert descriptors == "[0, 1, 2]"
    seen = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in places}
    if confined.isolation.confinement == "landlock":
        assert set(seen.values()) == {"refused"}
    else:
        top = eval(seen["/"])
        assert {"etc", "proc", "sys", "run", "var"}.isdisjoint(top)
        assert {"dev", "scratch"} <= set(top)
        assert all(seen[place] == "refused" for place in ("/etc", "/proc"))


def test_scratch_is_writable_and_new_for_each_job(confined: Sandbox) -> None:
    code = "import os\nprint(os.listdir())\nopen('a', 'w').write('x')\nos.mkdir('b'); os.rename('a', 'b/c')\nprint(open('b/c').read())"
    for _ in range(2):
        assert run_program(confined, code, "", LONG).output == b"[]\nx\n"


def test_the_library_is_read_only_and_other_packages_are_not_there(confined: Sandbox) -> None:
    code = """
import os
def tried(what):
    try: what()
    except (OSError, ImportError): return 'refused'
    return 'done'
def add():
    os.mkdir(os.path.dirname(os.__file__) + '/added')
    os.rmdir(os.path.dirname(os.__file__) + '/added')
print(tried(lambda: os.open(os.__file__, os.O_WRONLY)), tried(add), tried(lambda: __import__('pytest')))
import colorsys, wave, statistics
"""
    done = run_program(confined, code, "", LONG)
    assert (done.output, done.ended) == (b"refused refused refused\n", "")


def test_a_finding_of_the_probe_is_a_fault() -> None:
    held = {"write_scratch": True, "import_library": True}
    reached = ("read_file", "write_file", "connect", "unix_socket", "start_process", "signal_process", "see_processes")
    assert Isolation("landlock", dict.fromkeys(reached, False) | held).is_strong
    for name in reached:
        weak = Isolation("landlock", dict.fromkeys(reached, False) | held | {name: True})
        assert not weak.is_strong
        assert sum("NOT ISOLATED" in line for line in weak.lines()) == 1
    assert not Isolation("landlock", {}).is_strong
    assert not Isolation("landlock", dict.fromkeys(reached, False) | {"write_scratch": True}).is_strong


def test_without_isolation_code_is_refused_unless_that_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CONFINEMENTS", ())
    with pytest.raises(IsolationError, match="cannot be isolated") as refused:
        open_sandbox()
    assert "accept_weak_isolation" in refused.value.render()
    with closing(open_sandbox(accept_weak_isolation=True)) as sandbox:
        assert "files outside can be read" in sandbox.isolation.faults
        assert any("NOT ISOLATED: reading a file outside" in line for line in sandbox.isolation.lines())
        assert judge_candidate(sandbox, "def f(x): return x * x", JOB, LONG).outcome == "pass"


def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.sys, "platform", "darwin")
    with pytest.raises(IsolationError, match="darwin"):
        open_sandbox(accept_weak_isolation=True)


def test_a_confinement_that_does_not_hold_is_not_used(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setattr(run, "CONFINEMENTS", ("weak",))
    with pytest.raises(IsolationError, match="files outside can be read"):
        open_sandbox()


def test_the_lines_of_this_machine_can_be_printed(sandbox: Sandbox) -> None:
    assert isolation_lines() == sandbox.isolation.lines()


def test_namespaces_are_others_than_the_caller_s(confined: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if confined.isolation.confinement == "landlock":
        pytest.skip("it has none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Sandbox(confined.isolation.confinement):
        (base,) = tmp_path.iterdir()
        zygotes = mentioning(str(base))
        for kind in ("net", "mnt", "pid", "ipc", "uts", "cgroup"):
            others = {Path(f"/proc/{zygote}/ns/{kind}").readlink() for zygote in zygotes}
            assert others - {Path(f"/proc/self/ns/{kind}").readlink()}, kind


def test_nothing_is_left_when_it_ends(confined: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Sandbox(confined.isolation.confinement) as one:
        (base,) = tmp_path.iterdir()
        job = one.start("candidate", LONG, [os.open("/dev/null", os.O_RDWR) for _ in range(3)])
        assert job.ending().status == 0
        assert mentioning(str(base))
    assert list(tmp_path.iterdir()) == []
    assert mentioning(str(base)) == []


CALLER = """
import os, sys, tempfile
from seodang.scoring.sandbox.host import Sandbox
from seodang.scoring.sandbox.limits import Limits
tempfile.tempdir = sys.argv[2]
with Sandbox(sys.argv[1]) as sandbox:
    read, write = os.pipe()
    os.write(write, b"print('runs', flush=True)\\nwhile True: pass")
    os.close(write)
    job = sandbox.start("program", Limits(wall_s=100), [read, os.open('/dev/null', 0), os.dup(1), os.dup(1)])
    job.ending()
"""


def test_a_killed_caller_takes_every_process_along(confined: Sandbox, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, confined.isolation.confinement, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    )
    with caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"runs\n"
        handles = [os.pidfd_open(process) for process in mentioning(str(tmp_path)) if process != caller.pid]
        assert len(handles) >= 3
        os.kill(caller.pid, signal.SIGKILL)
        for handle in handles:
            assert select.select([handle], [], [], 20)[0], "a process outlives its caller"
            os.close(handle)


def test_code_that_could_not_be_confined_is_not_run(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    with pytest.raises(IsolationError, match="could not be confined"):
        judge_candidate(sandbox, "def f(x): return x * x", JOB, Limits(files=-5))
