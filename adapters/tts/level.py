"""Level, for engines whose samples pass through our hands: a gain, and what may be said of it."""

from __future__ import annotations

from adapters.voice import Mapper, Voice

TRUE_MOST_DB = 6.0  # speech at -20 LUFS gains within half a dB of what is asked; beyond, too many peaks are bent


def set_level(mapper: Mapper, voice: Voice) -> None:
    """Set the knob `gain_db`, for stitcher.gain.amplified."""
    gain_db = voice.prosody.level_db
    if gain_db <= TRUE_MOST_DB:
        mapper.knob("gain_db", gain_db, "prosody.level_db")
    else:
        mapper.knob("gain_db", gain_db, "prosody.level_db", how="approximated", detail="peaks are bent, not cut off")
