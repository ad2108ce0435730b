"""OuteTTS's package, loaded: prompts, a stream of tokens, and its codec run on windows of frames.

    text -> chunks of sentences -> prompt with the speaker -> tokens, one by one (llama.cpp) or all (transformers)
    frames -> quantizer and decoder of the codec, with frames of context on each side -> samples

The package's own `generate` renders a whole text, and its `decode` fades and levels whatever it is given; so its parts
are called, and streamed. The decoder is a convolution: with enough context a window of it is what the whole would be.
Nothing is fetched: what is not on this machine is a fault. One answer at a time is under way in a model.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from adapters.tts.outetts_tokens import CODES, Vocabulary
from stitcher.pcm import Float32

RATE_HZ = 24_000
UNIT_SAMPLES = 320  # of the codec's frame
CONTEXT_FRAMES = 12  # on each side of a window: the decoder's first convolutions reach that far
CONTEXT_TOKENS = 8192  # of OuteTTS 1.0: the speaker takes 2,000 of them, and a second of speech 180
TOKENS_PER_S = 200
CHAR_MOST_S = 0.2  # three times as slow as speech is: beyond, the model does not stop by itself
ANSWER_LEAST_S = 2.0
READ_BYTES = 1 << 20

CURE = "pip install 'duckbill[outetts]' into an environment of its own and name its Python in tts.outetts.python"


def load(model: Path, tokenizer: Path, codec: Path, threads: int, temperature: float) -> OuteModel:
    """Raises AdapterError."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # it draws a bar for every answer
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # and would ask a hub for whatever it misses
    try:
        import outetts
        from loguru import logger
    except (ImportError, OSError) as error:  # OSError: a native library of another torch
        reason = str(error).strip().partition("\n")[0]
        raise AdapterError("missing", f"tts.adapter outetts needs its package ({reason}): {CURE}") from error
    logger.disable("outetts")
    gguf = model.is_file()
    try:
        interface = outetts.Interface(
            outetts.ModelConfig(
                model_path=str(model), tokenizer_path=str(tokenizer), audio_codec_path=str(codec), device="cpu",
                backend=outetts.Backend.LLAMACPP if gguf else outetts.Backend.HF,
                interface_version=outetts.InterfaceVersion.V3, max_seq_length=CONTEXT_TOKENS,
                additional_model_config={"verbose": False, "n_threads": threads} if gguf else {},
            )
        )  # fmt: skip
    except Exception as error:  # whatever its three parts raise for files that are none
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        line = f"tts.outetts cannot load its weights ({reason}): check model_path, tokenizer_path and codec_path"
        raise AdapterError("corrupt", line) from error
    return OuteModel(interface, gguf, temperature)


class OuteModel:
    """One interface of the package."""

    def __init__(self, interface: Any, streams: bool, temperature: float) -> None:
        self._interface = interface
        self._temperature = temperature
        self.streams = streams
        codec = interface.audio_codec
        shape = (codec.sr, int(codec.model.hop_length), codec.model.n_codebooks, codec.model.codebook_size)
        if shape != (RATE_HZ, UNIT_SAMPLES, 2, CODES):
            line = f"tts.outetts.codec_path is another codec {shape}: give DAC.speech.v1.0, 24 kHz at 1.5 kbit/s"
            raise AdapterError("unsupported", line)
        prompts = interface.prompt_processor
        marks, encode = prompts.special_tokens, prompts.tokenizer.encode

        def one(text: str) -> int:
            return int(encode(text, add_special_tokens=False)[0])

        self.vocabulary = Vocabulary(
            prompts.c1, prompts.c2, one(marks.word_start), one(marks.features), one(marks.audio_end),
            prompts.tokenizer.decode,
        )  # fmt: skip

    # -- speakers -------------------------------------------------------------------------

    def default_speaker(self, name: str) -> dict[str, Any]:
        return dict(self._interface.load_default_speaker(name))

    def speaker(self, path: Path) -> dict[str, Any]:
        """Raises AdapterError for a file that is none of this version."""
        try:
            speaker = self._interface.load_speaker(str(path))
            self._interface.prompt_processor.get_completion_prompt("Hello.", copy.deepcopy(speaker))
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            line = f"tts.outetts.speaker_path {path} is no speaker of version 3 ({error}): make it with outetts 0.4"
            raise AdapterError("corrupt", line) from error
        return dict(speaker)

    # -- speaking -------------------------------------------------------------------------

    def chunks(self, text: str) -> list[str]:
        """The text in pieces of some sentences each, as long as the model was trained for."""
        from outetts.utils.chunking import chunk_text

        return list(chunk_text(text))

    def tokens(self, chunk: str, speaker: dict[str, Any], seed: int) -> Iterator[int]:
        """The model's answer to one chunk."""
        import outetts

        interface = self._interface
        prompt = interface.prepare_prompt(chunk, copy.deepcopy(speaker))  # which adds to the speaker it is given
        length = len(prompt) if self.streams else int(prompt.size(-1))
        answer = int(TOKENS_PER_S * (ANSWER_LEAST_S + CHAR_MOST_S * len(chunk)))
        config = outetts.GenerationConfig(
            text=chunk, speaker=speaker, max_length=min(CONTEXT_TOKENS, length + answer),
            sampler_config=outetts.SamplerConfig(temperature=self._temperature),
            generation_type=outetts.GenerationType.STREAM if self.streams else outetts.GenerationType.REGULAR,
        )  # fmt: skip
        if self.streams:
            llama = interface.model.model
            llama.reset()  # else it begins with what is left of the last answer, and so rounds differently
            llama.set_seed(seed)
            yield from interface.model.generate(prompt, config)
        else:
            import torch

            torch.manual_seed(seed)
            yield from interface.model.generate(prompt, config)[length:]

    def decode(self, codes: tuple[list[int], list[int]], before: int, frames: int) -> Float32:
        """The samples of `frames` frames after the first `before` of these."""
        import torch

        codec = self._interface.audio_codec.model
        with torch.inference_mode():
            latent = codec.quantizer.from_codes(torch.tensor([codes], dtype=torch.int64, device=codec.device))[0]
            pcm = codec.decode(latent).flatten()[before * UNIT_SAMPLES : (before + frames) * UNIT_SAMPLES]
        samples: Float32 = np.nan_to_num(pcm.cpu().numpy()).clip(-1, 1).astype(np.float32)
        return samples


def sha256(*paths: Path) -> str:
    """Of all these files, one after the other; a folder stands for the weights in it."""
    digest = hashlib.sha256()
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.glob("*.safetensors")):
            with file.open("rb") as stream:
                while block := stream.read(READ_BYTES):
                    digest.update(block)
    return digest.hexdigest()
