"""A Llama checkpoint as one GGUF file: metadata, tokenizer and weights, tensor by tensor."""

import os
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import gguf
import numpy as np
import numpy.typing as npt

from seodang.core.errors import ModelError
from seodang.core.files import read_json, storage_errors
from seodang.export.gguf_tokenizer import read_tokenizer

FileType = Literal["F16", "Q8_0"]

ARCHITECTURES = {"LlamaForCausalLM": "llama"}  # name in config.json: name in GGUF
_FILE_TYPES = {"F16": gguf.LlamaFileType.MOSTLY_F16, "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}
_LARGEST_F16 = 65504.0
_OWN_KEYS = {"alignment", "architecture", "file_type", "quantization_version", "type"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its name in the checkpoint and in GGUF, and its shape. `heads` > 0: rows of each head change places."""

    source: str
    name: str
    shape: tuple[int, ...]
    heads: int = 0


def write_gguf(checkpoint: Path, output: Path, file_type: FileType, general: Mapping[str, str] | None = None) -> None:
    """Writes a Hugging Face Llama folder (safetensors, tokenizer, chat template) as GGUF; `output` is whole or absent.

    Matrices are stored as `file_type` (as F16 where a row is no multiple of 32 numbers long), vectors as F32. `general` holds texts
    for the file's `general.*` keys, without that prefix: `name`, `license` (an SPDX id), `description`, `source.url` and so on.
    Equal inputs give equal bytes. ModelError for what is not known to run unchanged in llama.cpp.
    """
    config = _read_config(checkpoint)
    tensors = list(_tensors(config))
    files = _find_tensors(checkpoint, tensors)
    tokenizer = read_tokenizer(checkpoint, config.vocab_size)
    texts = {"name": checkpoint.resolve().name, **(general or {})}
    if refused := sorted(key for key in texts if key in _OWN_KEYS or not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", key)):
        raise ModelError(
            f"`general.{refused[0]}` cannot be set", where=str(output), hint="use lower-case names such as name, license, source.url"
        )
    with storage_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
        try:
            kinds = [_storage(tensor.shape, file_type) for tensor in tensors]
            with _open_writer(temporary) as writer:
                for key, text in texts.items():
                    writer.add_string(f"general.{key}", text)
                _write_config(writer, config, file_type)
                tokenizer.write(writer)
                _write_table(writer, tensors, kinds)
            with temporary.open("ab") as file:
                _write_weights(file, tensors, kinds, files)
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


def _read_config(checkpoint: Path) -> Any:
    from transformers import AutoConfig

    where = str(checkpoint)
    if not (checkpoint / "config.json").is_file():
        raise ModelError(
            "no model here (config.json is missing)",
            where=where,
            hint="name a Hugging Face model folder; merge an adapter into its model first",
        )
    names = read_json(checkpoint / "config.json").get("architectures") or ["none named"]
    if names[0] not in ARCHITECTURES:
        raise ModelError(f"the architecture {names[0]} cannot be written as GGUF", where=where, hint=f"known: {', '.join(ARCHITECTURES)}")
    try:
        config: Any = AutoConfig.from_pretrained(checkpoint, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"its config.json cannot be used: {str(error).splitlines()[0]}", where=where, hint="write the checkpoint again"
        ) from error
    rope: dict[str, Any] = config.rope_parameters
    faults = {
        f"positions scaled by `{rope['rope_type']}` (only `default` is known)": rope["rope_type"] != "default",
        f"the activation `{config.hidden_act}` (only `silu` is known)": config.hidden_act != "silu",
        "quantised weights": getattr(config, "quantization_config", None) is not None,
    }
    if found := [fault for fault, present in faults.items() if present]:
        raise ModelError(f"the model has {'; '.join(found)}", where=where, hint="export a plain Llama checkpoint")
    return config


def _tensors(config: Any) -> Iterator[Tensor]:
    hidden, inner = config.hidden_size, config.intermediate_size
    queries, keys = config.num_attention_heads, config.num_key_value_heads
    dim = config.head_dim
    yield Tensor("model.embed_tokens.weight", "token_embd.weight", (config.vocab_size, hidden))
    for layer in range(config.num_hidden_layers):
        source, name = f"model.layers.{layer}", f"blk.{layer}"
        yield Tensor(f"{source}.input_layernorm.weight", f"{name}.attn_norm.weight", (hidden,))
        yield Tensor(f"{source}.self_attn.q_proj.weight", f"{name}.attn_q.weight", (queries * dim, hidden), heads=queries)
        yield Tensor(f"{source}.self_attn.k_proj.weight", f"{name}.attn_k.weight", (keys * dim, hidden), heads=keys)
        yield Tensor(f"{source}.self_attn.v_proj.weight", f"{name}.attn_v.weight", (keys * dim, hidden))
        yield Tensor(f"{source}.self_attn.o_proj.weight", f"{name}.attn_output.weight", (hidden, queries * dim))
        yield Tensor(f"{source}.post_attention_layernorm.weight", f"{name}.ffn_norm.weight", (hidden,))
        yield Tensor(f"{source}.mlp.gate_proj.weight", f"{name}.ffn_gate.weight", (inner, hidden))
        yield Tensor(f"{source}.mlp.up_proj.weight", f"{name}.ffn_up.weight", (inner, hidden))
        yield Tensor(f"{source}.mlp.down_proj.weight", f"{name}.ffn_down.weight", (hidden, inner))
    yield Tensor("model.norm.weight", "output_norm.weight", (hidden,))
    if not config.tie_word_embeddings:
        yield Tensor("lm_head.weight", "output.weight", (config.vocab_size, hidden))


def _find_tensors(checkpoint: Path, tensors: list[Tensor]) -> dict[str, Path]:
    """The file of each tensor. ModelError where one is missing, has another shape, or is left over."""
    from safetensors import SafetensorError, safe_open

    files: dict[str, Path] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(checkpoint.glob("model*.safetensors")):
        try:
            with safe_open(path, framework="pt") as shard:
                for name in shard.keys():  # noqa: SIM118 - a shard is no mapping
                    files[name] = path
                    shapes[name] = tuple(shard.get_slice(name).get_shape())
        except SafetensorError as error:
            raise ModelError(f"not a whole safetensors file ({error})", where=str(path), hint="write the checkpoint again") from error
    wanted = {tensor.source for tensor in tensors}
    if missing := sorted(wanted - files.keys()):
        raise ModelError(
            f"{len(missing)} tensors are missing, the first is {missing[0]}",
            where=str(checkpoint),
            hint="model*.safetensors must hold all weights",
        )
    # A tied head is the embedding once more; rotary frequencies are computed, not read.
    if unused := sorted(name for name in files.keys() - wanted if name != "lm_head.weight" and not name.endswith("rotary_emb.inv_freq")):
        raise ModelError(
            f"{len(unused)} tensors are not part of a plain Llama, the first is {unused[0]}",
            where=str(checkpoint),
            hint="biases and adapters are not written",
        )
    for tensor in tensors:
        if shapes[tensor.source] != tensor.shape:
            raise ModelError(
                f"{tensor.source} has shape {shapes[tensor.source]}, config.json says {tensor.shape}",
                where=str(checkpoint),
                hint="use the config of these weights",
            )
    return {name: files[name] for name in wanted}


def _write_config(writer: gguf.GGUFWriter, config: Any, file_type: FileType) -> None:
    writer.add_file_type(_FILE_TYPES[file_type])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])


def _write_table(writer: gguf.GGUFWriter, tensors: list[Tensor], kinds: list[gguf.GGMLQuantizationType]) -> None:
    """Writes all that stands before the weights."""
    for tensor, kind in zip(tensors, kinds, strict=True):
        stored = gguf.quant_shape_to_byte_shape(tensor.shape, kind)
        writer.add_tensor_info(tensor.name, stored, np.dtype(np.uint8), int(np.prod(stored)), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()


def _write_weights(file: BinaryIO, tensors: list[Tensor], kinds: list[gguf.GGMLQuantizationType], files: dict[str, Path]) -> None:
    """Writes one tensor after the other, each from a multiple of the alignment on, so that only one is in memory.

    The library's own writing of tensors goes through `numpy.tofile`, which may lose the error of a full disk.
    """
    from safetensors import safe_open

    for tensor, kind in zip(tensors, kinds, strict=True):
        with safe_open(files[tensor.source], framework="pt") as shard:
            values: npt.NDArray[np.float32] = shard.get_tensor(tensor.source).float().numpy()
        if not np.abs(values).max() <= _LARGEST_F16:
            raise ModelError(
                f"{tensor.source} has a value that is no number or beyond F16's range",
                where=str(files[tensor.source]),
                hint="the training has diverged",
            )
        file.write(b"\0" * (-file.tell() % gguf.GGUF_DEFAULT_ALIGNMENT))
        file.write(gguf.quantize(_interleave(values, tensor.heads), kind).tobytes())
    file.write(b"\0" * (-file.tell() % gguf.GGUF_DEFAULT_ALIGNMENT))


def _storage(shape: tuple[int, ...], file_type: FileType) -> gguf.GGMLQuantizationType:
    if len(shape) == 1:
        return gguf.GGMLQuantizationType.F32
    return gguf.GGMLQuantizationType.Q8_0 if file_type == "Q8_0" and shape[-1] % 32 == 0 else gguf.GGMLQuantizationType.F16


def _interleave(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """Rows of a query or key matrix as llama.cpp rotates them: pairs side by side, not half a head apart."""
    if not heads:
        return values
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
