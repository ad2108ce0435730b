"""A room for sound devices: JACK's dummy driver as the sound card, and a client as the air in it.

PortAudio over JACK is a real device with a real clock and needs no hardware. What our speaker plays goes
into the room; what our microphone hears comes out of it: the user's voice, an echo of what was played, noise.

    our speaker --> [ history ] --> echo --+--> our microphone
    say(pcm) ------------------> voice ----+
                                 noise ----+

The room wires whatever plays or listens on its server to itself, whenever that appears.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from adapters.audio.devices import portaudio
from adapters.base import AdapterError
from stitcher.pcm import Float32
from stitcher.ring import Ring
from timeline.clock import NS_PER_S, SystemClock

HISTORY_S = 30  # of what was played, for the echo and for tests
VOICE_S = 30  # that may be queued to be said
LOOK_S = 0.05
READY_LOOKS = 100  # 5 s for the server to come up, on a busy machine
LOG_LINES = 3  # of jackd's complaint; the first ones say what is wrong
STOP_S = 5.0  # until a server that does not end is killed

_numbers = itertools.count(1)


def available() -> str:
    """Empty where a room can be had, else why not."""
    if shutil.which("jackd") is None:
        return "jackd is missing: apt install jackd2"
    try:
        import jack  # noqa: F401
    except ImportError:
        return "JACK-Client is missing: pip install JACK-Client"
    except OSError as error:
        return f"the JACK library is missing: {error}"
    try:
        portaudio()
    except AdapterError as error:
        return error.detail
    return ""


# -- the sound card -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JackServer:
    name: str
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """Unplug the sound card. SIGKILL would leave one of the eight places for servers taken for good."""
        self.process.terminate()
        self.process.wait(STOP_S)


@contextlib.contextmanager
def jack_server(rate_hz: int = 16_000, period: int = 160) -> Iterator[JackServer]:
    """A sound card of its own, the only one that PortAudio sees inside. Raises AdapterError.

    PortAudio cannot be terminated once its server has died (it aborts the process). After `kill` this
    process keeps a dead PortAudio: do it in a process of its own.
    """
    if reason := available():
        raise AdapterError("missing", reason)
    sd = portaudio()
    name = f"duckbill-{os.getpid()}-{next(_numbers)}"
    sd._terminate()  # it looks for devices only when it is initialized
    try:
        with (
            _environment(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1"),
            _running(name, rate_hz, period) as server,
        ):
            sd._initialize()
            try:
                yield server
            finally:
                if server.alive:
                    sd._terminate()
    finally:
        if not sd._initialized:
            sd._initialize()


@contextlib.contextmanager
def plugged_in_again(card: JackServer, rate_hz: int = 16_000, period: int = 160) -> Iterator[JackServer]:
    """The sound card once more, inside the `jack_server` whose `card` was killed; this process cannot see it."""
    with _running(card.name, rate_hz, period) as server:
        yield server


@contextlib.contextmanager
def _running(name: str, rate_hz: int, period: int) -> Iterator[JackServer]:
    # -S: the server waits for its clients. Otherwise a busy machine skips blocks and nothing is exact.
    server, driver = ["-r", "-S", "--no-mlock", "-n", name], ["-r", str(rate_hz), "-p", str(period)]
    command = ["jackd", *server, "-d", "dummy", *driver]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        try:
            _wait_ready(name, process, log)
            yield JackServer(name, process)
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _wait_ready(name: str, process: subprocess.Popen[bytes], log: Any) -> None:
    import jack

    jack.set_error_function(lambda line: None)  # it complains about a server that is not up yet
    for _ in range(READY_LOOKS):
        if process.poll() is not None:
            break
        with contextlib.suppress(jack.JackError):
            jack.Client("duckbill-wait", no_start_server=True, servername=name).close()
            return
        time.sleep(LOOK_S)
    log.seek(0)
    said = "; ".join(log.read().decode(errors="replace").split("\n")[:LOG_LINES])
    raise AdapterError("missing", f"jackd does not start: {said or 'it says nothing'}")


# -- the air ------------------------------------------------------------------------------


class JackRoom:
    """A JACK client between our output and our input; use it in a `with` inside `jack_server`."""

    def __init__(self, echo_delay_samples: int = 0, echo_gain: float = 0.0, noise: float = 0.0, seed: int = 0) -> None:
        """`noise`: its root mean square, full scale 1.0. Raises AdapterError where there is no server."""
        if reason := available():
            raise AdapterError("missing", reason)
        import jack

        self._jack = jack
        try:
            self._client = client = jack.Client("room", no_start_server=True)
        except jack.JackError as error:
            raise AdapterError("missing", "no JACK server for the room; use it in jack_server()") from error
        self.rate_hz: int = client.samplerate
        self._ear = client.inports.register("ear")
        self._mouth = client.outports.register("mouth")
        self._voice = Ring(np.zeros(VOICE_S * self.rate_hz, np.float32))
        self._history = np.zeros(HISTORY_S * self.rate_hz, np.float32)
        self._block = np.arange(client.blocksize)
        self._echo_delay_samples, self._echo_gain = echo_delay_samples, echo_gain
        self._noise, self._random = noise, np.random.default_rng(seed)
        self.position = 0  # samples that went through the room
        self._closed = False
        self._passed, self._changed = threading.Event(), threading.Event()
        client.set_process_callback(self._process)
        client.set_port_connect_callback(lambda *_: self._changed.set())
        client.set_shutdown_callback(lambda *_: None)
        self._wiring = threading.Thread(target=self._wire_changes, name="room wiring", daemon=True)

    def __enter__(self) -> Self:
        self._client.activate()
        self._wiring.start()
        self._changed.set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._changed.set()
        self._wiring.join()
        with contextlib.suppress(self._jack.JackError):  # the server may be gone
            self._client.deactivate()
        self._client.close()

    def say(self, pcm: Float32) -> None:
        """Queue float32 at the server's rate for our microphone. Raises ValueError past VOICE_S."""
        if not self._voice.write(pcm):
            raise ValueError(f"the room holds {VOICE_S} s of voice; say less, or wait")

    def wired(self, speakers: int = 0, microphones: int = 0) -> bool:
        """So many are connected to the room; what is played before is lost."""
        connections = self._client.get_all_connections
        return len(connections(self._ear)) >= speakers and len(connections(self._mouth)) >= microphones

    @property
    def silent(self) -> bool:
        """All that was to be said went out."""
        return self._voice.queued == 0

    def played(self) -> Float32:
        """What our speaker played, float32, the last HISTORY_S at most."""
        position = self.position
        first = max(0, position - self._history.size)
        return self._history[np.arange(first, position) % self._history.size]

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
        """Wait, looking after every period, until `condition()`; False where it never came true."""
        clock = SystemClock()
        while not condition():
            if clock.now_ns() > timeout_s * NS_PER_S:
                return False
            self._passed.clear()
            self._passed.wait(LOOK_S)
        return True

    def _process(self, frames: int) -> None:
        """In JACK's thread, once a period."""
        size = self._history.size
        self._history[(self.position + self._block) % size] = self._ear.get_array()
        out = self._mouth.get_array()
        echo = self.position - self._echo_delay_samples + self._block
        out[:] = self._echo_gain * self._history[echo % size]
        if self._noise:
            out += self._noise * self._random.standard_normal(frames, np.float32)
        first, second = self._voice.peek(frames)
        out[: first.size] += first
        out[first.size : first.size + second.size] += second
        self._voice.consume(first.size + second.size)
        self.position += frames
        self._passed.set()

    # -- wiring: JACK forbids it in its own callbacks, so a thread does it -----------------

    def _wire_changes(self) -> None:
        while not self._closed:
            self._changed.wait()
            self._changed.clear()
            with contextlib.suppress(self._jack.JackError):  # a port that went away; its end is a change too
                self._wire()

    def _wire(self) -> None:
        for port in self._client.get_ports(is_audio=True):
            if port.is_physical or self._client.owns(port):
                continue
            ours = self._ear if port.is_output else self._mouth
            others = self._client.get_all_connections(port)
            for other in others:
                if other != ours:
                    self._connect(self._client.disconnect, port, other)
            if ours not in others:
                self._connect(self._client.connect, port, ours)

    def _connect(self, change: Callable[[Any, Any], None], port: Any, other: Any) -> None:
        source, target = (port, other) if port.is_output else (other, port)
        change(source, target)
