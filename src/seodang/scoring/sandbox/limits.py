"""How much a process in the sandbox may use, and how that is set."""

import resource
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may use. A candidate and its judge have these limits each; the wall clock runs for both together."""

    cpu_s: int = 10  # seconds of processor time, of all its threads together
    wall_s: float = 30.0  # seconds by the clock
    memory_bytes: int = 512 * MIB  # address space beyond what the interpreter has at the start
    threads: int = 32  # threads at once; other processes cannot be started
    files: int = 64  # open files at once
    scratch_bytes: int = 16 * MIB  # all files of the scratch folder together
    scratch_files: int = 256
    output_bytes: int = 4 * MIB  # what a program may print, and what one call may return


def apply_limits(limits: Limits, base_bytes: int) -> None:
    """Sets the resource limits of this process, hard ones, so that they cannot be raised again.

    `base_bytes` is the address space that the interpreter has already.
    """
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_AS: base_bytes + limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.scratch_bytes,
        resource.RLIMIT_NOFILE: limits.files,
        resource.RLIMIT_NPROC: limits.threads,
    }
    for name, value in wanted.items():
        hard = resource.getrlimit(name)[1]
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (lowest, lowest))
