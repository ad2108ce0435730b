"""An endpoint: what every adapter that talks to a server of some company's or one's own must get right.

Rules. The key comes from the environment and is never shown, not even where the server repeats it. What a server says
is a stranger's text: for an error line it is cut short, put on one line, and freed of markup and control characters.
A server's fault is one AdapterError in one line, whatever went wrong.

    async with peer.guard(deadline_s, "gave no text in 5 s: ..."):
        response = await session.post(...)
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from adapters.base import AdapterError, Fault

EXCERPT_CHARS = 160  # of a server's words in an error line: what is wrong stands in the first sentence

# Control characters but for tab and line feed, and halves of surrogate pairs, which JSON can smuggle in
# and no encoder takes.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Peer:
    """The server at `base`, as the setting `setting` names it; `secret` is its key."""

    def __init__(self, base: str, setting: str, secret: str = "") -> None:
        self.base = base
        self.secret = secret
        self._setting = setting

    def fault(self, kind: Fault, said: str, *, retryable: bool = False) -> AdapterError:
        return AdapterError(kind, f"{self._setting} {self.base} {said}", retryable=retryable)

    def refusal(self, status: int, body: bytes, cures: Mapping[int, str]) -> AdapterError:
        """What an HTTP status means, with the server's own words."""
        cure = cures.get(status, "look at the server's log" if status >= 500 else f"check {self._setting}")
        line = f"answered {status} ({words(body, self.secret) or 'no words'}): {cure}"
        return self.fault("refused", line, retryable=status == 429 or status >= 500)

    @asynccontextmanager
    async def guard(self, deadline_s: float, stall: str) -> AsyncIterator[None]:
        """Everything that a server can do wrong until `deadline_s` of the event loop's time, as an AdapterError."""
        import aiohttp

        try:
            async with asyncio.timeout_at(deadline_s):
                yield
        except TimeoutError:
            raise self.fault("stalled", stall, retryable=True) from None
        except aiohttp.ClientSSLError as error:
            line = f"cannot be trusted ({excerpt(str(error))}): check {self._setting}, or install its certificate"
            raise self.fault("refused", line) from None
        except aiohttp.ClientConnectorError as error:
            cause = error.os_error
            refused = isinstance(cause, ConnectionRefusedError)
            said = "refused the connection" if refused else f"is out of reach ({excerpt(str(cause))})"
            raise self.fault("refused", f"{said}: start the server or set {self._setting}") from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, EOFError, OSError):
            line = "closed the connection before its reply ended: look at the server's log"
            raise self.fault("crashed", line, retryable=True) from None
        except (aiohttp.ClientError, ValueError) as error:
            said = excerpt(str(error)) or type(error).__name__
            line = f"sent {said}: set {self._setting} to an OpenAI-compatible endpoint"
            raise self.fault("garbage", line) from None


def now_s() -> float:
    """The event loop's own time, which deadlines are in."""
    return asyncio.get_running_loop().time()


def base_url(url: str, path: str, key_setting: str) -> str:
    """The base of an endpoint, with its version and without a slash at the end; `path` is what is asked for below it
    and may be in `url` too. Raises ValueError."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address: write it like http://127.0.0.1:11434/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"an address with a key, query or fragment: put the key into {key_setting}")
    parts.port  # noqa: B018  raises ValueError where it is no port
    below = parts.path.rstrip("/").removesuffix("/" + path) or "/v1"
    return f"{parts.scheme}://{parts.netloc}{below}"


def key(variable: str, setting: str) -> str:
    """The key that the environment holds; `setting` named the variable. Raises AdapterError without showing it."""
    if not variable:
        return ""
    found = os.environ.get(variable, "").strip()
    if not found:
        raise AdapterError("missing", f"{setting} names {variable}, which is not set: export it")
    if not (found.isascii() and found.isprintable()):
        raise AdapterError("unsupported", f"{setting} names {variable}, which cannot be a key: export it again")
    return found


def words(body: bytes, secret: str) -> str:
    """What a server says in a refusal's body, without the key; empty where it says nothing."""
    if secret:  # before anything is cut off: half a key is a secret too
        body = body.replace(secret.encode(), b"***")
    try:
        said = error_text(decode(body))
    except ValueError:
        said = ""
    said = said or excerpt(body)
    return said.replace(secret, "***") if secret else said  # JSON may have spelt it with escapes


def decode(data: str | bytes) -> dict[str, Any]:
    """One JSON object. Raises ValueError."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError(f"something that is not JSON: {excerpt(data, 40)!r}") from None
    if not isinstance(value, dict):
        raise ValueError(f"JSON that is no object: {excerpt(data, 40)!r}")
    return value


def error_text(body: dict[str, Any]) -> str:
    """What a server says went wrong, in any of the shapes in use; empty where it says nothing."""
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else error or body.get("message") or body.get("detail")
    return excerpt(message) if isinstance(message, str) else ""


def excerpt(text: str | bytes, chars: int = EXCERPT_CHARS) -> str:
    """The head of something for an error line: on one line, without markup and control characters."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    plain = speakable(" ".join(re.sub(r"<[^<>]*>", " ", text).split()))
    return plain if len(plain) <= chars else plain[: chars - 1] + "…"


def speakable(text: str) -> str:
    """Without control characters."""
    return _UNSPEAKABLE.sub("", text)
