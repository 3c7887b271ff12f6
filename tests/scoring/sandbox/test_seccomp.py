"""The filter of system calls: its numbers, and what it decides, against libseccomp's tables and the kernel's own rules."""

import ctypes
import ctypes.util
import errno
import struct

import pytest

from seodang.scoring.sandbox.seccomp import ARCHITECTURES, filter_program
from seodang.scoring.sandbox.syscalls import ALLOWED, JUDGED

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
OWN = 4242


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the kernel would do: an interpreter of classic BPF for the instructions of linux/bpf_common.h."""
    known = ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("=IIQ6Q", number, known, 0, *[*arguments, *[0] * 6][:6])
    program, place, value = filter_program(machine, OWN), 0, 0
    while True:
        code, yes, no, constant = program[place]
        place += 1
        match code:
            case 0x20:
                value = struct.unpack_from("=I", data, constant)[0]
            case 0x15:
                place += yes if value == constant else no
            case 0x35:
                place += yes if value >= constant else no
            case 0x45:
                place += yes if value & constant else no
            case 0x54:
                value &= constant
            case 0x06:
                return constant
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_numbers_are_those_of_libseccomp(machine: str) -> None:
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("no libseccomp here")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    for call, number in (ALLOWED[machine] | JUDGED[machine]).items():
        assert resolve(ARCHITECTURES[machine], call.encode()) == number, call
    missing = (ALLOWED["x86_64"] | JUDGED["x86_64"]).keys() - (ALLOWED[machine] | JUDGED[machine]).keys()
    assert all(resolve(ARCHITECTURES[machine], call.encode()) < 0 for call in missing)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_everything_that_is_not_listed_is_refused(machine: str) -> None:
    listed = {*ALLOWED[machine].values(), *JUDGED[machine].values()}
    for number in range(600):
        found = decide(machine, number)
        if number in ALLOWED[machine].values():
            assert found == ALLOW
        elif number not in listed:
            assert found == (ENOSYS if number >= 435 else EPERM)
    assert decide(machine, 0x40000000) == ENOSYS
    assert decide(machine, 0, architecture=0x40000003) == KILL


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_arguments_decide_about_the_rest(machine: str) -> None:
    number = JUDGED[machine]
    thread, process, new_user = 0x3D0F00, 0x1200011, 0x10000000
    assert decide(machine, number["clone"], thread) == ALLOW
    assert decide(machine, number["clone"], process) == EPERM
    assert decide(machine, number["clone"], thread | new_user) == EPERM
    for call in ("kill", "tgkill"):
        assert decide(machine, number[call], OWN, 9) == ALLOW
        for other in (1, 0, OWN + 1, 2**32 - 1, 2**64 - 1):
            assert decide(machine, number[call], other, 9) == EPERM
    assert decide(machine, number["prlimit64"], 0) == ALLOW
    assert decide(machine, number["prlimit64"], 1) == EPERM
    assert decide(machine, number["fcntl"], 3, 4) == ALLOW
    for command in (8, 10, 15):  # F_SETOWN, F_SETSIG, F_SETOWN_EX
        assert decide(machine, number["fcntl"], 3, command) == EPERM
    assert decide(machine, number["ioctl"], 0, 0x5401) == ALLOW
    assert decide(machine, number["ioctl"], 0, 0x5412) == EPERM  # TIOCSTI
    assert decide(machine, number["socketpair"], 1, 1 | 0o2000000) == ALLOW
    assert decide(machine, number["socketpair"], 1, 2) == EPERM  # datagrams carry an address
    assert decide(machine, number["socketpair"], 16, 1) == EPERM
    assert decide(machine, number["prctl"], 15) == ALLOW
    assert decide(machine, number["prctl"], 4, 1) == EPERM


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_what_reaches_other_processes_files_or_machines_is_not_listed(machine: str) -> None:
    dangerous = {
        "socket", "connect", "bind", "listen", "accept", "accept4", "sendmsg", "recvmsg", "ptrace", "process_vm_readv", "process_vm_writev",
        "execve", "execveat", "fork", "vfork", "clone3", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "bpf", "keyctl",
        "perf_event_open", "io_uring_setup", "userfaultfd", "memfd_create", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown",
        "fchownat", "utimensat", "setxattr", "link", "linkat", "mknod", "mknodat", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
        "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "shmget", "msgget", "semget", "mq_open", "setpriority", "sched_setaffinity",
        "setuid", "setresuid", "capset", "seccomp", "personality", "add_key", "open_by_handle_at", "name_to_handle_at", "splice", "swapon",
    }  # fmt: skip
    assert dangerous.isdisjoint(ALLOWED[machine] | JUDGED[machine])
