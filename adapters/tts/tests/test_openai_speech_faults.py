"""OpenAiSpeechTts against servers on loopback that stall, break off, refuse and lie."""

from __future__ import annotations

import socket
import threading

import pytest

from adapters.base import AdapterError
from adapters.tts.openai_speech import PREFETCH_S
from adapters.tts.tests.speech_servers import Answer, Exchange, refuses, says, serve
from adapters.tts.tests.speech_voice import (
    PATIENCE_S,
    RATE_HZ,
    SOON_S,
    SPEECH,
    UNIT,
    all_of,
    bring,
    cut,
    fault,
    heard,
    span,
    voice_of,
)
from stitcher.wav import header


def test_nobody_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: no one else gets the port
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        tts = bring(url)
        with pytest.raises(AdapterError, match="refused the connection: start the server") as caught:
            tts.open(span()).pull(8, True)
        tts.close()
    assert (caught.value.kind, caught.value.retryable) == ("refused", False)


def test_a_server_that_is_not_who_it_should_be_is_not_spoken_to():
    with serve(says(SPEECH.tobytes())) as server:
        url = server.url.replace("http:", "https:")
        tts = bring(url)
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
        assert sum(chunk.pcm.size for chunk in all_of(synthesis)) == SPEECH.size
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
        assert sum(chunk.units for chunk in all_of(synthesis, 64)) == 2001
