"""A small SNAC decoder of random weights as an ONNX graph: the architecture of the real one, a few channels wide.

Codebooks of 4,096 on three levels -> a latent every 512 samples -> four upsamplings (8, 8, 4, 2) with snakes and
residual convolutions -> tanh. `narrow` hears a frame 1,033 samples beyond its ends, less than a frame; the other has
the kernels of the real one, and 4,737. A frame of SILENT codes alone has no sound.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from adapters.tts.snac import CODES

CODE_CHANNELS, LATENT_CHANNELS = 8, 16
STRIDES = (8, 8, 4, 2)
QUIET = {True: 0.02, False: 0.004}  # so that the tanh at the end hardly bends
SILENT = 0
REPEATS = (4, 2, 1)  # of the levels, until each has a latent every 512 samples


class _Builder:
    def __init__(self, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(seed)

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def random(self, *shape: int, fan_in: int) -> str:
        return self.constant((self._random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))

    def conv(self, x: str, into: int, out: int, kernel: int, dilation: int = 1) -> str:
        weight = self.random(out, into, kernel, fan_in=into * kernel)
        pad = (kernel - 1) // 2 * dilation
        return self.add("Conv", x, weight, kernel_shape=[kernel], dilations=[dilation], pads=[pad, pad])

    def snake(self, x: str) -> str:
        sine = self.add("Sin", x)
        return self.add("Add", x, self.add("Mul", sine, sine))

    def up(self, x: str, into: int, out: int, stride: int) -> str:
        weight = self.random(into, out, 2 * stride, fan_in=2 * into)
        half = stride // 2
        return self.add(
            "ConvTranspose", self.snake(x), weight, kernel_shape=[2 * stride], strides=[stride], pads=[half, half]
        )

    def noise(self, x: str, channels: int) -> str:
        drawn = self.add("RandomNormalLike", self.add("ReduceMean", x, axes=[1], keepdims=1))
        return self.add("Add", x, self.add("Mul", drawn, self.conv(x, channels, channels, 1)))

    def residual(self, x: str, channels: int, kernel: int, dilation: int) -> str:
        y = self.snake(self.conv(self.snake(x), channels, channels, kernel, dilation))
        return self.add("Add", x, self.conv(y, channels, channels, 1))

    def codebook(self) -> str:
        vectors = self._random.standard_normal((CODES, CODE_CHANNELS)).astype(np.float32)
        vectors[SILENT] = 0
        return self.constant(vectors)

    def latent(self, level: int) -> str:
        codes = self.add("Gather", self.codebook(), f"audio_codes.{level}")
        x = self.conv(self.add("Transpose", codes, perm=[0, 2, 1]), CODE_CHANNELS, LATENT_CHANNELS, 1)
        scales = self.constant(np.array([1, 1, REPEATS[level]], np.float32))
        return self.add("Resize", x, "", scales, mode="nearest", nearest_mode="floor",
                        coordinate_transformation_mode="asymmetric")  # fmt: skip


def save_decoder(path: Path, narrow: bool, noisy: bool = False, seed: int = 5) -> Path:
    """Build one and write it. `noisy`: it draws noise behind each upsampling, as the real one does."""
    b = _Builder(seed)
    x = b.add("Sum", *(b.latent(level) for level in range(3)))
    x = b.conv(x, LATENT_CHANNELS, LATENT_CHANNELS, 3 if narrow else 7)
    channels = LATENT_CHANNELS
    for stride in STRIDES:
        x = b.up(x, channels, max(2, channels // 2), stride)
        channels = max(2, channels // 2)
        x = b.noise(x, channels) if noisy else x
        for dilation in (1,) if narrow else (1, 3, 9):
            x = b.residual(x, channels, 7, dilation)
    x = b.add("Mul", b.snake(x), b.constant(np.array(QUIET[narrow], np.float32)))
    x = b.add("Tanh", b.conv(x, channels, 1, 7))
    inputs = [helper.make_tensor_value_info(f"audio_codes.{k}", TensorProto.INT64, [1, None]) for k in range(3)]
    output = helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 1, None])
    graph = helper.make_graph(b.nodes, "snac", inputs, [output], b.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
