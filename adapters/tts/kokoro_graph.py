"""Kokoro's exported graph, cut in two by its structure, for the names of its tensors are the exporter's and change.

    tokens, style, speed --> DURATIONS --> frames of each phoneme
    tokens, style, frames of each phoneme --> SOUND --> samples

The cut is at what the graph's only Round puts out, once it is at least one frame each. The text is encoded in both
parts, which costs a thirtieth; what lies between them is ours to set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.base import AdapterError

INPUTS = ("tokens", "style", "speed")


def cut(path: Path) -> tuple[bytes, bytes, str]:
    """DURATIONS, SOUND, and the name by which SOUND takes what DURATIONS puts out. Raises AdapterError."""
    model = _load(path)
    graph = model.graph
    rounds = [node for node in graph.node if node.op_type == "Round"]
    readers = [node for node in graph.node if rounds and rounds[0].output[0] in node.input]
    if len(rounds) != 1 or len(readers) != 1 or tuple(value.name for value in graph.input) != INPUTS:
        line = f"{path} is no export of kokoro that is known here; correct its path, or leave it out"
        raise AdapterError("unsupported", line)
    name = str(readers[0].output[0])
    return _part(model, _floats(name), None), _part(model, graph.output[0], _floats(name)), name


def _part(whole: Any, wanted: Any, given: Any | None) -> bytes:
    """What `wanted` needs, where `given` is an input; both are descriptions of tensors."""
    import onnx

    part = onnx.ModelProto()
    part.CopyFrom(whole)
    graph, needed, nodes = part.graph, {wanted.name}, []
    ready = given.name if given is not None else ""
    for node in reversed(whole.graph.node):  # they stand in the order in which they run
        if needed.difference((ready,)).intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    inputs = [value for value in whole.graph.input if value.name in needed] + ([given] if given is not None else [])
    weights = [weight for weight in whole.graph.initializer if weight.name in needed]
    for field, kept in (
        (graph.node, nodes[::-1]), (graph.input, inputs), (graph.initializer, weights), (graph.output, [wanted]),
    ):  # fmt: skip
        del field[:]
        field.extend(kept)
    return bytes(part.SerializeToString())


def _floats(name: str) -> Any:
    import onnx

    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)


def _load(path: Path) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        line = "tts.adapter kokoro needs onnx to read its durations: pip install 'duckbill[kokoro]'"
        raise AdapterError("missing", line) from error
    try:
        return onnx.load(str(path))
    except DecodeError as error:
        raise AdapterError("corrupt", f"{path} is damaged; run: duckbill models fetch") from error
