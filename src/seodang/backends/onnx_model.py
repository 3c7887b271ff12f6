"""A graph, or one node of it, as the bytes of an ONNX file. Equal inputs give equal bytes. Needs the package `onnx`, and no runtime."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seodang.backends.contract import DeviceAbsent
from seodang.backends.graph import Graph, Node, Shape
from seodang.backends.onnx_operators import OPERATIONS, STEP_INPUTS, Builder

OPSET, IR = 21, 10
FINGERPRINT = "seodang.fingerprint"  # the file's property that says which program it is
_LOCATION = "given at load"  # of weights, in place of a file's name

Inputs = Mapping[str, tuple[str, tuple[int | str, ...]]]  # type and axes; letters are axes of any length


def graph_model(graph: Graph, context: int, fingerprint: str) -> bytes:
    """The whole model for at most `context` positions. Inputs are `ids` (T,), those of a step and the caches of the layers; outputs are
    `logits` (B, V) and what each layer's cache gets."""
    return build_model(graph.nodes, graph.tensors, {"ids": ("int64", ("T",))}, "logits", context, {FINGERPRINT: fingerprint})


def build_model(
    nodes: Sequence[Node], tensors: Mapping[str, Shape], inputs: Inputs, output: str, context: int, properties: Mapping[str, str]
) -> bytes:
    """Nodes as one model; `inputs` are values that no node writes, besides those of a step. DeviceAbsent where `onnx` is not installed."""
    onnx = _onnx()
    to = Builder(context)
    for node in nodes:
        OPERATIONS[node.op](to, node, node.inputs, node.weights)
    caches = {f"past.{layer}": ("float32", ("B", "P", width)) for layer, width in to.caches.items()}
    used = {name for made in to.nodes for name in made.inputs}
    given = {name: told for name, told in {**inputs, **STEP_INPUTS, **caches}.items() if name in used}
    outputs: dict[str, tuple[str, tuple[int | str, ...]]] = {output: ("float32", ("R", "W"))}
    outputs |= {f"new.{layer}": ("float32", ("T", width)) for layer, width in to.caches.items()}
    made = onnx.helper.make_graph(
        [
            onnx.helper.make_node(node.op, node.inputs, node.outputs, name=f"{node.op}.{node.outputs[0]}", **node.attributes)
            for node in to.nodes
        ],
        "seodang",
        [_value(onnx, name, *told) for name, told in given.items()],
        [_value(onnx, name, *told) for name, told in outputs.items()],
        [
            *(onnx.numpy_helper.from_array(values, name) for name, values in to.constants.items()),
            *(_external(onnx, name, shape) for name, shape in tensors.items()),
        ],
    )
    model = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="seodang", producer_version=""
    )
    onnx.helper.set_model_props(model, dict(properties))
    return model.SerializeToString(deterministic=True)


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise DeviceAbsent(f"the package onnx is not installed ({error})", where="onnx_cpu", hint="pip install 'seodang[edge]'") from error
    return onnx


def _value(onnx: Any, name: str, dtype: str, shape: tuple[int | str, ...]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def _external(onnx: Any, name: str, shape: Shape) -> Any:
    """A float32 tensor without values."""
    tensor = onnx.TensorProto(name=name, dims=shape, data_type=onnx.TensorProto.FLOAT, data_location=onnx.TensorProto.EXTERNAL)
    for key, value in {"location": _LOCATION, "offset": "0", "length": str(4 * int(np.prod(shape)))}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor
