"""Server-sent events: the bytes of a streamed completion -> pieces of text.

Rules. Pure: it is fed bytes and raises ValueError (one short clause) for what no such server sends.
Only whole lines are decoded, so a character cut in two by the network is never an error. A line and
an event are bounded: a server that never ends one costs no memory.

    bytes --EventReader--> data of one event --parse--> Delta(text, finish) --texts--> text

Lines end in LF or CRLF; the lone CR that the standard also allows is sent by no server.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass

from adapters.endpoint import decode, error_text, excerpt, speakable

MAX_EVENT_BYTES = 256 * 1024  # one token with its usage is under 4 KiB, log probabilities may add some
MAX_REPLY_CHARS = 20_000  # twenty minutes of speech: a model that says more does not stop by itself
DONE = "[DONE]"

_FIELD = re.compile(r"[\w-]*")  # a field's name; a comment has none


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event adds. `finish`: why the reply ended, empty while it goes on."""

    text: str = ""
    finish: str = ""


class EventReader:
    """Cuts a stream of bytes into the data of its events."""

    def __init__(self) -> None:
        self._rest = bytearray()  # of a line that has not ended
        self._data: list[str] = []  # lines of an event that has not ended
        self._data_chars = 0

    def feed(self, block: bytes) -> Iterator[str]:
        """The data of the events that end in `block`."""
        *lines, rest = block.split(b"\n")
        for line in lines:
            self._rest += line
            data = self._line(bytes(self._rest))
            self._rest.clear()
            if data is not None:
                yield data
        self._rest += rest
        if len(self._rest) > MAX_EVENT_BYTES:
            raise ValueError(f"a line longer than {MAX_EVENT_BYTES} bytes")

    def end(self) -> Iterator[str]:
        """The stream ended: what was not closed by an empty line counts as an event all the same, for
        some servers leave that out after the last one."""
        yield from self.feed(b"\n\n")

    def _line(self, line: bytes) -> str | None:
        if len(line) > MAX_EVENT_BYTES:
            raise ValueError(f"a line longer than {MAX_EVENT_BYTES} bytes")
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise ValueError("bytes that are not UTF-8") from None
        if not text:
            return self._close_event()
        name, _, value = text.removeprefix("\ufeff").partition(":")
        if name == "data":  # comments (keep-alives) and other fields say nothing about the text
            self._data.append(value.removeprefix(" "))
            self._data_chars += len(value)
            if self._data_chars > MAX_EVENT_BYTES:
                raise ValueError(f"an event longer than {MAX_EVENT_BYTES} bytes")
        elif not _FIELD.fullmatch(name):
            raise ValueError(f"a line that is no event: {excerpt(text, 40)!r}")
        return None

    def _close_event(self) -> str | None:
        if not self._data:
            return None
        data = "\n".join(self._data)
        self._data.clear()
        self._data_chars = 0
        return data


def parse(data: str) -> Delta:
    """One chunk of a chat or of a plain completion. Reasoning fields are left out: they are not spoken."""
    chunk = decode(data)
    if "error" in chunk:
        raise ValueError(f"an error in its stream: {error_text(chunk) or 'without words'}")
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        raise ValueError(f"a chunk without choices: {excerpt(data, 40)!r}")
    if not choices:
        return Delta()  # a chunk that only counts tokens
    choice = choices[0]
    if not isinstance(choice, dict):
        raise ValueError(f"a choice that is no object: {excerpt(data, 40)!r}")
    delta = choice.get("delta")
    text = delta.get("content") if isinstance(delta, dict) else choice.get("text")
    finish = choice.get("finish_reason")
    if not isinstance(text, str | None) or not isinstance(finish, str | None):
        raise ValueError(f"a choice whose text is no string: {excerpt(data, 40)!r}")
    return Delta(speakable(text or ""), finish or "")


async def texts(blocks: AsyncIterator[bytes], chars_most: int = MAX_REPLY_CHARS) -> AsyncGenerator[str]:
    """The pieces of one reply. Raises ValueError for garbage, EOFError where it stops before its end."""
    chars, finish = 0, ""
    async for data in _events(blocks):
        if data == DONE:
            return
        delta = parse(data)
        finish = delta.finish or finish
        chars += len(delta.text)
        if chars > chars_most:
            raise ValueError(f"more than {chars_most} characters in one reply")
        if delta.text:
            yield delta.text
    if not finish:
        raise EOFError


async def _events(blocks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    reader = EventReader()
    async for block in blocks:
        for data in reader.feed(block):
            yield data
    for data in reader.end():
        yield data
