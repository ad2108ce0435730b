"""llama.cpp's server in a process of its own: both ends of it.

    parent: LlamaProcess.start --argv, an open stdin--> child: main() --> {"url": ..., "key": ...} on stdout

Rules. The child listens on loopback and says once, in one JSON line, that it is ready. The key is made
in the child, goes through that line only, and keeps other users and web pages of this machine out. All
chatter goes to stderr, of which the parent keeps the tail for its error lines. The child lives as
long as its stdin is open: whoever started it need only die.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
import threading
from pathlib import Path
from typing import Any

from adapters.base import AdapterError

SETTING = "llm.embedded"
START_TIMEOUT_S = 60.0  # 1 to 3 s were seen; a cold disk and a larger model take longer
END_TIMEOUT_S = 2.0  # it ends at once when its stdin closes, unless it hangs
LOG_BYTES = 4096  # the tail of the chatter: some ten lines, of which the last says why it failed
HTTP_THREADS = 2  # one that streams a reply, one for the reply that comes after a cancelled one
ROOT = Path(__file__).resolve().parents[2]  # where the child finds this very module


class LlamaProcess:
    """The parent's end. Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.url = ""
        self.key = ""
        self._process = process
        self._killed = False
        self._log = bytearray()
        self._reader = asyncio.create_task(self._keep_log())

    @classmethod
    async def start(cls, model: Path, threads: int, context_tokens: int) -> LlamaProcess:
        """Start a child and wait until it answers. Raises AdapterError."""
        options = {"--model": model, "--threads": threads, "--context": context_tokens}
        arguments = [str(part) for pair in options.items() for part in pair]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "adapters.llm.llama_server", *arguments,
            stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT,
            start_new_session=True,  # an interrupt at the keyboard is the parent's to act on
        )  # fmt: skip
        made = cls(child)
        try:
            await made._wait_ready()
        except BaseException:  # a cancelled start leaves no child either
            await made.end()
            raise
        return made

    async def end(self) -> None:
        """End it, now; more than once if need be."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._killed = True
            self._process.kill()
            await self._process.wait()
        await self._reader

    def post_mortem(self, error: AdapterError) -> AdapterError:
        """What to say of a reply that failed with `error`, once `end` is through."""
        code = self._process.returncode
        if code == 0 or self._killed:  # it lived until we ended it
            line = f"{SETTING} gave no reply ({error.kind}): leave it more of the processor, or set llm.openai.url"
            return AdapterError(error.kind, line, retryable=True)
        line = f"{SETTING} ended with code {code} ({self._last_words()}): the next reply starts it again"
        return AdapterError("crashed", line, retryable=True)

    async def _wait_ready(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                ready = await stdout.readline()
        except TimeoutError:
            line = f"{SETTING} did not load in {START_TIMEOUT_S:g} s: take a smaller {SETTING}.model_path"
            raise AdapterError("stalled", line) from None
        if not ready:
            await self._reader  # its last words may still be on their way
            line = f"{SETTING} could not load its model ({self._last_words()}): check {SETTING}.model_path"
            raise AdapterError("crashed", line)
        says = json.loads(ready)
        self.url, self.key = f"{says['url']}/v1", says["key"]

    async def _keep_log(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        while chatter := await stderr.read(LOG_BYTES):
            self._log += chatter
            del self._log[:-LOG_BYTES]

    def _last_words(self) -> str:
        lines = self._log.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no words"


def main() -> None:
    arguments = _arguments()
    # Before anything can hang: a child whose parent died while it loaded must not stay either.
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    says = _keep_stdout()
    key = secrets.token_urlsafe()
    try:
        import xllamacpp

        server = xllamacpp.Server(_parameters(xllamacpp.CommonParams(), arguments, key))
    except Exception as error:  # llama.cpp raises whatever it likes; the parent shows the last line
        sys.exit(f"{type(error).__name__}: {error}")
    says.write(json.dumps({"url": server.listening_address, "key": key}) + "\n")
    says.flush()
    threading.Event().wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="llama.cpp's server, for its parent process")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--context", type=int, default=2048, help="tokens")
    return parser.parse_args()


def _parameters(parameters: Any, arguments: argparse.Namespace, key: str) -> Any:
    """One conversation at a time, the whole prompt kept, nothing offered but completions."""
    parameters.model.path = str(arguments.model)
    parameters.n_ctx = arguments.context
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = arguments.threads
    parameters.cpuparams_batch.n_threads = arguments.threads
    # Sliding-window attention forgets what the window has left, and with it the cached prompt: every
    # turn would begin with computing all of it again.
    parameters.swa_full = True
    parameters.n_ctx_checkpoints = 0  # not needed then
    parameters.cache_ram_mib = 0  # by default it may keep 8 GiB of old prompts
    parameters.warmup = False  # the parent sends the real prompt instead
    parameters.port = 0  # any that is free
    parameters.api_keys = [key]
    parameters.n_threads_http = HTTP_THREADS
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.verbosity = 1  # errors
    return parameters


def _keep_stdout() -> Any:
    """A file for our one line; what anybody else prints to stdout goes to stderr."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _end_with_stdin() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)  # without asking llama.cpp, which may be in the middle of a token


if __name__ == "__main__":
    main()
