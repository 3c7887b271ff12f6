"""A filter of system calls (seccomp-bpf): what is not on the list is refused, for this process and for good.

No process can be started, no socket opened, no other process signalled, traced or changed, nothing mounted, no owner or mode of a file
changed. Threads, files, pipes and time work as ever.
"""

import ctypes
import errno
import os
import struct

from seodang.scoring.sandbox.linux import PR_SET_NO_NEW_PRIVS, process_control, system_call
from seodang.scoring.sandbox.syscalls import ALLOWED, JUDGED

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH of linux/audit.h

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE, _UNKNOWN = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data; arguments follow from 16 on, 8 bytes each, the low half first
_FIRST_NEW = 435  # clone3: from here on numbers are the same everywhere, and libraries do without a call that the kernel lacks
_OTHER_ABI = 0x40000000  # x32 numbers

_CLONE_THREAD, _CLONE_NEW = 0x10000, 0x7E020000 | 0x80
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE = 1, 1, 0xF
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1031, 1032)  # F_DUPFD to F_SETLKW, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ: none that signals
_IOCTL = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_PR_SET_NAME, _PR_SET_VMA = 15, 0x53564D41

_Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def _argument(index: int) -> _Instruction:
    return (_LOAD, 0, 0, 16 + 8 * index)


def _one_of(values: tuple[int, ...]) -> list[_Instruction]:
    """Allows where the loaded number is one of the values, and refuses otherwise."""
    found = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [*found, (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]


def _judged(own: int) -> dict[str, list[_Instruction]]:
    """What decides about the calls that depend on their arguments; `own` is the id of the process."""
    refused, allowed = (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)
    return {
        "clone": [_argument(0), (_ANY_BIT, 2, 0, _CLONE_NEW), (_ANY_BIT, 0, 1, _CLONE_THREAD), allowed, refused],
        "kill": [_argument(0), *_one_of((own,))],
        "tgkill": [_argument(0), *_one_of((own,))],
        "fcntl": [_argument(1), *_one_of(_FCNTL)],
        "ioctl": [_argument(1), *_one_of(_IOCTL)],
        "prctl": [_argument(0), *_one_of((_PR_SET_NAME, _PR_SET_VMA))],
        "prlimit64": [_argument(0), *_one_of((0, own))],
        "socketpair": [
            _argument(0), (_EQUAL, 0, 4, _AF_UNIX), _argument(1), (_AND, 0, 0, _SOCK_TYPE), (_EQUAL, 0, 1, _SOCK_STREAM), allowed, refused,
        ],
    }  # fmt: skip


def filter_program(machine: str, own: int) -> list[_Instruction]:
    """The filter for a machine of that name ("x86_64") and the process with the id `own`."""
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, _UNKNOWN),
    ]
    decides = _judged(own)
    for name, number in JUDGED[machine].items():
        program += [(_EQUAL, 0, len(decides[name]), number), *decides[name]]
    for number in ALLOWED[machine].values():
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    return [*program, (_AT_LEAST, 0, 1, _FIRST_NEW), (_RETURN, 0, 0, _UNKNOWN), (_RETURN, 0, 0, _REFUSE)]


def restrict_system_calls() -> None:
    """Sets the filter for this process. OSError where the kernel has none, KeyError on an architecture without a list."""
    program = filter_program(os.uname().machine, os.getpid())
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    instructions = ctypes.create_string_buffer(packed, len(packed))
    whole = struct.pack("@HP", len(program), ctypes.addressof(instructions))
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    system_call("seccomp", ctypes.c_uint(1), ctypes.c_uint(0), ctypes.create_string_buffer(whole, len(whole)))
