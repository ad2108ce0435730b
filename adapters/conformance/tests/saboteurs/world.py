"""They do to the machine what they do not tell; and one that tells."""

from __future__ import annotations

import multiprocessing
import socket
import tempfile

import numpy as np

from adapters.base import Span
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis, saying

MEGABYTE = 1 << 20


class FilesStayInTheCache(Saboteur):
    def open(self, span: Span) -> Synthesis:
        if multiprocessing.parent_process():
            tempfile.TemporaryFile().close()
        return super().open(span)


class HostsAreDeclared(Saboteur):
    def open(self, span: Span) -> Synthesis:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.connect(("127.0.0.1", 9))  # a datagram socket only notes the address: nothing is sent
        return super().open(span)


class MemoryIsBounded(Saboteur):
    """A megabyte of each span is kept."""

    kept: tuple[np.ndarray, ...] = ()

    def open(self, span: Span) -> Synthesis:
        self.kept = (*self.kept, np.ones(MEGABYTE // 4, np.float32))
        return super().open(span)


class DeclaresItsHosts(HostsAreDeclared):
    claims = saying(egress=("localhost",))
