"""A Llama checkpoint as one GGUF file: metadata, tokenizer and weights, tensor by tensor."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
import numpy.typing as npt

from seodang.backends.gguf_file import LARGEST_F16, LlamaSizes, Tensor, write_llama_file
from seodang.core.errors import ModelError
from seodang.core.files import read_json
from seodang.export.gguf_tokenizer import read_tokenizer

FileType = Literal["F16", "Q8_0"]

ARCHITECTURES = {"LlamaForCausalLM": "llama"}  # name in config.json: name in GGUF
_OWN_KEYS = {"alignment", "architecture", "file_type", "quantization_version", "type"}


def write_gguf(checkpoint: Path, output: Path, file_type: FileType, general: Mapping[str, str] | None = None) -> None:
    """Writes a Hugging Face Llama folder (safetensors, tokenizer, chat template) as GGUF; `output` is whole or absent.

    Matrices are stored as `file_type` (as F16 where a row is no multiple of 32 numbers long), vectors as F32. `general` holds texts
    for the file's `general.*` keys, without that prefix: `name`, `license` (an SPDX id), `description`, `source.url` and so on.
    Equal inputs give equal bytes. ModelError for what is not known to run unchanged in llama.cpp.
    """
    config = _read_config(checkpoint)
    sizes = _sizes(config)
    tensors = list(sizes.tensors())
    files = _find_tensors(checkpoint, tensors)
    tokenizer = read_tokenizer(checkpoint, config.vocab_size)
    texts = {"name": checkpoint.resolve().name, **(general or {})}
    if refused := sorted(key for key in texts if key in _OWN_KEYS or not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", key)):
        raise ModelError(
            f"`general.{refused[0]}` cannot be set", where=str(output), hint="use lower-case names such as name, license, source.url"
        )

    def write_metadata(writer: gguf.GGUFWriter) -> None:
        for key, text in texts.items():
            writer.add_string(f"general.{key}", text)
        sizes.write(writer, file_type)
        tokenizer.write(writer)

    write_llama_file(output, tensors, file_type, write_metadata, lambda tensor: _read(files[tensor.source], tensor))


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


def _sizes(config: Any) -> LlamaSizes:
    return LlamaSizes(
        vocabulary=config.vocab_size,
        hidden=config.hidden_size,
        inner=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_width=config.head_dim,
        context=config.max_position_embeddings,
        eps=config.rms_norm_eps,
        rope_base=config.rope_parameters["rope_theta"],
        tied=config.tie_word_embeddings,
    )


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


def _read(path: Path, tensor: Tensor) -> npt.NDArray[np.float32]:
    """One tensor, float32. ModelError where F16 cannot hold it."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as shard:
        values: npt.NDArray[np.float32] = shard.get_tensor(tensor.source).float().numpy()
    if not np.abs(values).max() <= LARGEST_F16:
        raise ModelError(
            f"{tensor.source} has a value that is no number or beyond F16's range", where=str(path), hint="the training has diverged"
        )
    return values
