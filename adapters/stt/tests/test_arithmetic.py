"""int8 only where the processor multiplies it without overflowing."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.stt import arithmetic

AVX2 = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse2 avx2 bmi2\n\nprocessor\t: 1\nflags\t\t: avx2\n"


@pytest.mark.parametrize(
    ("machine", "cpu_info", "numbers"),
    [
        ("x86_64", AVX2, "float32"),
        ("AMD64", AVX2.replace("avx2", "avx2 avx512f"), "float32"),
        ("x86_64", AVX2.replace("avx2", "avx2 avx512f avx512_vnni"), "int8"),
        ("x86_64", "no flags here", "float32"),
        ("x86_64", None, "float32"),
        ("aarch64", None, "int8"),
        ("arm64", None, "int8"),
    ],
)
def test_int8_is_for_processors_that_do_it_right(tmp_path: Path, machine: str, cpu_info: str | None, numbers: str):
    path = tmp_path / "cpuinfo"
    if cpu_info is not None:
        path.write_text(cpu_info)
    assert arithmetic.compute_type(machine, path) == numbers


def test_this_machine_has_an_answer():
    assert arithmetic.compute_type() in ("int8", "float32")


@pytest.mark.parametrize(("cores", "numbers", "threads"), [(8, "float32", 2), (1, "float32", 1), (8, "int8", 1)])
def test_float32_takes_two_threads_where_there_are_as_many_cores(monkeypatch, cores, numbers, threads):
    monkeypatch.setattr(arithmetic.os, "cpu_count", lambda: cores)
    assert arithmetic.threads(numbers) == threads
