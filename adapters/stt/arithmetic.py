"""Which numbers Whisper is computed in: what this processor does right, and soon.

x86 without AVX512-VNNI adds products of int8 in 16 bits, which overflow (oneDNN's guide, "Nuances of int8
Computations"). Seen with base on AVX2: brown noise became sentences, one short saying was written twice, of clipped
speech half the words were wrong. There the weights are put into seven bits, with which nothing overflows; see
seven_bits. What cannot be put so is computed in float32, which takes half as long again, and two threads. Elsewhere
int8 is exact.

Milliseconds of one final text (median of 80 utterances) and of one provisional text of 0.8 s, two cores with AVX2:
    int8 or seven bits, one thread    479   221         float32, one thread     702   360
    two threads                       443   250         float32, two threads    513   273
With VNNI one thread takes 74 ms for a provisional text, two take 90.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Literal, NamedTuple

from adapters.stt.seven_bits import in_seven_bits

ComputeType = Literal["int8", "int8_float32", "float32"]

CPU_INFO = Path("/proc/cpuinfo")
VNNI = "avx512_vnni"
X86 = frozenset({"x86_64", "amd64", "i386", "i686"})
FLOAT_THREADS = 2  # float32 waits for memory less with two; int8 does not


class Plan(NamedTuple):
    """What is to be opened, and how."""

    folder: Path
    compute_type: ComputeType
    threads: int


def plan(folder: Path, digest: str, cache: Path, exact: bool) -> Plan:
    """For the CPU. `exact`: it adds int8 without overflow. `digest`: of the model in `folder`."""
    if exact:
        return Plan(folder, "int8", 1)
    try:
        return Plan(in_seven_bits(folder, digest, cache), "int8", 1)
    except (ValueError, OSError):  # written otherwise, or nowhere to keep it
        return Plan(folder, "float32", threads("float32"))


def exact_int8(machine: str | None = None, cpu_info: Path = CPU_INFO) -> bool:
    """Whether this processor adds products of int8 exactly; where nothing is known of an x86 one, it does not.
    `machine`: as platform.machine() says."""
    if (machine or platform.machine()).lower() not in X86:
        return True
    try:
        flags = next((line for line in cpu_info.read_text().splitlines() if line.startswith("flags")), "")
    except OSError:  # not Linux
        return False
    return VNNI in flags.split()


def threads(numbers: ComputeType) -> int:
    """That a recognizer of one voice should use."""
    return min(FLOAT_THREADS, os.cpu_count() or 1) if numbers == "float32" else 1
