"""Loudness as ITU-R BS.1770-5 measures it: K-weighted power in overlapping blocks, without those that are no speech.

    blocks of 400 ms, one each 100 ms -> power through the K-weighting -> gates -> mean -> LUFS

A block counts where it is louder than -70 LUFS, and then where it is at most 10 LU below the mean of those that are: so
pauses do not make a voice softer. The weighting is applied to each block's spectrum: no filter, so nothing has to
settle, and at any rate it is what the Recommendation states for 48 kHz. Audio shorter than a block is one short block;
the Recommendation says nothing of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Float32

BLOCK_MS, STEP_MS = 400, 100
OFFSET_LU = -0.691  # the weighting lifts 997 Hz by as much; a full-scale sine there is then -3.01 LUFS
SILENCE_LUFS = -70.0  # the absolute gate, and what silence is said to have
RELATIVE_GATE_LU = -10.0
FLOOR = 1e-12  # power; keeps logarithms finite

# The two filters as analogue prototypes, and the rate for which they are stated: a shelf for the head, a high pass.
STATED_HZ = 48_000
SHELF_HZ, SHELF_GAIN_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
PASS_HZ, PASS_Q, PASS_GAIN = 38.13547087602444, 0.5003270373238773, 1.004995

Float64 = npt.NDArray[np.floating[Any]]


def loudness_lufs(pcm: Float32, rate_hz: int) -> float:
    """Integrated loudness of float32[n], mono, full scale 1.0; SILENCE_LUFS where no block passes the gates."""
    powers = block_powers(pcm, rate_hz)
    loud = powers[_lufs(powers) > SILENCE_LUFS]
    if not loud.size:
        return SILENCE_LUFS
    gate = _lufs(np.mean(loud)) + RELATIVE_GATE_LU
    return float(_lufs(np.mean(loud[_lufs(loud) > gate])))


def block_powers(pcm: Float32, rate_hz: int) -> Float64:
    """K-weighted power of each block, float64[k]; of one short block where there is no whole one."""
    block, step = rate_hz * BLOCK_MS // 1000, rate_hz * STEP_MS // 1000
    if not pcm.size:
        return np.zeros(0)
    if pcm.size < block:
        return weighted_power(pcm[None], rate_hz)
    return weighted_power(np.lib.stride_tricks.sliding_window_view(pcm, block)[::step], rate_hz)


def weighted_power(blocks: npt.NDArray[np.floating[Any]], rate_hz: int) -> Float64:
    """Mean square of each row through the K-weighting, float64[k], by Parseval's theorem."""
    size = blocks.shape[1]
    power = np.abs(np.fft.rfft(blocks, axis=1)) ** 2 * k_weighting(np.fft.rfftfreq(size, 1 / rate_hz))
    both = 2 * np.sum(power, axis=1) - power[:, 0] - (power[:, -1] if size % 2 == 0 else 0)  # the negative half too
    weighted: Float64 = both / size**2
    return weighted


def k_weighting(frequencies_hz: Float64) -> Float64:
    """The power gain of the two filters, each a bilinear transform of its analogue prototype."""
    s = 1j * np.tan(np.pi * np.minimum(frequencies_hz, 0.499 * STATED_HZ) / STATED_HZ)
    shelf_at, pass_at = (np.tan(np.pi * hz / STATED_HZ) for hz in (SHELF_HZ, PASS_HZ))
    high = 10 ** (SHELF_GAIN_DB / 20)
    middle = high**0.4996667741545416
    u, v = s / shelf_at, s / pass_at
    shelf = (high * u**2 + middle / SHELF_Q * u + 1) / (u**2 + u / SHELF_Q + 1)
    pass_ = PASS_GAIN * v**2 / (v**2 + v / PASS_Q + 1)
    gain: Float64 = np.abs(shelf * pass_) ** 2
    return gain


def _lufs(power: Any) -> Any:
    return OFFSET_LU + 10 * np.log10(np.maximum(power, FLOOR))
