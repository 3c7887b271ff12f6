"""Messages on a pipe: eight bytes of length, then so many bytes."""

from os import read, write

_HEAD = 8
_PIECE = 1 << 16


class Gone(Exception):
    """The other end of the pipe is closed."""


class TooLong(Exception):
    """A message of more bytes than are taken."""


def send(pipe: int, message: bytes) -> None:
    """Writes the whole message; BrokenPipeError where nobody reads."""
    rest = memoryview(len(message).to_bytes(_HEAD, "little") + message)
    while rest:
        rest = rest[write(pipe, rest[:_PIECE]) :]


def receive(pipe: int, limit: int) -> bytes:
    """The next message. Gone at the end of the pipe, also in the middle of a message; TooLong for more than `limit` bytes."""
    length = int.from_bytes(_exactly(pipe, _HEAD), "little")
    if length > limit:
        raise TooLong(f"a message of {length} bytes")
    return _exactly(pipe, length)


def read_all(pipe: int) -> bytes:
    """Everything up to the pipe's end."""
    return b"".join(iter(lambda: read(pipe, _PIECE), b""))


def _exactly(pipe: int, size: int) -> bytes:
    parts, missing = list[bytes](), size
    while missing:
        part = read(pipe, min(missing, _PIECE))
        if not part:
            raise Gone
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
