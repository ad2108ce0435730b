"""OpenAiSpeechTts against servers on loopback that speak, stall, hurry, refuse and lie."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from adapters.base import AdapterError, AudioChunk, Span
from adapters.conformance.texts import TEXTS
from adapters.registry import Context
from adapters.tts.openai_speech import PREFETCH_S, RUNGS, OpenAiSpeechTts
from adapters.tts.speech_client import READ_BYTES
from adapters.tts.tests.speech_servers import Answer, Exchange, Server, refuses, says, serve
from adapters.voice import Prosody, Timbre, Voice, named
from stitcher.pcm import to_float32
from stitcher.wav import header
from timeline.clock import SystemClock

RATE_HZ = 24_000
UNIT = RATE_HZ // 100
HELLO = "Hello there."
SPEECH = (8000 * np.sin(np.arange(50 * UNIT + 17) / 9)).astype("<i2")  # half a second, and a bit of a unit
HEARD = to_float32(SPEECH)
SOON_S = 0.05  # a stall that the tests need not wait for long
PATIENCE_S = 10  # for threads; never waited for where all is well


@contextlib.contextmanager
def voice_of(server: Server, **options: Any):
    options.setdefault("timeout_s", PATIENCE_S)
    tts = OpenAiSpeechTts(
        OpenAiSpeechTts.Options(base_url=server.url, **options),
        Context(None, SystemClock(), None),  # type: ignore[arg-type]
    )
    try:
        yield tts
    finally:
        tts.close()


def span(text: str = HELLO, voice: Voice | None = None) -> Span:
    return Span(text, voice or Voice(), 1)


def pull_all(synthesis: Any, units: int = 8) -> list[AudioChunk]:
    chunks = [synthesis.pull(units, False)]
    while not chunks[-1].eos:
        chunks.append(synthesis.pull(units, False))
    return chunks


def heard(answer: Answer, text: str = HELLO, **options: Any) -> np.ndarray:
    with serve(answer) as server, voice_of(server, **options) as tts:
        return np.concatenate([chunk.pcm for chunk in pull_all(tts.open(span(text)))])


def fault(answer: Answer, **options: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        heard(answer, **options)
    line = caught.value.detail
    assert "\n" not in line
    assert "tts.openai_speech." in line
    assert ": " in line  # what is wrong: the cure
    return caught.value


def when_it_waits(synthesis: Any, then: Callable[[], None]) -> None:
    """Do this when the next pull begins to wait."""
    condition = synthesis._stream.prefetch._changed
    wait_for = condition.wait_for
    condition.wait_for = lambda predicate: (then(), wait_for(predicate))


def cut(data: bytes, *sizes: int) -> list[bytes]:
    """In pieces of these sizes, in turn."""
    pieces = []
    while data:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[:size])
        data = data[size:]
    return pieces


# -- speaking -----------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(1,), (3, 1, 7), (4095,), (10**6,)], ids=str)
def test_samples_are_whole_whatever_the_pieces(sizes):
    np.testing.assert_array_equal(heard(says(*cut(SPEECH.tobytes(), *sizes))), HEARD)


@pytest.mark.parametrize("content_type", ["audio/wav", "audio/x-wav", "audio/pcm", "application/octet-stream"])
@pytest.mark.parametrize("told", [None, 0, 40, SPEECH.size])
def test_a_wav_is_read_whatever_it_is_called_and_whatever_size_it_tells(content_type, told):
    data = header(RATE_HZ, told) + SPEECH.tobytes()
    np.testing.assert_array_equal(heard(says(*cut(data, 5, 3), content_type=content_type)), HEARD)


def test_half_a_sample_at_the_end_is_dropped_and_the_lowest_is_full_scale():
    assert heard(says(b"\x00\x80\x01\x00\x07")).tolist() == [-1.0, to_float32(np.array([1], np.int16))[0]]


def test_a_chunk_is_what_was_asked_for_and_the_last_what_is_left():
    with serve(says(SPEECH.tobytes())) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        assert synthesis.units == -1
        chunks = pull_all(synthesis, 12)
        after = synthesis.pull(12, False)
    assert [(chunk.units, chunk.pcm.size, chunk.eos) for chunk in chunks] == [(12, 12 * UNIT, False)] * 4 + [
        (3, 2 * UNIT + 17, True)
    ]
    assert (after.units, after.pcm.size, after.eos) == (0, 0, True)
    assert all(chunk.markers == () and chunk.pcm.dtype == np.float32 for chunk in chunks)


def test_a_pull_waits_for_all_of_its_chunk_or_for_the_smallest_rung_where_time_is_short():
    release = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(SPEECH[: 10 * UNIT].tobytes())
        release.wait(PATIENCE_S)
        exchange.send(SPEECH[10 * UNIT :].tobytes())
        exchange.end()

    with serve(answer) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        early = synthesis.pull(RUNGS[-1], True)
        assert RUNGS[0] <= early.units <= 10 and not early.eos  # while the server has not sent the rest
        when_it_waits(synthesis, release.set)
        assert synthesis.pull(24, False).units == 24
        assert release.is_set()


def test_the_request_says_what_is_wanted_and_no_more(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    with serve(says(SPEECH.tobytes())) as server, voice_of(server, model="m", voice="v", api_key_env="TEST_KEY") as tts:
        pull_all(tts.open(span()))
        pull_all(tts.open(span(voice=named("openai_speech", "nova", 1.5))))
        assert "secret" not in json.dumps(repr(tts.describe()))
    plain, paced = server.asked
    assert plain.pop("path") == "/v1/audio/speech"
    assert plain.pop("headers")["Authorization"] == "Bearer sk-very-secret"
    assert plain == {"model": "m", "input": HELLO, "voice": "v", "response_format": "pcm"}
    assert (paced["voice"], paced["speed"]) == ("nova", 1.5)


def test_one_connection_serves_phrase_after_phrase():
    with serve(says(*cut(SPEECH.tobytes(), 999))) as server, voice_of(server) as tts:
        for _ in range(5):
            pull_all(tts.open(span()))
    assert (len(server.asked), server.connections) == (5, 1)


def test_a_kept_connection_that_the_server_gives_up_is_made_anew():
    def answer(exchange: Exchange) -> None:
        if len(exchange.server.asked) == 2:
            exchange.hang_up()
        else:
            says(SPEECH.tobytes())(exchange)

    with serve(answer) as server, voice_of(server) as tts:
        assert [len(pull_all(tts.open(span()))) for _ in range(2)] == [7, 7]
    assert (len(server.asked), server.connections) == (3, 2)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_is_sent_as_json_or_not_at_all(text):
    with serve(says(SPEECH.tobytes())) as server, voice_of(server) as tts:
        pull_all(tts.open(span(text)))
    if text.strip():
        assert len(server.asked[0]["input"]) == len(text)
    else:
        assert server.asked == []


def test_no_audio_is_right_for_no_words_and_wrong_for_words():
    assert heard(says(), text="...").size == 0
    assert "sent no audio" in fault(says()).detail


def test_warm_up_measures_a_wait_per_span_and_what_a_unit_costs():
    with serve(says(SPEECH.tobytes())) as server, voice_of(server) as tts:
        assert tts.describe().cost is None
        tts.warm_up()
        cost = tts.describe().cost
    assert cost.open_ns > 0 and cost.load_ns >= 0 and cost.unit_ns > 0
    assert len(server.asked) == 2


# -- bounds -------------------------------------------------------------------------------


def test_a_server_that_hurries_is_held_back_by_the_network():
    """It has an hour to send; what is taken from it is what was pulled, and the buffer's limit."""
    sent = []

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        for _ in range(3600):
            exchange.send(bytes(RATE_HZ * 2))
            sent.append(1)

    with serve(answer) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        for _ in range(3):
            full = synthesis.pull(PREFETCH_S * 100, False)  # comes only when the buffer is full
            assert full.units == PREFETCH_S * 100
        held = synthesis._stream.prefetch
        assert held.held_units * UNIT <= PREFETCH_S * RATE_HZ + READ_BYTES // 2
        synthesis.close()
        assert server.gone.wait(PATIENCE_S)
    assert 3 * PREFETCH_S <= len(sent) < 1800  # the rest are the buffers of two sockets


