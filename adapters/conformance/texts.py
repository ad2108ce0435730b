"""What engines are asked to say: plain sentences, and what people and language models write.

Each is short enough for any engine; what is too long is asked for by a check of its own.
"""

from __future__ import annotations

HELLO = "Hello there, this is a test of 123 words."
WORDS = "Hello there, my good friend."  # every token is one spoken word
LONGER = "I have seen it all before, and I shall see it all again tomorrow."
SHORT = "Yes."  # sounds although there is hardly anything to say
OTHER = "Something else is said meanwhile, and by somebody else."

TEXTS = {
    "plain": HELLO, "empty": "", "blank": "  \n\t ", "dots": "...", "emoji": "👩‍🚀🎉 Party 🎉!",
    "chinese": "你好，世界。", "russian": "Привет, мир!", "arabic": "مرحبا", "hindi": "नमस्ते दुनिया",
    "combining": "e\u0301 n\u0303o", "controls": "a\x00b\x01c\x07 d\x1b[31me\x7f\u200b\u2028f",
    "digits": "3.14 1,000,000 $5 50% 007", "abbreviations": "Dr. Smith, e.g. at 5 p.m., No. 7, U.S.A.",
    "one letter": "a", "markup": "<speak>[[h@'loU]] {x} & y</speak>", "half a character": "half \ud83d done",
    "one long word": "a" * 300, "lines": "One.\nTwo?\r\nThree!",
}  # fmt: skip
"""By name. The first is what engines are expected to say well."""


def filled(chars: int) -> str:
    """Plain words, `chars` characters of them."""
    sentence = "The quick brown fox jumps over the lazy dog. "
    return (sentence * (chars // len(sentence) + 1))[:chars]
