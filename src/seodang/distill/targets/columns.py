"""Columns of non-negative integers in few bytes, and back at the speed of numpy.

A value is a class (its size, with the two bits that follow its highest one) and the bits that are left. Classes are skewed and go through
Deflate, of which Huffman's code does most of the work; the rest is as good as random and is packed as bits. So a column costs little more
than its order-0 entropy, and no value is looked at by itself.
"""

import struct
import zlib

import numpy as np

_HEAD = struct.Struct("<II")  # how many values there are, and the length of their classes' bytes
_MANTISSA_BITS = 2
_STRATEGIES = (zlib.Z_HUFFMAN_ONLY, zlib.Z_DEFAULT_STRATEGY)


def pack(values: np.ndarray) -> np.ndarray:
    """Integers from 0 to 2**32 - 1, of shape (N,), as uint8."""
    values = values.astype(np.int64)
    extra = _extra_bits(values)
    classes = ((extra << _MANTISSA_BITS) + (values >> extra)).astype(np.uint8)
    streams = [_deflate(classes.tobytes(), strategy) for strategy in _STRATEGIES]
    stream = min(streams, key=len)
    content = _HEAD.pack(len(values), len(stream)) + stream + _pack_bits(values & ((1 << extra) - 1), extra)
    return np.frombuffer(content, np.uint8)


def unpack(packed: np.ndarray) -> np.ndarray:
    """The integers that were packed, (N,) int64."""
    content = packed.tobytes()
    count, length = _HEAD.unpack_from(content)
    classes = np.frombuffer(zlib.decompress(content[_HEAD.size : _HEAD.size + length]), np.uint8)
    assert len(classes) == count
    by_class = np.arange(256)
    extra_of = np.maximum((by_class >> _MANTISSA_BITS) - 1, 0)
    values = ((by_class - (extra_of << _MANTISSA_BITS)) << np.minimum(extra_of, 40))[classes]
    extra = extra_of.astype(np.uint8)[classes]
    wide = np.flatnonzero(extra)
    values[wide] |= _unpack_bits(content[_HEAD.size + length :], extra[wide])
    return values


def _extra_bits(values: np.ndarray) -> np.ndarray:
    """How many bits of each value its class leaves out."""
    lengths = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    return np.maximum(lengths - _MANTISSA_BITS - 1, 0)


def _deflate(content: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    return packer.compress(content) + packer.flush()


def _pack_bits(values: np.ndarray, widths: np.ndarray) -> bytes:
    """The low `widths` bits of each value, lowest first, one after the other."""
    starts = np.cumsum(widths) - widths
    owners = np.repeat(np.arange(len(values)), widths)
    shifts = np.arange(len(owners)) - starts[owners]
    return np.packbits(((values[owners] >> shifts) & 1).astype(np.uint8), bitorder="little").tobytes()


def _unpack_bits(content: bytes, widths: np.ndarray) -> np.ndarray:
    """The values that `_pack_bits` packed with these widths, none above 32, (N,) int64."""
    widths = widths.astype(np.int64)
    starts = np.cumsum(widths) - widths
    padded = content + bytes(8)
    windows = np.ndarray((len(padded) - 7,), "<u8", padded, 0, (1,))
    return ((windows[starts >> 3] >> (starts & 7).astype(np.uint64)) & ((1 << widths) - 1).astype(np.uint64)).astype(np.int64)