def test_a_server_that_never_ends_is_stopped():
    minute = bytes(2 * RATE_HZ * 60)
    assert "over 600 s" in fault(says(*[minute] * 11)).detail


# -- closing ------------------------------------------------------------------------------


def test_closing_frees_the_connection_and_whoever_waits():
    begun = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        begun.set()
        assert exchange.rfile.read(1) == b""  # until the client hangs up
        exchange.server.gone.set()

    with serve(answer) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        got: list[AudioChunk] = []
        puller = threading.Thread(target=lambda: got.append(synthesis.pull(8, True)))
        puller.start()
        assert begun.wait(PATIENCE_S)
        synthesis.close()
        synthesis.close()
        puller.join(PATIENCE_S)
        assert server.gone.wait(PATIENCE_S)
        assert [(chunk.units, chunk.eos) for chunk in (*got, synthesis.pull(8, True))] == [(0, True)] * 2


def test_it_may_be_closed_before_the_server_has_answered_at_all():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tts = OpenAiSpeechTts(OpenAiSpeechTts.Options(base_url=url), Context(None, SystemClock(), None))  # type: ignore[arg-type]
        synthesis = tts.open(span())
        connection, _ = silent.accept()
        with connection:
            synthesis.close()
            connection.settimeout(PATIENCE_S)
            while connection.recv(4096):  # its request, and then the end
                pass
        tts.close()


