"""OpenAiSpeechTts against servers on loopback that speak and hurry."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from adapters.base import AudioChunk
from adapters.conformance.texts import TEXTS
from adapters.tts.openai_speech import PREFETCH_S, RUNGS, OpenAiSpeechTts
from adapters.tts.speech_client import READ_BYTES
from adapters.tts.tests.speech_servers import Exchange, says, serve
from adapters.tts.tests.speech_voice import (
    HEARD,
    HELLO,
    PATIENCE_S,
    RATE_HZ,
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
from adapters.voice import Prosody, Timbre, Voice, named
from stitcher.pcm import to_float32
from stitcher.wav import header


def when_it_waits(synthesis: Any, then: Callable[[], None]) -> None:
    """Do this when the next pull begins to wait."""
    condition = synthesis._stream.prefetch._changed
    wait_for = condition.wait_for
    condition.wait_for = lambda predicate: (then(), wait_for(predicate))


# -- speaking ------------------------------------------------------------------------------


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
        chunks = all_of(synthesis, 12)
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
        all_of(tts.open(span()))
        all_of(tts.open(span(voice=named("openai_speech", "nova", 1.5))))
        assert "secret" not in json.dumps(repr(tts.describe()))
    plain, paced = server.asked
    assert plain.pop("path") == "/v1/audio/speech"
    assert plain.pop("headers")["Authorization"] == "Bearer sk-very-secret"
    assert plain == {"model": "m", "input": HELLO, "voice": "v", "response_format": "pcm"}
    assert (paced["voice"], paced["speed"]) == ("nova", 1.5)


def test_one_connection_serves_phrase_after_phrase():
    with serve(says(*cut(SPEECH.tobytes(), 999))) as server, voice_of(server) as tts:
        for _ in range(5):
            all_of(tts.open(span()))
    assert (len(server.asked), server.connections) == (5, 1)


def test_a_kept_connection_that_the_server_gives_up_is_made_anew():
    def answer(exchange: Exchange) -> None:
        if len(exchange.server.asked) == 2:
            exchange.hang_up()
        else:
            says(SPEECH.tobytes())(exchange)

    with serve(answer) as server, voice_of(server) as tts:
        assert [len(all_of(tts.open(span()))) for _ in range(2)] == [7, 7]
    assert (len(server.asked), server.connections) == (3, 2)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_is_sent_as_json_or_not_at_all(text):
    with serve(says(SPEECH.tobytes())) as server, voice_of(server) as tts:
        all_of(tts.open(span(text)))
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


# -- bounds --------------------------------------------------------------------------------


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


# -- closing -------------------------------------------------------------------------------


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
        tts = bring(url)
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
        assert sum(chunk.pcm.size for chunk in all_of(tts.open(span()))) == SPEECH.size


# -- describing ----------------------------------------------------------------------------


def test_the_capability_declares_what_it_is_and_whom_it_talks_to():
    for url, host in (("https://speech.example/v1", "speech.example"), ("http://127.0.0.1:8880", "127.0.0.1")):
        tts = bring(url, rate_hz=16_000)
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
    projection = bring("http://127.0.0.1:1", instructions_template=template).project(RICH)
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
