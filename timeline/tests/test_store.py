"""Files are whole or not there, and none is lost under another."""

from __future__ import annotations

from pathlib import Path

import pytest

from timeline import store
from timeline.store import archive, write_atomically


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "manifest.json"
    for data in (b"first", b"second and longer", b""):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "manifest.json"
    write_atomically(path, b"old")

    def fail(self: Path, _data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(("name", "names"), [
    ("out.wav", ["out.1.wav", "out.2.wav"]), ("README", ["README.1", "README.2"]),
])  # fmt: skip
def test_archived_files_are_numbered(tmp_path, name, names):
    path = tmp_path / name
    for number, target in enumerate(names):
        path.write_bytes(bytes([number]))
        assert archive(path) == tmp_path / target
        assert not path.exists()
    assert [(tmp_path / target).read_bytes() for target in names] == [b"\0", b"\1"]


def test_nothing_to_archive(tmp_path):
    assert archive(tmp_path / "out.wav") is None


def test_copies_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ARCHIVE_MOST", 2)
    path = tmp_path / "out.wav"
    for _ in range(2):
        path.touch()
        archive(path)
    path.touch()
    with pytest.raises(FileExistsError, match="remove some"):
        archive(path)
    assert path.exists()
