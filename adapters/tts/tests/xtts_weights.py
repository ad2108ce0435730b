"""A folder of XTTS weights as the real one looks, of a small model with random weights.

The language model has one layer of 64 channels and 62 audio tokens, of which it says 36 at most. The vocoder's size is
no matter of configuration, so `small_vocoder` holds while a model is built or loaded, by `SmallXtts` too. What it
says is a hum loud enough to be heard, and so soft that it begins and ends quietly. As a script it writes the folder
that it is told.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from unittest import mock

from adapters.tts.xtts import XttsTts
from adapters.tts.xtts_model import XttsModel

SPEAKERS = ("Ana", "Bruno")
LANGUAGES = ("en", "de", "zh-cn")
CHANNELS = 64
AUDIO_TOKENS = 62
GAIN = 3.0  # of the vocoder's last layer: without it what it says is just too soft to be called sound
LETTERS = "abcdefghijklmnopqrstuvwxyz.,?!'"


@contextmanager
def small_vocoder() -> Iterator[None]:
    from TTS.tts.models import xtts

    with mock.patch.object(
        xtts, "HifiDecoder", functools.partial(xtts.HifiDecoder, upsample_initial_channel_decoder=32)
    ):
        yield


class SmallXtts(XttsTts):
    """The adapter, for such weights."""

    @cached_property
    def model(self) -> XttsModel:
        with small_vocoder():
            return XttsModel(self.folder, self.options.device, self.options.threads)


def save_weights(folder: Path) -> Path:
    """Build and write one."""
    import torch
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.models.xtts import Xtts

    torch.manual_seed(11)
    arguments = XttsArgs(
        gpt_layers=1, gpt_n_model_channels=CHANNELS, gpt_n_heads=2, decoder_input_dim=CHANNELS,
        gpt_max_audio_tokens=36, gpt_max_text_tokens=202, gpt_max_prompt_tokens=40,
        gpt_num_audio_tokens=AUDIO_TOKENS + 2, gpt_start_audio_token=AUDIO_TOKENS,
        gpt_stop_audio_token=AUDIO_TOKENS + 1, gpt_use_perceiver_resampler=True,
    )  # fmt: skip
    config = XttsConfig(model_args=arguments, languages=list(LANGUAGES), gpt_cond_len=3, gpt_cond_chunk_len=3)
    _save_vocabulary(folder / "vocab.json")
    config.model_args.tokenizer_file = str(folder / "vocab.json")
    model = Xtts(config)
    model.tokenizer = type(model.tokenizer)(vocab_file=folder / "vocab.json")
    model.init_models()
    last = model.hifigan_decoder.waveform_decoder.conv_post
    with torch.no_grad():
        last.weight.mul_(GAIN)
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    config.save_json(str(folder / "config.json"))
    speakers = {
        name: {"gpt_cond_latent": torch.randn(1, 32, CHANNELS), "speaker_embedding": torch.randn(1, 512, 1)}
        for name in SPEAKERS
    }
    torch.save(speakers, folder / "speakers_xtts.pth")
    return folder


def _save_vocabulary(path: Path) -> None:
    """Letter by letter, with the marks that the model's text side uses."""
    marks = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{language}]" for language in LANGUAGES)]
    names = [*marks, *LETTERS]
    added = [
        {"id": k, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True} for k, name in enumerate(marks)
    ]  # fmt: skip
    model = {
        "type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "vocab": {name: k for k, name in enumerate(names)}, "merges": [],
    }  # fmt: skip
    whole = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None, "model": model,
    }  # fmt: skip
    path.write_text(json.dumps(whole), "utf-8")


if __name__ == "__main__":
    with small_vocoder():
        save_weights(Path(sys.argv[1]))
