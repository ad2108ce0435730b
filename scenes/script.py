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
CLEAR = (
    "You can see the mountains from here when the weather is clear in the morning.",
    "It was raining when we left the house, but the sun came out before noon.",
    "We will have to wait until the end of the week to know more about it.",
    "There is a small market in the middle of the town every Saturday morning.",
    "I have never seen so many people in this part of the country before.",
    "The house was built a long time ago and it has a beautiful garden.",
    "After the concert we walked home slowly and talked about the music.",
    "We can meet again next Monday morning if you have enough time.",
    "The winter was long and cold, and everybody was waiting for the spring.",
    "The teacher asked us to write a short story about our own family.",
    "The old man sat on the bench and looked at the people in the park.",
    "He told me that the road to the village was closed because of the snow.",
    "They are looking for a new house with a garden and a lot of light.",
    "You never know what will happen until you open the door and look inside.",
    "It will take a long time before we understand everything that happened.",
    "The important thing is that all of us are healthy and together again.",
)  # fmt: skip
"""Sentences that a recognizer gets right from each of our voices, where most are misheard from one of them."""
REPLY = " ".join(SENTENCES[:4])  # about twenty seconds


def aloud(seconds: float, first: int = 0) -> str:
    """A text that takes at least so long to read; `first`: the sentence that it begins with."""
    parts: list[str] = []
    chars = 0
    while chars < seconds * CHARS_PER_S:
        parts.append(SENTENCES[(first + len(parts)) % len(SENTENCES)])
        chars += len(parts[-1]) + 1
    return " ".join(parts)
