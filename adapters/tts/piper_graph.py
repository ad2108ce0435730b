"""Cutting a Piper (VITS) graph at load time, so that it can be pulled.

    ids --text--> durations, priors --flow--> latent frames --decoder--> PCM
          A                            B                       C

A and B cost once a sentence; C is a convolution over frames of `hop` samples and can be run on any window
with CONTEXT_FRAMES on each side. The graph's two random nodes become inputs fed from a seeded generator:
the same seed gives the same bytes. The cut is found by structure, not by one voice's names:

- the first transposed convolution is the decoder's first upsampling; the convolution before it reads the latent;
- the durations are what the only Ceil that feeds a CumSum puts out, frames per phoneme id;
- of the two RandomNormalLike the one that the durations depend on is the duration predictor's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PARTS = ("text", "flow", "decoder")
CONTEXT_FRAMES = 12  # on each side of a decoder window: 118 to 140 dB against the whole; 8 give 54 dB
NOISE_DURATION, NOISE_LATENT = "noise_dp", "noise_z"


class UnknownGraph(ValueError):
    """The graph has no such structure: speak whole sentences instead."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Tensor names of the cut; it is stored beside the three graphs, so they need no second look."""

    latent: str  # float32[1, channels, frames]: what the decoder reads
    durations: str  # float32[1, 1, ids]: frames per phoneme id
    prior: str  # float32[1, channels, frames]: has the shape of the latent noise
    duration_channels: int  # noise_dp is float32[1, duration_channels, ids]
    text_inputs: tuple[str, ...]
    text_outputs: tuple[str, ...]
    flow_inputs: tuple[str, ...]
    decoder_inputs: tuple[str, ...]
    output: str


class _Graph:
    """An onnx graph with its edges at hand."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.made_by = {out: node for node in graph.node for out in node.output}
        self.inputs = {value.name for value in graph.input}

    def ancestors(self, tensors: Iterable[str]) -> set[str]:
        """Names of the first outputs of all nodes that the tensors depend on."""
        seen: set[str] = set()
        todo = list(tensors)
        while todo:
            node = self.made_by.get(todo.pop())
            if node is not None and node.output[0] not in seen:
                seen.add(node.output[0])
                todo += node.input
        return seen

    def nodes(self, keys: set[str]) -> list[Any]:
        return [node for node in self.graph.node if node.output[0] in keys]

    def only(self, kind: str) -> list[Any]:
        return [node for node in self.graph.node if node.op_type == kind]

    def reads(self, tensor: str) -> list[Any]:
        return [node for node in self.graph.node if tensor in node.input]


def split(model: Any) -> tuple[dict[str, bytes], Cut]:
    """An onnx ModelProto (changed in place) -> the serialized parts by name, and the cut. Raises UnknownGraph."""
    from onnx.utils import Extractor

    graph = _Graph(model.graph)
    latent = _latent(graph)
    durations = _durations(graph)
    channels, prior = _name_the_noise(graph, durations)
    graph = _Graph(model.graph)
    scale = next((n for n in graph.reads(NOISE_LATENT) if n.op_type == "Mul"), None)
    if scale is None:
        raise UnknownGraph("the latent noise is not scaled by a deviation")
    deviation = next(name for name in scale.input if name != NOISE_LATENT)
    output = model.graph.output[0].name
    text = graph.ancestors([prior, deviation, durations])
    flow = graph.ancestors([latent]) - text
    decoder = graph.ancestors([output]) - text - flow
    to_flow, to_decoder = _crossing(graph, flow, text), _crossing(graph, decoder, text)
    text_outputs = tuple(dict.fromkeys((*to_flow, *to_decoder, prior, durations)))
    flow_inputs = (*to_flow, *_inputs(graph, flow))
    decoder_inputs = (latent, *to_decoder, *_inputs(graph, decoder))
    stray = set(_crossing(graph, decoder, flow)) - {latent}
    if stray:
        raise UnknownGraph(f"the decoder also reads {sorted(stray)[0]}")
    cut = Cut(
        latent, durations, prior, channels, _inputs(graph, text), text_outputs, flow_inputs, decoder_inputs, output
    )
    take = Extractor(model)
    parts = {
        "text": take.extract_model(list(cut.text_inputs), list(cut.text_outputs)),
        "flow": take.extract_model(list(cut.flow_inputs), [latent]),
        "decoder": take.extract_model(list(cut.decoder_inputs), [output]),
    }
    return {name: part.SerializeToString() for name, part in parts.items()}, cut


def _latent(graph: _Graph) -> str:
    """What the decoder's first convolution reads."""
    ups = graph.only("ConvTranspose")
    if not ups:
        raise UnknownGraph("no transposed convolution: not a VITS decoder")
    node = ups[0]
    while node is not None and node.op_type != "Conv":
        node = graph.made_by.get(node.input[0])
    if node is None:
        raise UnknownGraph("no convolution before the first upsampling")
    return str(node.input[0])


def _durations(graph: _Graph) -> str:
    found = [n for n in graph.only("Ceil") if any(r.op_type == "CumSum" for r in graph.reads(n.output[0]))]
    if len(found) != 1:
        raise UnknownGraph(f"{len(found)} tensors look like durations")
    return str(found[0].output[0])


def _name_the_noise(graph: _Graph, durations: str) -> tuple[int, str]:
    """Make the two random nodes inputs; returns the duration noise's channels and the latent noise's model."""
    from onnx import TensorProto, helper

    random = graph.only("RandomNormalLike")
    before = graph.ancestors([durations])
    early = [n for n in random if n.output[0] in before]
    late = [n for n in random if n.output[0] not in before]
    if len(early) != 1 or len(late) != 1:
        raise UnknownGraph(f"{len(random)} random nodes where two are known")
    channels = 2  # of a VITS stochastic duration predictor
    for node, name in ((early[0], NOISE_DURATION), (late[0], NOISE_LATENT)):
        for reader in graph.reads(node.output[0]):
            for k, tensor in enumerate(reader.input):
                if tensor == node.output[0]:
                    reader.input[k] = name
        count = channels if name == NOISE_DURATION else None
        graph.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count, None]))
        graph.graph.node.remove(node)
    return channels, str(late[0].input[0])


def _crossing(graph: _Graph, into: set[str], out_of: set[str]) -> tuple[str, ...]:
    """Tensors that nodes of `into` read from nodes of `out_of`."""
    outputs = {out for node in graph.nodes(out_of) for out in node.output}
    return tuple(sorted({name for node in graph.nodes(into) for name in node.input if name in outputs}))


def _inputs(graph: _Graph, nodes: set[str]) -> tuple[str, ...]:
    """The graph's own inputs that the nodes read."""
    return tuple(sorted({name for node in graph.nodes(nodes) for name in node.input if name in graph.inputs}))
