"""A corpus of synthesized users whose truth is known to the sample: turns with pauses, overlaps, wake words, noise."""
