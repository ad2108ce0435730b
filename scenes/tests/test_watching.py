"""What the process writes is seen, and what threads write that have nothing to do with it is not."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from scenes.watching import COUNTERS, watch_writes

pytestmark = pytest.mark.skipif(not COUNTERS.exists(), reason="only Linux counts what is written")


def test_what_is_written_in_the_block_is_counted(tmp_path: Path) -> None:
    with watch_writes() as writes:
        (tmp_path / "file").write_bytes(b"12345")
    assert writes.written_bytes == 5 and len(writes.files) == 1


def test_what_a_thread_of_the_block_writes_is_counted_too(tmp_path: Path) -> None:
    with watch_writes() as writes:
        thread = threading.Thread(target=(tmp_path / "file").write_bytes, args=(b"12345",))
        thread.start()
        thread.join()
    assert writes.written_bytes == 5


def test_what_an_older_thread_writes_is_its_own_business() -> None:
    reading, writing = os.pipe()
    go, done, end = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        go.wait()
        os.write(writing, b"12345")
        done.set()
        end.wait()

    thread = threading.Thread(target=work)
    thread.start()
    with watch_writes() as writes:
        go.set()
        done.wait()
    end.set()
    thread.join()
    os.close(reading)
    os.close(writing)
    assert writes.written_bytes == 0
