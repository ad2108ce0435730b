"""XTTS in memory: a folder of weights, the voices that it knows, and texts that it speaks by turns.

coqui-tts keeps two things in one place for all texts: the dice (torch's own generator) and the prompt that the model
looks back at. Each text has its own of both here; they are put in place for its turn and taken back after it, so
texts may be spoken in turns and each sounds as if it were alone.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from stitcher.pcm import Float32
from stitcher.wav import read_wav

SETTING = "tts.xtts"
WEIGHTS, SPEAKERS = "model.pth", "speakers_xtts.pth"
SEEDS = 2**63  # torch takes no larger ones


def needs() -> AdapterError:
    """What to say where coqui-tts is not installed."""
    line = f"{SETTING} needs coqui-tts, best in an environment of its own: pip install 'duckbill[xtts]' there"
    return AdapterError("missing", line)


def load_speakers(folder: Path) -> dict[str, Any]:
    """Name -> (conditioning latents, speaker embedding), of the file that comes with the weights; empty without it."""
    path = folder / SPEAKERS
    if not path.is_file():
        return {}
    try:
        import torch
    except ImportError as error:
        raise needs() from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        return {str(name): tuple(latents.values()) for name, latents in found.items()}
    except Exception as error:  # torch raises whatever a damaged archive leads to
        raise AdapterError("corrupt", f"{SETTING}: {path} is damaged ({_one_line(error)}): fetch it again") from error


class XttsModel:
    """Raises AdapterError where the folder does not hold one."""

    def __init__(self, folder: Path, device: str, threads: int) -> None:
        try:
            import torch
            from TTS.tts.configs.xtts_config import XttsConfig
            from TTS.tts.models.xtts import Xtts
        except ImportError as error:
            raise needs() from error
        torch.set_num_threads(threads)
        try:
            config = XttsConfig()
            config.load_json(str(folder / "config.json"))
            self.xtts: Any = Xtts(config)
            self.xtts.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
            self.xtts.to(device)
        except Exception as error:  # torch and coqui-tts raise whatever a wrong file leads to
            line = f"{SETTING}.model_path {folder} cannot be loaded ({_one_line(error)}): fetch the weights again"
            raise AdapterError("corrupt", line) from error
        self.dice = torch.default_generator if device == "cpu" else torch.cuda.default_generators[0]
        self.turn = threading.Lock()

    @property
    def rate_hz(self) -> int:
        return int(self.xtts.config.audio.output_sample_rate)

    def learn(self, recording: Path) -> tuple[Any, Any]:
        """A voice from a recording of a few seconds. Raises AdapterError."""
        import torch

        config = self.xtts.config
        try:
            pcm, rate_hz = read_wav(recording.read_bytes())
            audio = torch.from_numpy(pcm[: rate_hz * config.max_ref_len])[None]
            latents = self.xtts.get_gpt_cond_latents(
                audio, rate_hz, length=config.gpt_cond_len, chunk_length=config.gpt_cond_chunk_len
            )
            return latents, self.xtts.get_speaker_embedding(audio, rate_hz)
        except Exception as error:  # of the file's format, or too short
            line = f"{SETTING}.speaker_path {recording} cannot be used ({_one_line(error)}): name a WAV of some seconds"
            raise AdapterError("corrupt", line) from error


class XttsStream:
    """One text being spoken. `knobs`: those of the library's inference_stream."""

    def __init__(self, model: XttsModel, latents: tuple[Any, Any], seed: int, **knobs: Any) -> None:
        import torch

        self._model = model
        self._prompt: Any = None
        self._dice = torch.Generator(model.dice.device).manual_seed(seed % SEEDS).get_state()
        config = model.xtts.config
        sampling = {name: config[name] for name in ("temperature", "repetition_penalty", "top_k", "top_p")}
        self._pieces = model.xtts.inference_stream(
            gpt_cond_latent=latents[0], speaker_embedding=latents[1], **{**sampling, **knobs}
        )

    def next(self) -> Float32 | None:
        """The next piece of audio, None after the last. Raises AdapterError."""
        try:
            with self._turn():
                piece = next(self._pieces, None)
            if piece is None:
                return None
            pcm: Float32 = np.array(piece.cpu().numpy(), np.float32).ravel()
        except Exception as error:  # torch raises types of many kinds, an assertion for a text that is too long
            line = f"{SETTING} failed ({_one_line(error)}): look whether the text is too long or memory is short"
            raise AdapterError("crashed", line) from error
        if not pcm.size or not np.isfinite(pcm).all():
            line = f"{SETTING} gave {pcm.size} samples that are no audio: check {SETTING}.model_path"
            raise AdapterError("garbage", line)
        return np.clip(pcm, -1, 1, out=pcm)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        model = self._model
        memory = model.xtts.gpt.gpt_inference
        with model.turn:
            others = model.dice.get_state()
            model.dice.set_state(self._dice)
            memory.cached_prefix_emb = self._prompt
            try:
                yield
            finally:
                self._dice, self._prompt = model.dice.get_state(), memory.cached_prefix_emb
                model.dice.set_state(others)


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
