"""A speech server on loopback for the tests, whose answers are functions that may block: events say when they go on."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Exchange(BaseHTTPRequestHandler):
    """One connection; `answer` is called for each request on it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked = {"path": self.path, "headers": dict(self.headers), **json.loads(body)}
        self.server.asked.append(self.asked)
        try:
            self.server.answer(self)
        except OSError:  # the client went away
            self.close_connection = True
            self.server.gone.set()

    def begin(self, content_type: str = "audio/pcm", **headers: str) -> None:
        """An answer of unknown length."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, block: bytes) -> None:
        self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def refuse(self, status: int, body: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body.encode())), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body.encode())

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


Answer = Callable[[Exchange], None]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.connections = 0
        self.gone = threading.Event()  # a client went away in the middle of an answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that go away are part of the tests


@contextmanager
def serve(answer: Answer) -> Iterator[Server]:
    with Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def says(*blocks: bytes, content_type: str = "audio/pcm") -> Answer:
    """These blocks, then the end."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(content_type)
        for block in blocks:
            exchange.send(block)
        exchange.end()

    return answer


def refuses(status: int, body: str, **headers: str) -> Answer:
    return lambda exchange: exchange.refuse(status, body, **headers)
