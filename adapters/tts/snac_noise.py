"""SNAC's own noise, taken out of its graph: the same tokens then sound the same, whatever windows they are heard in.

The decoder mixes noise into what it makes, drawn anew in each run. Here each node that draws becomes an input, and what
goes in belongs to the frame that it sounds in: the span's seed, the node's number and the frame's decide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from adapters.runtime import session
from adapters.tts.snac import FRAME_TOKENS, levels
from stitcher.pcm import Float32

PREFIX = "duckbill_noise_"  # of the inputs' names
SEEDS = 2**64  # numpy takes no negative ones


@dataclass(frozen=True, slots=True)
class Noise:
    """`lengths`: how many values a frame takes of each input; none for a decoder that draws nothing."""

    lengths: tuple[int, ...] = ()

    def feed(self, seed: int, first: int, last: int) -> dict[str, Float32]:
        """The inputs for the frames [first, last) of a span, float32[1, 1, n] each."""
        return {
            f"{PREFIX}{node}": np.concatenate(
                [_draw(seed, node, frame, length) for frame in range(first, last)], axis=2
            )
            for node, length in enumerate(self.lengths)
        }


def without_noise(path: Path, threads: int, what: str, cure: str) -> tuple[bytes | str, Noise]:
    """A decoder as a graph that draws nothing, and what is to be fed to it instead. Raises AdapterError."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        line = "tts.adapter snac_llamacpp needs onnx: pip install 'duckbill[snac_llamacpp]'"
        raise AdapterError("missing", line) from error
    try:
        model = onnx.load(str(path))
    except DecodeError as error:
        raise AdapterError("corrupt", f"the {what} cannot be loaded (it is no onnx file); {cure}") from error
    nodes = [node for node in model.graph.node if node.op_type == "RandomNormalLike"]
    if not nodes:
        return str(path), Noise()
    names = [node.output[0] for node in nodes]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    probe = session(model.SerializeToString(), threads, what, cure)
    codes = zip(sorted(value.name for value in probe.get_inputs()), levels([(0,) * FRAME_TOKENS]), strict=True)
    lengths = tuple(int(drawn.size) for drawn in probe.run(names, dict(codes)))
    del model.graph.output[-len(names) :]
    _take_out(model.graph, nodes)
    return model.SerializeToString(), Noise(lengths)


def _take_out(graph: Any, nodes: list[Any]) -> None:
    """Replace each of the nodes by an input."""
    from onnx import TensorProto, helper

    new = {node.output[0]: f"{PREFIX}{k}" for k, node in enumerate(nodes)}
    for node in nodes:
        graph.node.remove(node)
    for reader in graph.node:
        reader.input[:] = [new.get(tensor, tensor) for tensor in reader.input]
    graph.input.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None]) for name in new.values())


def _draw(seed: int, node: int, frame: int, length: int) -> Float32:
    return np.random.default_rng((seed % SEEDS, node, frame)).standard_normal((1, 1, length), np.float32)
