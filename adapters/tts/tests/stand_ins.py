"""Voices whose weights or servers are not at hand, with stand-ins for these: the adapter is the whole one.

    with STAND_INS[name](folder) as (adapter, options): ...

A stand-in says something that the contract's checks can judge, as noise would not be: it begins and ends in silence,
is loud between, is as long as its text, and the same for the same seed. What it proves is the path, not the sound.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Span
from adapters.tts.null import RUNGS, ToneTts
from adapters.tts.snac import FRAME_SAMPLES, FRAME_TOKENS, RATE_HZ, Frame
from adapters.tts.tests.oute_weights import write_speaker
from adapters.tts.tests.oute_writer import SwellingOuteTts
from adapters.tts.tests.speech_servers import Exchange, serve
from adapters.tts.tests.token_server import frames_of, token_server, written
from adapters.voice import Voice

ROOT = Path(__file__).parents[3]
CHARS_PER_S = 15  # of the Orpheus that is stood in for
XTTS_PYTHON = "XTTS_PYTHON"  # the environment variable that names an interpreter with coqui-tts

StandIn = tuple[str, Mapping[str, Any]]  # an adapter as the registry knows it, and its options


@contextmanager
def openai_speech(folder: Path) -> Iterator[StandIn]:
    """A server that says the tone of the null engine."""

    def answer(exchange: Exchange) -> None:
        asked = exchange.asked
        synthesis = ToneTts().open(Span(asked["input"], Voice(pace=asked.get("speed", 1.0)), 0))
        exchange.begin()
        eos = False
        while not eos:
            chunk = synthesis.pull(RUNGS[-1], False)
            eos = chunk.eos
            exchange.send((chunk.pcm * 32767).astype("<i2").tobytes())
        exchange.end()

    with serve(answer) as server:
        yield "openai_speech", {"base_url": server.url}


@contextmanager
def snac_llamacpp(folder: Path) -> Iterator[StandIn]:
    """A server that writes random tokens between two frames of silence, and a small decoder of random weights."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from adapters.tts.tests.snac_graph import SILENT, save_decoder

    silence: Frame = (SILENT,) * FRAME_TOKENS

    def answer(asked: Mapping[str, Any]) -> tuple[list[str], str]:
        text = re.findall(r": (.*)<\|eot_id\|>", asked["prompt"])[-1]
        count = 1 + len(text) * RATE_HZ // (CHARS_PER_S * FRAME_SAMPLES)
        return written([silence, *frames_of(count, asked["seed"]), silence]), "end"

    with token_server(answer) as server:
        path = save_decoder(folder / "decoder.onnx", narrow=True)
        yield "snac_llamacpp", {"url": server.url, "decoder_path": str(path), "threads": 1}


@contextmanager
def outetts(folder: Path) -> Iterator[StandIn]:
    """A model that swells and fades word by word instead of the package; two speakers."""
    for name in ("ada", "bob"):
        write_speaker(folder / f"{name}.json")
    weights = folder / "model.gguf"
    weights.write_bytes(b"weights")
    paths = {"model_path": str(weights), "codec_path": str(weights), "speaker_path": str(folder)}
    yield f"{SwellingOuteTts.__module__}:{SwellingOuteTts.__name__}", paths


@contextmanager
def xtts(folder: Path) -> Iterator[StandIn]:
    """coqui-tts with a small model of random weights whose vocoder is quiet; in a process of its own where the
    environment variable names an interpreter that has it."""
    python = os.environ.get(XTTS_PYTHON, "")
    if not python:
        pytest.importorskip("TTS", reason=f"coqui-tts is not installed here, and {XTTS_PYTHON} names no interpreter")
    module = "adapters.tts.tests.xtts_weights"
    subprocess.run([python or sys.executable, "-m", module, str(folder)], cwd=ROOT, check=True, capture_output=True)
    hosting = {"isolation": "process", "python": python} if python else {}
    yield f"{module}:SmallXtts", {"model_path": str(folder), "chunk_tokens": 8, "threads": 1, **hosting}


STAND_INS: Mapping[str, Callable[[Path], AbstractContextManager[StandIn]]] = {
    one.__name__: one for one in (openai_speech, snac_llamacpp, outetts, xtts)
}
