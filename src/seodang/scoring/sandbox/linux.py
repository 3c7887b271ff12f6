"""Calls of the Linux kernel that Python does not offer, with its error as an OSError."""

import ctypes
import os
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_NUMBERS = {  # of system calls without a function in the C library
    "x86_64": {"pivot_root": 155, "capset": 126, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "seccomp": 277},
}
_SINCE_5_1 = {"mount_setattr": 442, "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446}
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

_libc: Any = None


def libc() -> Any:
    """The C library of this process."""
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    return _libc


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def system_call(name: str, *arguments: Any) -> int:
    """A system call by name: its result, or OSError."""
    number = _SINCE_5_1.get(name) or _NUMBERS[os.uname().machine][name]
    return _checked(libc().syscall(ctypes.c_long(number), *arguments), name)


def unshare(flags: int) -> None:
    """Puts this process (for CLONE_NEWPID its children) into new namespaces."""
    _checked(libc().unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    done = libc().mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None)
    _checked(done, f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Takes a mount out of the tree at once; what still uses it keeps it."""
    _checked(libc().umount2(target.encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Makes the mount `new` the root and puts the former one at `old`."""
    system_call("pivot_root", new.encode(), old.encode())


def make_read_only(target: str) -> None:
    """The mount and all below it: read-only, without devices and set-uid files. Linux 5.12."""
    asked = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV, 0, 0, 0)
    here, recursive = ctypes.c_int(_AT_FDCWD), ctypes.c_uint(_AT_RECURSIVE)
    system_call("mount_setattr", here, target.encode(), recursive, ctypes.byref(asked), ctypes.c_size_t(ctypes.sizeof(asked)))


def process_control(option: int, *values: int) -> int:
    """prctl(2) with numbers."""
    padded = [*values, *[0] * (4 - len(values))]
    return _checked(libc().prctl(ctypes.c_int(option), *map(ctypes.c_ulong, padded)), "prctl")


def drop_capabilities() -> None:
    """Gives up every capability, also those that a program could be given, and forbids that any be gained."""
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            process_control(PR_CAPBSET_DROP, capability)
        except OSError:  # the process may not, or this kernel has no such capability: no_new_privs holds in either case
            break
    process_control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    system_call("capset", ctypes.byref(header), ctypes.byref(none))
