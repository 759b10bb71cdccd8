"""A small web server on this machine that drops connections where it is told to."""

import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Served:
    """What is at one path."""

    data: bytes
    sent: int | None = None
    """Bytes after which the connection is dropped; None: all come."""
    framing: str = "length"
    """How the response says where it ends: length, chunked, or close (not at all)."""


class _Server(http.server.ThreadingHTTPServer):
    files: Mapping[str, Served]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send the file at the path from where the request says; 404 where none is."""
        served = self.server.files.get(self.path.strip("/"))
        if served is None:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        start = start if served.framing == "length" else 0
        body = served.data[start : served.sent]
        self.close_connection = True
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.data) - 1}/{len(served.data)}")
        if served.framing == "length":
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(served.data) - start))
        elif served.framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n" % (len(body), body) + (b"0\r\n\r\n" if served.sent is None else b"")
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            return  # the reader has what it wants


@contextmanager
def serving(files: Mapping[str, Served]) -> Iterator[str]:
    """Serve `files` by name; the URL that they lie under."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.files = files
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
