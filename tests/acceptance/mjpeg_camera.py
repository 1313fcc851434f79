"""Pictures -> a network camera that can stop sending: MJPEG over HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Self

_BOUNDARY = "frame"


class MjpegCamera:
    """Serve pictures in a loop for as long as the context lasts.

    Args:
        contents: the JPEGs.
        period_s: seconds between two pictures.
        port: the port to listen on; 0: a free one.
        host: the address to listen on.

    Attributes:
        contents: the JPEGs, which may be replaced.
        url: its URL.
        playing: while cleared, it sends nothing but keeps its connections, as a camera that hangs.
        sent: the number of pictures sent.
        connections: the number of requests.
    """

    def __init__(self, *contents: bytes, period_s: float = 0.1, port: int = 0, host: str = "127.0.0.1") -> None:
        self.contents = contents
        self.sent = self.connections = 0
        camera = self
        self.playing = playing = threading.Event()
        self._ended = ended = threading.Event()
        playing.set()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
                self.end_headers()
                for number in count():
                    if ended.wait(period_s):
                        return
                    if playing.is_set():
                        shown = camera.contents
                        content = shown[number % len(shown)]
                        size = f"Content-Length: {len(content)}\r\n"
                        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n{size}\r\n"
                        try:
                            self.wfile.write(head.encode() + content + b"\r\n")
                        except OSError:
                            return
                        camera.sent += 1

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, port), Handler)
        self.url = f"http://{host}:{self._server.server_port}/camera.mjpeg"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
