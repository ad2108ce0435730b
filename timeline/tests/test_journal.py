"""The journal: whole lines whatever happens to the process, the disk or the queue; and it says what it dropped."""

from __future__ import annotations

import threading

import numpy as np
import orjson
import pytest

from timeline import journal as module
from timeline.events import EarFrame, UserTyped
from timeline.journal import JOURNAL, MANIFEST, SCHEMA, JournalWriter, read_journal

MANIFEST_FIELDS = {"seed": 7, "rate_hz": 24_000}
HEAD = {"schema": SCHEMA, "manifest": MANIFEST_FIELDS}


class Gate:
    """A disk that waits: holds up the writer's encoding of the text "wait" until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        encode = module.encode

        def slow(fact):
            if fact == UserTyped("wait"):
                self.reached.set()
                self.open.wait()
            return encode(fact)

        monkeypatch.setattr(module, "encode", slow)


@pytest.fixture
def writer(tmp_path):
    made = JournalWriter(tmp_path / "run", MANIFEST_FIELDS)
    yield made
    made.close()


def lines(writer: JournalWriter) -> list[dict]:
    writer.close()
    return list(read_journal(writer.folder / JOURNAL))


def texts(records: list[dict]) -> list[str]:
    return [record["event"]["text"] for record in records if "event" in record]


def test_facts_are_written_in_order(writer):
    writer.record(1, "event", UserTyped("one"))
    writer.record(2, "action", UserTyped("two"))
    writer.record(3, "note", {"free": [1, 2]})
    assert lines(writer) == [
        HEAD,
        {"t": 1, "event": {"kind": "UserTyped", "text": "one"}},
        {"t": 2, "action": {"kind": "UserTyped", "text": "two"}},
        {"t": 3, "note": {"free": [1, 2]}},
    ]
    assert orjson.loads((writer.folder / MANIFEST).read_bytes()) == MANIFEST_FIELDS
    assert (writer.dropped, writer.fault) == (0, "")


def test_a_recording_beside_it_is_appended_and_its_head_patched(writer):
    for data in (b"....", b"abc", b"def"):
        writer.append("out.wav", data)
    writer.patch("out.wav", b"HEAD")
    writer.append("out.wav", b"g")
    writer.close()
    assert (writer.folder / "out.wav").read_bytes() == b"HEADabcdefg"


def test_an_old_run_is_not_written_over(writer):
    with pytest.raises(FileExistsError):
        JournalWriter(writer.folder, {})


def test_closing_twice_and_recording_afterwards_harm_nothing(writer):
    writer.record(1, "event", UserTyped("one"))
    writer.close()
    writer.record(2, "event", UserTyped("late"))
    assert texts(lines(writer)) == ["one"]


# -- a crash ------------------------------------------------------------------------------


def test_cut_at_any_byte_it_reads_up_to_its_last_whole_line(writer, tmp_path):
    for number, text in enumerate(("one", "zwölf\n", '"}\\', "😀")):
        writer.record(number, "event", UserTyped(text))
    whole = lines(writer)
    data = (writer.folder / JOURNAL).read_bytes()
    path = tmp_path / "cut.jsonl"
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        complete = data[:size].count(b"\n")
        if complete == 0:
            with pytest.raises(ValueError, match="no journal"):
                list(read_journal(path))
        else:
            assert list(read_journal(path)) == whole[:complete]


@pytest.mark.parametrize("data", [b"", b"\n", b"RIFF\n", b"[1]\n", b"{}\n", b'{"schema": 99}\n', b"\xff\xfe\n"])
def test_what_is_no_journal_is_said_to_be_none(tmp_path, data):
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="no journal"):
        list(read_journal(path))


def test_a_damaged_line_ends_the_reading(writer, tmp_path):
    writer.record(1, "event", UserTyped("one"))
    writer.close()
    path = writer.folder / JOURNAL
    path.write_bytes(path.read_bytes() + b'{"t": 2, "ev\n{"t": 3}\n')
    assert texts(list(read_journal(path))) == ["one"]


def test_an_idle_journal_lies_on_the_disk(writer, monkeypatch):
    """A process that is killed while nothing happens has lost nothing."""
    there = threading.Event()
    flush = JournalWriter._flush

    def look(self):
        flush(self)
        if texts(list(read_journal(self.folder / JOURNAL))) == ["one"]:
            there.set()

    monkeypatch.setattr(JournalWriter, "_flush", look)
    writer.record(1, "event", UserTyped("one"))
    assert there.wait(10)  # seconds; long before the file is closed


# -- a full queue -------------------------------------------------------------------------


def test_a_full_queue_drops_what_is_newest_and_waits_for_nobody(writer, monkeypatch):
    gate = Gate(monkeypatch)
    monkeypatch.setattr(module, "QUEUE_MOST", 4)
    writer.record(0, "event", UserTyped("wait"))
    gate.reached.wait()
    for number in range(10):
        writer.record(number, "event", UserTyped(str(number)))
    assert writer.dropped == 6
    gate.open.set()
    assert texts(lines(writer)) == ["wait", "0", "1", "2", "3"]


def test_drops_are_noted_where_they_happened(writer, monkeypatch):
    gate = Gate(monkeypatch)
    monkeypatch.setattr(module, "QUEUE_MOST", 2)
    writer.record(0, "event", UserTyped("wait"))
    gate.reached.wait()
    for number in range(5):
        writer.record(number, "event", UserTyped(str(number)))
    monkeypatch.setattr(module, "QUEUE_MOST", 9)
    writer.record(7, "event", UserTyped("after"))
    gate.open.set()
    records = lines(writer)
    assert records[-2:] == [
        {"t": 7, "note": {"dropped": 3}},
        {"t": 7, "event": {"kind": "UserTyped", "text": "after"}},
    ]


def test_drops_at_the_very_end_are_noted_too(writer, monkeypatch):
    gate = Gate(monkeypatch)
    monkeypatch.setattr(module, "QUEUE_MOST", 2)
    writer.record(0, "event", UserTyped("wait"))
    gate.reached.wait()
    for number in range(5):
        writer.record(number, "event", UserTyped(str(number)))
    gate.open.set()
    assert lines(writer)[-1]["note"] == {"dropped": 3}


# -- what cannot be written ---------------------------------------------------------------


@pytest.mark.parametrize("fact", [
    UserTyped("\ud800"), UserTyped(2**70), UserTyped(object()), EarFrame(np.int64(1), 2, 0.5, -20.0, 3),
], ids=["half a character", "a large number", "an object", "a numpy number"])  # fmt: skip
def test_one_fact_that_is_no_json_does_not_end_the_journal(writer, fact):
    writer.record(1, "event", UserTyped("before"))
    writer.record(2, "event", fact)
    writer.record(3, "event", UserTyped("after"))
    records = lines(writer)
    assert texts(records) == ["before", "after"]
    assert writer.dropped == 1
    assert records[-1]["note"] == {"dropped": 1}


def test_a_failing_disk_is_reported_and_nothing_raises(writer, monkeypatch):
    failed, write = threading.Event(), JournalWriter._write

    def fail(self, name, at, content):
        if content == {"schema": SCHEMA, "manifest": MANIFEST_FIELDS}:
            return write(self, name, at, content)
        failed.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(JournalWriter, "_write", fail)
    writer.record(1, "event", UserTyped("one"))
    failed.wait()
    writer.record(2, "event", UserTyped("two"))
    writer.close()
    assert writer.fault == f"{writer.folder}: No space left on device"
    assert writer.dropped == 2
    writer.record(3, "event", UserTyped("three"))
    assert writer.dropped == 3


def test_an_unwritable_folder_is_an_os_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        JournalWriter(tmp_path / "file" / "run", {})
