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
# Of every class that a value below 2**32 can have: how many bits it leaves out, their mask, and its smallest value.
_CLASSES = np.arange(4 * 31)
_EXTRA = np.maximum((_CLASSES >> _MANTISSA_BITS) - 1, 0).astype(np.uint8)
_MASK = (1 << _EXTRA.astype(np.int64)) - 1
_BASE = (_CLASSES - (_EXTRA.astype(np.int64) << _MANTISSA_BITS)) << _EXTRA


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
    extra = np.take(_EXTRA, classes)
    ends = np.cumsum(extra, dtype=np.int64)
    if not count or not ends[-1]:
        return np.take(_BASE, classes)
    starts = ends - extra
    dtype = np.dtype("<u4") if int(extra.max()) <= 25 else np.dtype("<u8")  # holds a value's bits and those before them in its first byte
    padded = content[_HEAD.size + length :] + bytes(8)
    # From every byte on, copied once: numpy reads what is not aligned slowly.
    windows = np.ndarray((len(padded) - 7,), dtype, padded, 0, (1,)).copy()
    values = windows[starts >> 3]
    values >>= (starts & 7).astype(dtype)
    values &= np.take(_MASK.astype(dtype), classes)
    return np.take(_BASE, classes) + values


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
