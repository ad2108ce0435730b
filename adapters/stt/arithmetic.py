"""Which numbers Whisper is computed in, and by how many threads: what this processor does right, and soon.

x86 without AVX512-VNNI adds products of int8 in 16 bits, which overflow (oneDNN's documentation: "int8 computation
aspects"). Seen with base on AVX2: brown noise became sentences, one short saying was written twice, of clipped speech
half the words were wrong. In float32 none of that is so. Elsewhere int8 is exact, and the quickest.

Milliseconds of one final text (median of 80 utterances) and of one provisional text of 0.8 s, two cores with AVX2:
    int8, one thread     479   221         float32, one thread     702   360
    int8, two threads    478   239         float32, two threads    513   273
With VNNI one thread takes 74 ms for a provisional text, two take 90.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Literal

ComputeType = Literal["int8", "int8_float32", "float32"]

CPU_INFO = Path("/proc/cpuinfo")
VNNI = "avx512_vnni"
X86 = frozenset({"x86_64", "amd64", "i386", "i686"})
FLOAT_THREADS = 2  # float32 waits for memory less with two; int8 does not


def compute_type(machine: str | None = None, cpu_info: Path = CPU_INFO) -> ComputeType:
    """Of the CPU. `machine`: as platform.machine() says. Where nothing is known of an x86 processor: float32."""
    if (machine or platform.machine()).lower() not in X86:
        return "int8"
    try:
        flags = next((line for line in cpu_info.read_text().splitlines() if line.startswith("flags")), "")
    except OSError:  # not Linux
        return "float32"
    return "int8" if VNNI in flags.split() else "float32"


def threads(numbers: ComputeType) -> int:
    """That a recognizer of one voice should use."""
    return min(FLOAT_THREADS, os.cpu_count() or 1) if numbers == "float32" else 1
