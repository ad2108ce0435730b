"""What is said in scenes: sentences of our own, plain enough for any voice."""

from __future__ import annotations

CHARS_PER_S = 15.0  # English read aloud

SHORT = (
    "Yes.", "Good morning.", "It is ten past four.", "Of course.", "Two of them, I think.", "Not today, thank you.",
    "Turn left here.", "Wait a moment.",
)  # fmt: skip
SENTENCES = (
    "The platypus lives in the rivers of eastern Australia, and it hunts under water with its eyes closed.",
    "Its bill feels the weak electric currents that the muscles of a shrimp give off.",
    "In the morning the fog lies over the valley, and only the church tower looks out of it.",
    "A good map leaves out nearly everything, so that what remains can be found.",
    "The train was late again, but nobody on the platform seemed to mind.",
    "When the tide goes out, the boats lean to one side and wait.",
    "She wrote the number on her hand, because the paper had run out long ago.",
    "Most bridges move a little when people walk over them, and a few of them sing.",
    "It takes light about eight minutes to come from the sun to the garden wall.",
    "The old clock in the hall strikes thirteen, and has done so for as long as anyone remembers.",
    "If the kettle is full, it takes longer to boil, which everybody knows and nobody believes.",
    "There are more ways to fold a napkin than there are days in a month.",
)  # fmt: skip
REPLY = " ".join(SENTENCES[:4])  # about twenty seconds


def aloud(seconds: float, first: int = 0) -> str:
    """A text that takes at least so long to read; `first`: the sentence that it begins with."""
    parts: list[str] = []
    chars = 0
    while chars < seconds * CHARS_PER_S:
        parts.append(SENTENCES[(first + len(parts)) % len(SENTENCES)])
        chars += len(parts[-1]) + 1
    return " ".join(parts)
