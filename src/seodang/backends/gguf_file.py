"""GGUF files of the Llama layout: names of tensors, how each is stored, and the file written tensor by tensor. No torch."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import gguf
import numpy as np
import numpy.typing as npt

from seodang.core.files import storage_errors

FileType = Literal["F32", "F16", "Q8_0"]

LARGEST_F16 = 65504.0
_FILE_TYPES = {
    "F32": gguf.LlamaFileType.ALL_F32,
    "F16": gguf.LlamaFileType.MOSTLY_F16,
    "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its name in the checkpoint and in GGUF, and its shape. `heads` > 0: rows of each head change places."""

    source: str
    name: str
    shape: tuple[int, ...]
    heads: int = 0


@dataclass(frozen=True, slots=True)
class LlamaSizes:
    """What the layout of a Llama is made of. `biases` are the projections that have one, of `q`, `k`, `v` and `o`."""

    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    context: int
    eps: float
    rope_base: float
    tied: bool
    biases: tuple[str, ...] = ()

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor, by the names of Hugging Face's checkpoints and of llama.cpp."""
        yield Tensor("model.embed_tokens.weight", "token_embd.weight", (self.vocabulary, self.hidden))
        for layer in range(self.layers):
            yield from self._layer(f"model.layers.{layer}", f"blk.{layer}")
        yield Tensor("model.norm.weight", "output_norm.weight", (self.hidden,))
        if not self.tied:
            yield Tensor("lm_head.weight", "output.weight", (self.vocabulary, self.hidden))

    def _layer(self, source: str, name: str) -> Iterator[Tensor]:
        hidden, inner = self.hidden, self.inner
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        yield Tensor(f"{source}.input_layernorm.weight", f"{name}.attn_norm.weight", (hidden,))
        projections = (
            ("q", "attn_q", (queries, hidden), self.heads),
            ("k", "attn_k", (keys, hidden), self.kv_heads),
            ("v", "attn_v", (keys, hidden), 0),
            ("o", "attn_output", (hidden, queries), 0),
        )
        for role, stored, shape, heads in projections:
            yield Tensor(f"{source}.self_attn.{role}_proj.weight", f"{name}.{stored}.weight", shape, heads)
            if role in self.biases:
                yield Tensor(f"{source}.self_attn.{role}_proj.bias", f"{name}.{stored}.bias", shape[:1], heads)
        yield Tensor(f"{source}.post_attention_layernorm.weight", f"{name}.ffn_norm.weight", (hidden,))
        yield Tensor(f"{source}.mlp.gate_proj.weight", f"{name}.ffn_gate.weight", (inner, hidden))
        yield Tensor(f"{source}.mlp.up_proj.weight", f"{name}.ffn_up.weight", (inner, hidden))
        yield Tensor(f"{source}.mlp.down_proj.weight", f"{name}.ffn_down.weight", (hidden, inner))

    def write(self, writer: gguf.GGUFWriter, file_type: FileType) -> None:
        """Adds the keys of the sizes."""
        writer.add_file_type(_FILE_TYPES[file_type])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        writer.add_vocab_size(self.vocabulary)
        writer.add_context_length(self.context)
        writer.add_embedding_length(self.hidden)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(self.inner)
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.kv_heads)
        writer.add_key_length(self.head_width)
        writer.add_value_length(self.head_width)
        writer.add_layer_norm_rms_eps(self.eps)
        writer.add_rope_dimension_count(self.head_width)
        writer.add_rope_freq_base(self.rope_base)


def write_llama_file(
    output: Path,
    tensors: Sequence[Tensor],
    file_type: FileType,
    metadata: Callable[[gguf.GGUFWriter], None],
    read: Callable[[Tensor], npt.NDArray[np.float32]],
) -> None:
    """Writes `output`, whole or absent. `metadata` adds all keys, and `read` gives one tensor, float32, as the checkpoint has it.

    Matrices are stored as `file_type` (F16 in place of Q8_0 where a row is no multiple of 32 numbers long), vectors as F32. Equal inputs
    give equal bytes. StorageError where the disk does not take it.
    """
    with storage_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
        try:
            kinds = [_storage(tensor.shape, file_type) for tensor in tensors]
            with _open_writer(temporary) as writer:
                metadata(writer)
                _write_table(writer, tensors, kinds)
            with temporary.open("ab") as file:
                _write_weights(file, tensors, kinds, read)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(output)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _open_writer(path: Path) -> Generator[gguf.GGUFWriter]:
    writer = gguf.GGUFWriter(path, "llama")
    try:
        yield writer
    finally:
        writer.close()


def _write_table(writer: gguf.GGUFWriter, tensors: Sequence[Tensor], kinds: Sequence[gguf.GGMLQuantizationType]) -> None:
    """Writes all that stands before the weights."""
    for tensor, kind in zip(tensors, kinds, strict=True):
        stored = gguf.quant_shape_to_byte_shape(tensor.shape, kind)
        writer.add_tensor_info(tensor.name, stored, np.dtype(np.uint8), int(np.prod(stored)), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()


def _write_weights(
    file: BinaryIO,
    tensors: Sequence[Tensor],
    kinds: Sequence[gguf.GGMLQuantizationType],
    read: Callable[[Tensor], npt.NDArray[np.float32]],
) -> None:
    """Writes one tensor after the other, each from a multiple of the alignment on, so that only one is in memory.

    The library's own writing of tensors goes through `numpy.tofile`, which may lose the error of a full disk.
    """
    for tensor, kind in zip(tensors, kinds, strict=True):
        values = read(tensor)
        file.write(b"\0" * (-file.tell() % gguf.GGUF_DEFAULT_ALIGNMENT))
        file.write(gguf.quantize(_interleave(values, tensor.heads), kind).tobytes())
    file.write(b"\0" * (-file.tell() % gguf.GGUF_DEFAULT_ALIGNMENT))


def _storage(shape: tuple[int, ...], file_type: FileType) -> gguf.GGMLQuantizationType:
    if len(shape) == 1 or file_type == "F32":
        return gguf.GGMLQuantizationType.F32
    return gguf.GGMLQuantizationType.Q8_0 if file_type == "Q8_0" and shape[-1] % 32 == 0 else gguf.GGMLQuantizationType.F16


def _interleave(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """Rows of a query or key matrix as llama.cpp rotates them: pairs side by side, not half a head apart."""
    if not heads:
        return values
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
