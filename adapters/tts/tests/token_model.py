"""A language model of no sense for llama.cpp: it writes whole frames of audio tokens, chosen by chance, and then ends.

One layer that adds nothing, so the next token depends on the last one alone: an audio token of place p is a unit vector
along p, and along p the output has all tokens of the place after it, all alike; whatever else comes before is followed
by a first place. Behind a frame the end of speech comes by the chance ENDS. What is real is the vocabulary, the sampler
and the server around it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from adapters.tts.snac import CODES, END_OF_SPEECH, FIRST_AUDIO_TOKEN, FRAME_TOKENS

CHANNELS = 32
ENDS = 0.1  # a frame is the last one so often
SURE = 30.0  # how much likelier, as a logarithm, the right place is than any other
AUDIO_TOKENS = FIRST_AUDIO_TOKEN + FRAME_TOKENS * CODES


def save_model(path: Path) -> Path:
    import gguf

    words = [*_letters(), "ab"]
    custom = [f"<custom_token_{k}>" for k in range(AUDIO_TOKENS)]
    special = ["<|begin_of_text|>", "<|eot_id|>"]
    names = [*words, *special, *custom]
    first = len(words) + len(special)  # the id of <custom_token_0>
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(CHANNELS)
    writer.add_block_count(1)
    writer.add_feed_forward_length(CHANNELS)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(names)
    kinds = [gguf.TokenType.NORMAL] * len(words) + [gguf.TokenType.CONTROL] * len(special)
    writer.add_token_types(kinds + [gguf.TokenType.USER_DEFINED] * len(custom))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(len(words))
    writer.add_eos_token_id(len(words) + 1)
    for name, value in _tensors(len(names), first).items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(tokens: int, first: int) -> dict[str, np.ndarray]:
    seen, says = np.zeros((2, tokens, CHANNELS), np.float32)
    seen[:, FRAME_TOKENS] = 1  # of whatever is no audio
    unit = math.sqrt(CHANNELS)  # what the norm makes of a unit vector
    for place in range(FRAME_TOKENS):
        start = first + FIRST_AUDIO_TOKEN + place * CODES
        seen[start : start + CODES] = np.eye(CHANNELS)[place]
        if place:
            says[start : start + CODES, place - 1] = SURE / unit
    opening = slice(first + FIRST_AUDIO_TOKEN, first + FIRST_AUDIO_TOKEN + CODES)
    says[opening, [FRAME_TOKENS - 1, FRAME_TOKENS]] = SURE / unit
    likelier = math.log(CODES * ENDS / (1 - ENDS))
    says[first + END_OF_SPEECH, FRAME_TOKENS - 1] = (SURE + likelier) / unit
    nothing, ones = np.zeros((CHANNELS, CHANNELS), np.float32), np.ones(CHANNELS, np.float32)
    layer = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    return {
        "token_embd.weight": seen, "output.weight": says, "output_norm.weight": ones,
        "blk.0.attn_norm.weight": ones, "blk.0.ffn_norm.weight": ones,
        **{f"blk.0.{name}.weight": nothing for name in layer},
    }  # fmt: skip


def _letters() -> list[str]:
    """The 256 bytes as GPT-2's vocabulary writes them: printable ones as they are, others from U+0100 on."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]
