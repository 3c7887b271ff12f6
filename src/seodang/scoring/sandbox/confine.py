"""The confinements, from the strongest on: what the zygote does to itself, and what each job does before anything untrusted runs."""

import os
import signal
import sys

from seodang.scoring.sandbox import landlock, linux, namespaces, seccomp
from seodang.scoring.sandbox.scratch import Scratch

CONFINEMENTS = ("namespaces", "user_namespaces", "landlock")
WEAK = "weak"  # limits, and a filter of system calls where there is one: no isolation

_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


def library_folders() -> list[str]:
    """The folders that Python's own library is imported from, without those inside another."""
    folders = sorted({os.path.realpath(entry) for entry in sys.path if os.path.isdir(entry)})  # noqa: PTH112
    return [folder for folder in folders if not any(folder.startswith(f"{other}/") for other in folders)]


def enter(confinement: str, base: str) -> None:
    """Confines the zygote. For namespaces the caller goes on as the first process of a new one. OSError where the system refuses."""
    if confinement not in ("namespaces", "user_namespaces"):
        return
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("1000")  # where memory runs out, this goes first
    if confinement == "user_namespaces":
        namespaces.enter_user_namespace()
    namespaces.shut_in(library_folders(), base)
    first = os.fork()
    if first:
        os.closerange(0, 1 << 16)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)
    sys.path_importer_cache.clear()


def die_with_parent() -> None:
    """This process is killed when its parent ends."""
    linux.process_control(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


def seal(confinement: str, scratch: Scratch) -> None:
    """What a job gives up before it begins. Raises where a confinement does not hold; a weak one takes what it can get."""
    if confinement == "namespaces":
        namespaces.become(scratch.owner)
    die_with_parent()
    try:
        linux.drop_capabilities()
        if confinement == "landlock":
            landlock.restrict_files(library_folders(), [scratch.folder], _DEVICES)
        seccomp.restrict_system_calls()
    except (OSError, KeyError):
        if confinement != WEAK:
            raise
