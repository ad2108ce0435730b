"""How much memory is left, read from files of our own making."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.stt.memory import available_bytes, out_of_memory

MIB = 1 << 20


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MACHINE = {"proc/meminfo": f"MemTotal: {9000 * 1024} kB\nMemAvailable: {900 * 1024} kB\nBuffers: 0 kB\n"}


def group(folder: str, limit: str, used_mb: int, cached_mb: int = 0) -> dict[str, str]:
    return {
        f"{folder}/memory.max": limit + "\n",
        f"{folder}/memory.current": f"{used_mb * MIB}\n",
        f"{folder}/memory.stat": f"anon 5\ninactive_file {cached_mb * MIB}\nactive_file 7\n",
    }


def test_without_groups_it_is_what_the_machine_has(tmp_path):
    assert available_bytes(lay(tmp_path, MACHINE)) == 900 * MIB


def test_of_nested_groups_the_tightest_counts_and_cached_files_are_free(tmp_path):
    lay(tmp_path, MACHINE | {"proc/self/cgroup": "0::/outer/inner\n"})
    lay(tmp_path, group("sys/fs/cgroup/outer/inner", "max", 50))
    lay(tmp_path, group("sys/fs/cgroup/outer", str(400 * MIB), 300, cached_mb=60))
    assert available_bytes(tmp_path) == 160 * MIB


def test_a_group_beyond_its_limit_has_nothing_left(tmp_path):
    lay(tmp_path, MACHINE | {"proc/self/cgroup": "0::/\n"} | group("sys/fs/cgroup", str(100 * MIB), 101))
    assert available_bytes(tmp_path) == 0


def test_groups_of_the_older_kind(tmp_path):
    folder = "sys/fs/cgroup/memory/box"
    lay(tmp_path, MACHINE | {
        "proc/self/cgroup": "9:cpu:/elsewhere\n4:memory:/box\n0::/\n",
        f"{folder}/memory.limit_in_bytes": str(200 * MIB),
        f"{folder}/memory.usage_in_bytes": str(150 * MIB),
        f"{folder}/memory.stat": f"inactive_file 1\ntotal_inactive_file {10 * MIB}\n",
    })  # fmt: skip
    assert available_bytes(tmp_path) == 60 * MIB


def test_where_nobody_tells_it_is_not_known(tmp_path):
    assert available_bytes(tmp_path) is None


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="Linux only")
def test_this_machine_has_some():
    assert 0 < (available_bytes() or 0) < 1 << 50


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (MemoryError(), True),
        (RuntimeError("mkl_malloc: failed to allocate memory"), True),
        (RuntimeError("CUDA failed with error out of memory"), True),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("CUDA failed with error CUDA driver version is insufficient for CUDA runtime version"), False),
        (ValueError("unexpected end of file"), False),
    ],
)
def test_what_failed_for_want_of_memory(error, refused):
    assert out_of_memory(error) is refused
