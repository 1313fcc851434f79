"""A status and a content -> the service API of a Supervisor on loopback, which answers so to one token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "right"  # noqa: S105 - of a test


@contextmanager
def supervisor(status: int, content: bytes) -> Iterator[str]:
    """Yield the address of a service that answers so to the right token, and 401 to any other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.headers["Authorization"] == f"Bearer {TOKEN}"
            self.send_response(status if right else 401)
            self.end_headers()
            self.wfile.write(content if right else b'{"result": "error"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/services/mqtt"
        finally:
            server.shutdown()
            thread.join()