def test_closing_the_engine_ends_what_is_under_way_and_it_can_begin_again():
    hold = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        hold.wait(PATIENCE_S)
        exchange.send(SPEECH.tobytes())
        exchange.end()

    with serve(answer) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        tts.close()
        assert synthesis.pull(8, True).eos
        hold.set()
        assert sum(chunk.pcm.size for chunk in pull_all(tts.open(span()))) == SPEECH.size


# -- faults -------------------------------------------------------------------------------


def test_nobody_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: no one else gets the port
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        tts = OpenAiSpeechTts(OpenAiSpeechTts.Options(base_url=url), Context(None, SystemClock(), None))  # type: ignore[arg-type]
        with pytest.raises(AdapterError, match="refused the connection: start the server") as caught:
            tts.open(span()).pull(8, True)
        tts.close()
    assert (caught.value.kind, caught.value.retryable) == ("refused", False)


def test_a_server_that_is_not_who_it_should_be_is_not_spoken_to():
    with serve(says(SPEECH.tobytes())) as server:
        url = server.url.replace("http:", "https:")
        tts = OpenAiSpeechTts(OpenAiSpeechTts.Options(base_url=url), Context(None, SystemClock(), None))  # type: ignore[arg-type]
        with pytest.raises(AdapterError, match=r"cannot be trusted \(.*SSL.*\): check tts\.openai_speech") as caught:
            tts.open(span()).pull(8, True)
        tts.close()
        assert server.asked == []
    assert (caught.value.kind, caught.value.retryable) == ("refused", False)


