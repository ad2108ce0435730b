"""The cut Piper graph at work: three sessions, kept in the cache once they have been cut.

cache/piper/<sha256 of the voice>/{text,flow,decoder}.onnx, cut.json
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from adapters.runtime import session
from adapters.tts.piper_graph import (
    CONTEXT_FRAMES,
    NOISE_DURATION,
    NOISE_LATENT,
    PARTS,
    Cut,
    UnknownGraph,
    split,
)
from stitcher.pcm import Float32
from timeline.codec import decode
from timeline.store import write_atomically

WHAT = "piper voice"  # what is loaded, for people
CUT_VERSION = 1  # of the way of cutting; a cache of another version is cut again
LATENT_SEED_STEP = 1  # the latent's noise has a generator of its own: durations must not shift it


@dataclass(frozen=True, slots=True, eq=False)
class Latent:
    """A span ready to be decoded."""

    frames: int
    frames_per_id: np.ndarray  # int64[ids]
    feed: dict[str, Any]  # inputs of the decoder; the latent itself is float32[1, channels, frames]


class Parts:
    def __init__(self, cut: Cut, sessions: dict[str, Any]) -> None:
        self.cut = cut
        self.sessions = sessions

    def latent(self, feed: dict[str, Any], seed: int) -> Latent:
        """Run text and flow. `feed`: the graph's own inputs; the noise comes from `seed`."""
        cut = self.cut
        late = np.random.default_rng(seed + LATENT_SEED_STEP)
        feed = self._text(feed, seed)
        feed[NOISE_LATENT] = late.standard_normal(feed[cut.prior].shape, np.float32)
        feed[cut.latent] = self._run("flow", cut.flow_inputs, feed)[0]
        decoder = {name: feed[name] for name in cut.decoder_inputs}
        return Latent(feed[cut.latent].shape[2], feed[cut.durations].ravel().astype(np.int64), decoder)

    def frames_per_id(self, feed: dict[str, Any], seed: int) -> np.ndarray:
        """Those that `latent` would have, int64[ids]; costs the text alone."""
        durations: np.ndarray = self._text(feed, seed)[self.cut.durations].ravel().astype(np.int64)
        return durations

    def decode(self, latent: Latent, start: int, end: int, hop: int) -> Float32:
        """float32[(end - start) * hop]: those frames, rendered with their context."""
        a, b = max(0, start - CONTEXT_FRAMES), min(latent.frames, end + CONTEXT_FRAMES)
        window = np.ascontiguousarray(latent.feed[self.cut.latent][:, :, a:b])
        pcm = self._run("decoder", self.cut.decoder_inputs, {**latent.feed, self.cut.latent: window})[0].ravel()
        return np.asarray(pcm[(start - a) * hop : (end - a) * hop])

    def _text(self, feed: dict[str, Any], seed: int) -> dict[str, Any]:
        """`feed` with what the text part makes of it."""
        noise = np.random.default_rng(seed).standard_normal(
            (1, self.cut.duration_channels, feed["input"].shape[1]), np.float32
        )
        feed = {**feed, NOISE_DURATION: noise}
        return {**feed, **dict(zip(self.cut.text_outputs, self._run("text", self.cut.text_inputs, feed), strict=True))}

    def _run(self, part: str, names: tuple[str, ...], feed: dict[str, Any]) -> list[Any]:
        return list(self.sessions[part].run(None, {name: feed[name] for name in names}))


def load_parts(voice: Path, cache: Path, threads: int) -> Parts | None:
    """The sessions of the cut voice, cut now if they are not in the cache; None for a graph that is not known."""
    try:
        sha256 = hashlib.sha256(voice.read_bytes()).hexdigest()
        folder = cache / f"{sha256[:16]}-{CUT_VERSION}"
        if (folder / "cut.json").is_file():
            try:
                return _load(folder, threads)
            except (AdapterError, ValueError, TypeError):  # damaged: cut it once more
                shutil.rmtree(folder)
        _cut_into(folder, voice)
        return _load(folder, threads)
    except UnknownGraph as error:
        logging.getLogger("duckbill").warning("%s is spoken by whole sentences: %s", voice.name, error)
        return None
    except OSError as error:
        raise AdapterError("missing", f"the cache {cache} cannot be used ({error.strerror}); set cache") from error


def _load(folder: Path, threads: int) -> Parts:
    cut = decode({"kind": "Cut", **json.loads((folder / "cut.json").read_text("utf-8"))}, {"Cut": Cut})
    return Parts(cut, {name: session(str(folder / f"{name}.onnx"), threads, WHAT) for name in PARTS})


def _cut_into(folder: Path, voice: Path) -> None:
    """Cut the voice; cut.json is written last, so a folder that has it is whole."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        line = "tts.adapter piper needs onnx to cut a voice: pip install 'duckbill[piper]'"
        raise AdapterError("missing", line) from error
    try:
        model = onnx.load(str(voice))
    except DecodeError as error:
        raise AdapterError("corrupt", f"{voice} is damaged; run: duckbill models fetch") from error
    parts, cut = split(model)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in parts.items():
        write_atomically(folder / f"{name}.onnx", data)
    write_atomically(folder / "cut.json", json.dumps(dataclasses.asdict(cut)).encode())
