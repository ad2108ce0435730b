"""Weights of OuteTTS's architecture, small and random: a tokenizer with its special words, a Llama as a folder for
transformers and as GGUF for llama.cpp, and a DAC of two codebooks. They speak noise; that is enough for the path."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

LAYERS, WIDTH, HEADS, HIDDEN = 2, 64, 4, 128
SPECIAL = (
    "<|im_start|> <|im_end|> <|text_start|> <|text_end|> <|voice_characteristic_start|> <|voice_characteristic_end|> "
    "<|emotion_start|> <|emotion_end|> <|audio_start|> <|audio_end|> <|code|> <|word_start|> <|word_end|> <|features|> "
    "<|global_features_start|> <|global_features_end|>"
).split()


def build(folder: Path) -> dict[str, str]:
    """The options of an adapter with such weights, GGUF; its folder is `folder`/model for transformers."""
    import torch

    torch.manual_seed(0)
    tokenizer = _tokenizer(folder / "model")
    model = _llama(folder / "model", tokenizer)
    _gguf(folder / "model.gguf", tokenizer, model)
    _codec(folder / "codec.pth")
    return {
        "model_path": str(folder / "model.gguf"),
        "tokenizer_path": str(folder / "model"),
        "codec_path": str(folder / "codec.pth"),
    }


def _tokenizer(folder: Path) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    codes = [f"<|c{book}_{code}|>" for book in (1, 2) for code in range(1025)]
    times = [f"<|t_{hundredths / 100:.2f}|>" for hundredths in range(200)]
    features = [f"<|{name}_{value}|>" for name in ("energy", "spectral_centroid", "pitch") for value in range(101)]
    raw.add_tokens([AddedToken(word, normalized=False) for word in [*SPECIAL, *codes, *times, *features]])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<|im_start|>", eos_token="<|im_end|>")
    tokenizer.save_pretrained(folder)
    return tokenizer


def _llama(folder: Path, tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=8192, rms_norm_eps=1e-5,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, tie_word_embeddings=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    model.save_pretrained(folder)
    return model


def _gguf(path: Path, tokenizer: Any, model: Any) -> None:
    import gguf

    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    words = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    added = set(tokenizer.get_added_vocab())
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.CONTROL if word in added else gguf.TokenType.NORMAL for word in words])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    for name, tensor in model.state_dict().items():
        writer.add_tensor(_gguf_name(name), _gguf_order(name, tensor.float()).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf_name(name: str) -> str:
    for theirs, ours in {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "model.layers": "blk",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }.items():  # fmt: skip
        name = name.replace(theirs, ours)
    return name


def _gguf_order(name: str, tensor: Any) -> Any:
    """llama.cpp turns neighbours where transformers turns halves."""
    if "q_proj" not in name and "k_proj" not in name:
        return tensor.contiguous()
    rows = tensor.shape[0] // HEADS // 2
    return tensor.reshape(HEADS, 2, rows, tensor.shape[1]).swapaxes(1, 2).reshape(tensor.shape).contiguous()


def _codec(path: Path) -> None:
    import dac
    import torch

    rates = [2, 4, 5, 8]
    shape = {
        "encoder_dim": 8, "encoder_rates": rates, "latent_dim": 32, "decoder_dim": 64, "decoder_rates": rates[::-1],
        "n_codebooks": 2, "codebook_size": 1024, "codebook_dim": 8, "sample_rate": 24_000,
    }  # fmt: skip
    assert math.prod(rates) == 320
    model = dac.DAC(**shape)
    torch.save({"state_dict": model.state_dict(), "metadata": {"kwargs": shape}}, path)


def write_speaker(path: Path, frames: int = 30) -> None:
    """A speaker of one word."""
    codes = [(37 * number) % 1024 for number in range(frames)]
    plain = {"energy": 10, "spectral_centroid": 20, "pitch": 30}
    word = {"word": "Hello.", "duration": round(frames / 75, 2), "c1": codes, "c2": codes[::-1], "features": plain}
    path.write_text(json.dumps({"text": "Hello.", "words": [word], "global_features": plain, "interface_version": 3}))
