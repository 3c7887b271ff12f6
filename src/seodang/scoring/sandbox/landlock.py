"""Landlock: files out of reach without namespaces, which containers often refuse. Linux 6.2 (Landlock's third version) or newer.

What stat tells of a file outside (that it exists, its size and times) stays visible; its content does not, nor the names in a folder.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress

from seodang.scoring.sandbox.linux import PR_SET_NO_NEW_PRIVS, process_control, system_call

_VERSION_ASKED = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE, _MAKE_SYMLINK = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_ALL_FILES = {3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}  # by version: 5 adds ioctl on devices
_ALL_NETWORK = 3  # version 4: bind and connect of TCP
_ALL_SCOPES = 3  # version 6: abstract UNIX sockets and signals

_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE | _MAKE_SYMLINK | _REFER | _TRUNCATE


def landlock_version() -> int:
    """The version of Landlock in this kernel; 0 without."""
    try:
        return system_call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_ASKED))
    except (OSError, KeyError):
        return 0


def restrict_files(readable: Iterable[str], writable: Iterable[str], devices: Iterable[str] = ()) -> None:
    """From now on this process opens nothing but files below `readable`, and below `writable` to write too. OSError where it fails.

    `devices` are single files that may be read and written.
    """
    version = landlock_version()
    if version < 3:
        raise OSError(f"Landlock of version {version}: version 3 is needed")
    asked = struct.pack("=QQQ", _ALL_FILES[min(version, 5)], _ALL_NETWORK * (version >= 4), _ALL_SCOPES * (version >= 6))
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = system_call("landlock_create_ruleset", ctypes.create_string_buffer(asked, 24), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, rights in [*((path, _READ) for path in readable), *((path, _WRITE) for path in writable)]:
            _allow(ruleset, path, rights)
        for path in devices:
            with suppress(FileNotFoundError):
                _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
        process_control(PR_SET_NO_NEW_PRIVS, 1)
        system_call("landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place), 12)
        system_call("landlock_add_rule", ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(place)
