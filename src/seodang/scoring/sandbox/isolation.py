"""Which isolation is in force: what a job was found unable to reach, in words, and the refusal where that is not enough."""

from collections.abc import Mapping
from dataclasses import dataclass

from seodang.core.errors import SeodangError

_ESCAPES = {
    "read_file": "files outside can be read",
    "write_file": "files outside can be written",
    "connect": "the network can be reached",
    "unix_socket": "sockets of this machine can be reached",
    "start_process": "processes can be started",
    "signal_process": "other processes can be signalled",
    "see_processes": "other processes can be seen",
}
_NEEDED = {"write_scratch": "the scratch folder cannot be written", "import_library": "Python's library cannot be imported"}
_HOW = {
    "namespaces": "namespaces of its own (files, processes, network, messages), a user id of its own, a filter of system calls",
    "user_namespaces": "user namespace with its own files, processes, network and messages, a filter of system calls",
    "landlock": "Landlock for files, a filter of system calls for network and processes",
    "weak": "limits only",
}


class IsolationError(SeodangError):
    """Untrusted code that is not run, because it could not be isolated."""

    exit_code = 12


@dataclass(frozen=True, slots=True)
class Isolation:
    """The confinement by name, and what a process in it found it could do (`probe.find_out`)."""

    confinement: str
    could: Mapping[str, bool]

    @property
    def faults(self) -> list[str]:
        """What speaks against running untrusted code, empty where nothing does."""
        reached = [words for name, words in _ESCAPES.items() if self.could.get(name, True)]
        return reached + [words for name, words in _NEEDED.items() if not self.could.get(name, False)]

    @property
    def is_strong(self) -> bool:
        return not self.faults

    def lines(self) -> list[str]:
        """The isolation in force, a line a matter, each from an attempt that was made in it."""
        tried = [f"  {'NOT ISOLATED' if self.could.get(name, True) else 'refused'}: {_ATTEMPTS[name]}" for name in _ESCAPES]
        return [f"sandbox: {self.confinement}: {_HOW[self.confinement]}", *tried]


_ATTEMPTS = {
    "read_file": "reading a file outside",
    "write_file": "writing a file outside",
    "connect": "connecting to a server on loopback",
    "unix_socket": "connecting to a socket in a folder",
    "start_process": "starting a process",
    "signal_process": "signalling the caller",
    "see_processes": "reading of the caller in /proc",
}
