"""Discovery: is a model server already running on this machine?

Only loopback is asked, at the ports that the common servers take when nobody tells them otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.base import AdapterError
from adapters.completions import Endpoint
from adapters.llm.openai import SECTION, base_url

DEFAULTS = (
    "http://127.0.0.1:11434/v1",  # Ollama
    "http://127.0.0.1:8080/v1",  # llama.cpp
)
PROBE_TIMEOUT_S = 0.3  # a server on loopback answers within milliseconds; a start-up waits no longer


async def find_endpoint(candidates: Sequence[str] = DEFAULTS, timeout_s: float = PROBE_TIMEOUT_S) -> str | None:
    """The base URL of the first candidate that has a model to offer, or None. All are asked at once."""
    bases = [base_url(candidate) for candidate in candidates]
    useful = await asyncio.gather(*(_has_model(base, timeout_s) for base in bases))
    return next((base for base, yes in zip(bases, useful, strict=True) if yes), None)


async def _has_model(base: str, timeout_s: float) -> bool:
    endpoint = Endpoint(base, SECTION)
    try:
        return bool(await endpoint.models(timeout_s))
    except AdapterError:  # nothing there, or something else: 8080 is a popular port
        return False
    finally:
        await endpoint.close()
