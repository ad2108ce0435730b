"""The embedded model: its prompt, its process (with a stand-in for llama.cpp), and the real thing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.base import AdapterError, Message
from adapters.llm import embedded
from adapters.llm.embedded import FILE, WEIGHTS, EmbeddedReplies, goes_in_circles, prompt, recent
from adapters.llm.llama_server import LlamaProcess

HELLO = [Message("user", "Hello?")]

# What the child imports as xllamacpp instead of the real one: a server of the same interface, that
# crashes when it is asked to.
STAND_IN = """
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

def CommonParams():
    parts = ("model", "cpuparams", "cpuparams_batch")
    return SimpleNamespace(**{part: SimpleNamespace() for part in parts})

class Server:
    def __init__(self, parameters):
        print("chatter of the engine")
        if open(parameters.model.path).read() != "weights":
            raise RuntimeError("failed to load model")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers["Authorization"] != "Bearer " + parameters.api_keys[0]:
                    return self.send_error(401)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                question = body["prompt"].splitlines()[-2]
                for word in (" I", " heard", " you."):
                    self.wfile.write(b'data: {"choices": [{"text": "%s"}]}\\n\\n' % word.encode())
                    self.wfile.flush()
                    if "crash" in question:
                        print("out of luck", flush=True)
                        os._exit(3)
                self.wfile.write(b"data: [DONE]\\n\\n")

            def log_message(self, *_): pass

        server = ThreadingHTTPServer(("127.0.0.1", parameters.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = "http://127.0.0.1:%d" % server.server_port
"""


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights for the stand-in, which both ends then find as xllamacpp."""
    (tmp_path / "xllamacpp.py").write_text(STAND_IN)
    (tmp_path / FILE).write_text("weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def with_replies(folder: Path, use: Callable[[EmbeddedReplies], Awaitable[None]], **options: Any) -> None:
    class Weights:
        def locate(self, name: str) -> Path:
            assert name == WEIGHTS
            return folder

    async def run() -> None:
        source = EmbeddedReplies(EmbeddedReplies.Options(**options), SimpleNamespace(weights=Weights()))  # type: ignore[arg-type]
        try:
            await use(source)
        finally:
            await source.close()
            await source.close()

    asyncio.run(run())


async def listen(source: EmbeddedReplies, messages: list[Message] = HELLO) -> list[str]:
    return [piece async for piece in source.reply(messages)]


def test_a_reply_comes_from_a_process_of_its_own(weights: Path) -> None:
    async def use(source: EmbeddedReplies) -> None:
        await source.warm_up()
        assert await listen(source) == ["I", " heard", " you."]

    with_replies(weights, use)


def test_a_crash_in_mid_reply_is_said_and_the_next_reply_works(weights: Path) -> None:
    async def use(source: EmbeddedReplies) -> None:
        with pytest.raises(AdapterError, match=r"code 3 \(out of luck\)") as caught:
            await listen(source, [Message("user", "Please crash.")])
        assert (caught.value.kind, caught.value.retryable) == ("crashed", True)
        assert await listen(source) == ["I", " heard", " you."]

    with_replies(weights, use)


def test_two_replies_that_one_crash_ends_both_say_so(weights: Path) -> None:
    async def use(source: EmbeddedReplies) -> None:
        await source.warm_up()
        crashes = [listen(source, [Message("user", "Please crash.")]) for _ in range(2)]
        for error in await asyncio.gather(*crashes, return_exceptions=True):
            assert isinstance(error, AdapterError)
            assert error.kind == "crashed"
            assert "code 3" in error.detail

    with_replies(weights, use)


def test_a_start_that_is_cancelled_leaves_no_process(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[LlamaProcess] = []
    wait_ready = LlamaProcess._wait_ready

    async def run() -> None:
        loading = asyncio.Event()

        async def noted(process: LlamaProcess) -> None:
            made.append(process)
            loading.set()
            await wait_ready(process)

        monkeypatch.setattr(LlamaProcess, "_wait_ready", noted)
        start = asyncio.create_task(LlamaProcess.start(weights / FILE, 1, 512))
        await loading.wait()
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert made[0]._process.returncode is not None

    asyncio.run(run())


def test_two_first_replies_start_one_process(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = LlamaProcess.start

    async def counted(*arguments: Any) -> LlamaProcess:
        started.append(arguments)
        return await start(*arguments)

    monkeypatch.setattr(LlamaProcess, "start", counted)

    async def use(source: EmbeddedReplies) -> None:
        assert await asyncio.gather(listen(source), listen(source)) == [["I", " heard", " you."]] * 2
        assert len(started) == 1

    with_replies(weights, use)


def test_a_file_that_is_no_model_is_said_with_the_engines_words(weights: Path) -> None:
    (weights / FILE).write_text("garbage")

    async def use(source: EmbeddedReplies) -> None:
        with pytest.raises(AdapterError, match=r"failed to load model.*llm\.embedded\.model_path") as caught:
            await source.warm_up()
        assert caught.value.kind == "crashed"

    with_replies(weights, use)


def test_a_model_path_that_is_no_file_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")

    async def use(source: EmbeddedReplies) -> None:
        with pytest.raises(AdapterError, match=r"llm\.embedded\.model_path") as caught:
            await source.warm_up()
        assert caught.value.kind == "missing"

    with_replies(tmp_path, use, model_path=tmp_path / "none.gguf")


def test_an_absent_engine_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)

    async def use(source: EmbeddedReplies) -> None:
        with pytest.raises(AdapterError, match=r"duckbill\[embedded\]") as caught:
            await source.warm_up()
        assert caught.value.kind == "missing"

    with_replies(tmp_path, use)


def test_the_child_ends_with_its_stdin(weights: Path) -> None:
    async def run() -> int:
        process = await LlamaProcess.start(weights / FILE, 1, 512)
        child = process._process
        assert child.stdin is not None
        child.stdin.close()  # what the kernel does when the parent dies
        code = await asyncio.wait_for(child.wait(), 10)
        await process.end()
        return code

    assert asyncio.run(run()) == 0


def test_the_prompt_is_the_examples_then_the_talk() -> None:
    talk = [
        Message("system", "Be kind."), Message("user", "Good\n morning"), Message("assistant", "Hi."),
        Message("user", "Bye"),
    ]  # fmt: skip
    assert prompt("Talk.", [("A?", "B.")], talk).splitlines() == [
        "Talk.", "User: A?", "Assistant: B.",
        "User: Good morning", "Assistant: Hi.", "User: Bye", "Assistant:",
    ]  # fmt: skip


def test_the_history_is_bounded_and_keeps_its_beginning_for_some_turns() -> None:
    talk: list[Message] = []
    begins = set()
    for turn in range(40):
        talk.append(Message("user", f"Question {turn}, " + "words " * 10))
        kept = recent(talk)
        assert kept[-1] == talk[-1]
        assert sum(len(message.text.strip()) for message in kept) <= embedded.HISTORY_CHARS
        begins.add(kept[0].text)
        talk.append(Message("assistant", f"Answer {turn}."))
    assert len(begins) <= 40 * 2 // embedded.HISTORY_STEP


def test_a_long_message_is_cut_to_its_end() -> None:
    line = prompt("", [], [Message("user", "word " * 1000 + "end")]).splitlines()[-2]
    assert line.endswith("end")
    assert len(line) == len("User: ") + embedded.MESSAGE_CHARS


@pytest.mark.parametrize(
    ("said", "circles"),
    [
        ("", False),
        ("the sea is blue and deep and wide", False),
        ("I like it. I like it.", False),
        ("It is a long way home, it is a long way", True),
        ("no no no no no no", True),
        ("The moon is 1" + "0" * 40, True),
    ],
)
def test_circles(said: str, circles: bool) -> None:
    assert goes_in_circles(said) is circles


# -- the real thing -----------------------------------------------------------------------


@pytest.fixture
def gemma() -> Path:
    pytest.importorskip("xllamacpp")
    catalogue = pytest.importorskip("adapters.weights")
    try:
        folder: Path = catalogue.Weights(catalogue.default_cache()).locate(WEIGHTS)
    except AdapterError as error:
        pytest.skip(error.detail)
    return folder


@pytest.mark.engines
def test_the_real_model_answers_is_cancelled_killed_and_answers_the_same(gemma: Path) -> None:
    talk = [Message("user", "What is the capital of France?")]

    async def use(source: EmbeddedReplies) -> None:
        await source.warm_up()
        answer = "".join(await listen(source, talk))
        assert "Paris" in answer
        assert "\n" not in answer
        pieces: AsyncIterator[str] = source.reply([Message("user", "Tell me a long story.")])
        assert await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]
        assert source._running is not None
        os.kill(source._running[0]._process.pid, signal.SIGKILL)
        with pytest.raises(AdapterError) as caught:
            await listen(source, talk)
        assert (caught.value.kind, caught.value.retryable) == ("crashed", True)
        assert "".join(await listen(source, talk)) == answer

    with_replies(gemma, use, temperature=0)