@pytest.mark.parametrize(
    ("status", "body", "words", "retryable"),
    [
        (401, '{"error": {"message": "Incorrect API key"}}', "401 (Incorrect API key): set tts", False),
        (404, '{"detail": "Not Found"}', "404 (Not Found): check tts.openai_speech.base_url", False),
        (422, "", "422 (no words): check tts.openai_speech.model", False),
        (429, "slow\n<b>down</b>", "429 (slow down): wait", True),
        (503, "", "503 (no words): look at the server's log", True),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(status, body, words, retryable):
    error = fault(refuses(status, body, Retry_After="1"))
    assert words in error.detail
    assert (error.kind, error.retryable) == ("refused", retryable)


def test_the_key_is_in_no_message(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    error = fault(refuses(401, "no such key: sk-very-secret"), api_key_env="TEST_KEY")
    assert "no such key: ***" in error.detail
    with pytest.raises(AdapterError, match="UNSET"):
        heard(says(), api_key_env="UNSET")


def test_a_redirect_is_not_followed():
    with serve(says(SPEECH.tobytes())) as elsewhere:
        error = fault(refuses(307, "", Location=f"{elsewhere.url}/audio/speech?key=1"))
        assert elsewhere.asked == []
    assert f"redirects to {elsewhere.url.split('/')[2]}, which is not followed" in error.detail
    assert (error.kind, error.retryable) == ("refused", False)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("audio/mpeg", b"ID3", "audio/mpeg instead of PCM or WAV"),
        ("text/html", b"<html>", "text/html instead of PCM or WAV"),
        ("application/json", b"{}", "application/json instead"),
        ("application/octet-stream", b"\xff\xfb\x90\x64", "MP3 instead of"),
        ("audio/pcm;rate=16000", b"0000", "audio of 16000 Hz: set tts.openai_speech.rate_hz"),
        ("audio/wav", header(22_050, None), "audio of 22050 Hz: set tts.openai_speech.rate_hz"),
        ("audio/wav", b"nonsense", "a file that is not a WAV"),
    ],
)
def test_what_is_no_pcm_is_refused_in_one_line(content_type, body, words):
    error = fault(says(body, content_type=content_type))
    assert words in error.detail
    assert (error.kind, error.retryable) == ("unsupported", False)


def test_what_is_no_http_is_garbage():
    def answer(exchange: Exchange) -> None:
        exchange.wfile.write(b"HELO mail.example\r\n")
        exchange.hang_up()

    assert fault(answer).kind == "garbage"


def stalls(*blocks: bytes) -> tuple[Answer, threading.Event]:
    """Sends these and falls silent until the event."""
    release = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        for block in blocks:
            exchange.send(block)
        release.wait(PATIENCE_S)

    return answer, release


def breaks_off(*blocks: bytes) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.begin()
        for block in blocks:
            exchange.send(block)
        exchange.hang_up()

    return answer


def test_a_stall_before_the_first_sample_may_be_asked_again():
    answer, release = stalls()
    with serve(answer) as server, voice_of(server, timeout_s=SOON_S) as tts:
        synthesis = tts.open(span())
        with pytest.raises(
            AdapterError, match=r"sent nothing for 0.05 s: raise tts\.openai_speech\.timeout_s"
        ) as caught:
            synthesis.pull(8, True)
        assert (caught.value.kind, caught.value.retryable) == ("stalled", True)
        server.answer = says(SPEECH.tobytes())
        assert sum(chunk.pcm.size for chunk in pull_all(synthesis)) == SPEECH.size
        release.set()
    assert len(server.asked) == 2


def test_a_stall_in_mid_speech_is_final_and_comes_after_what_was_received():
    answer, release = stalls(SPEECH[: 20 * UNIT + 5].tobytes())
    with serve(answer) as server, voice_of(server, timeout_s=SOON_S) as tts:
        synthesis = tts.open(span())
        assert [synthesis.pull(16, False).units for _ in range(2)] == [16, 4]
        for _ in range(2):
            with pytest.raises(AdapterError) as caught:
                synthesis.pull(16, False)
            assert (caught.value.kind, caught.value.retryable) == ("stalled", False)
        release.set()
    assert len(server.asked) == 1


def test_an_answer_that_breaks_off_is_no_end():
    with serve(breaks_off(SPEECH.tobytes())) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        chunk = synthesis.pull(50, False)
        assert (chunk.units, chunk.eos) == (50, False)
        with pytest.raises(AdapterError, match="closed the connection before its reply ended") as caught:
            synthesis.pull(50, False)
    assert (caught.value.kind, caught.value.retryable) == ("crashed", False)


def test_an_answer_that_breaks_off_before_it_sounds_may_be_asked_again():
    error = fault(breaks_off())
    assert (error.kind, error.retryable) == ("crashed", True)


def test_time_does_not_count_while_the_buffer_is_full():
    """The server waits for us, not we for it: a pause of any length in the playing is no stall."""
    seconds = cut(bytes(2 * RATE_HZ * (PREFETCH_S + 20)), 2 * RATE_HZ)
    with serve(says(*seconds)) as server, voice_of(server) as tts:
        synthesis = tts.open(span())
        synthesis.pull(PREFETCH_S * 100 - 1, False)
        loop = tts._client._loop
        full = threading.Event()

        def look() -> None:
            held = synthesis._stream.prefetch.held_units
            full.set() if held >= PREFETCH_S * 100 else loop.call_soon(look)

        loop.call_soon_threadsafe(look)
        assert full.wait(PATIENCE_S)
        now_s = loop.time
        loop.time = lambda: now_s() + 3600  # an hour passes
        assert sum(chunk.units for chunk in pull_all(synthesis, 64)) == 2001


# -- describing ---------------------------------------------------------------------------


def test_the_capability_declares_what_it_is_and_whom_it_talks_to():
    for url, host in (("https://speech.example/v1", "speech.example"), ("http://127.0.0.1:8880", "127.0.0.1")):
        tts = OpenAiSpeechTts(OpenAiSpeechTts.Options(base_url=url, rate_hz=16_000), Context(None, SystemClock(), None))  # type: ignore[arg-type]
        capability = tts.describe()
        assert (capability.egress, capability.delivery, capability.markers) == ((host,), "push", "none")
        assert not capability.deterministic and not capability.supports_seed
        assert (capability.rate_hz, capability.unit, capability.unit_samples) == (16_000, "ms", 160)
        tts.close()


@pytest.mark.parametrize(
    "options",
    [{"base_url": "ftp://x"}, {"rate_hz": 11_025}, {"rate_hz": 24_001}, {"instructions_template": "Speak nicely."},
     {"response_format": "mp3"}, {"timeout_s": 0}],
    ids=str,
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValidationError):
        OpenAiSpeechTts.Options(**options)


RICH = Voice(
    timbre=Timbre(gender="female", pitch_hz=230), prosody=Prosody(pauses=1.5), accent="en-GB",
    emotion_priors={"joy": 0.5, "fear": 0.0}, pace=1.25,
)  # fmt: skip


def projected(template: str) -> tuple[Any, dict[str, str]]:
    options = OpenAiSpeechTts.Options(instructions_template=template)
    projection = OpenAiSpeechTts(options, Context(None, SystemClock(), None)).project(RICH)  # type: ignore[arg-type]
    return projection.knobs, {one.field: one.how for one in projection.report}


def test_a_persona_is_told_in_words_where_a_template_asks_for_it():
    knobs, came = projected("Speak like this: {persona}.")
    assert knobs["instructions"] == "Speak like this: female voice, high pitch, long pauses, en-GB accent, some joy."
    assert set(came) == set(RICH.asked()) and set(came.values()) == {"approximated"}


def test_without_a_template_it_is_reported_as_ignored():
    knobs, came = projected("")
    assert knobs == {"voice": "alloy", "speed": 1.25}
    assert came.pop("pace") == "approximated"
    assert set(came.values()) == {"ignored"}
