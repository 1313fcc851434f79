"""Pictures -> a network camera on loopback at ten frames a second, which reports when it shows each picture."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from node.domain import Image

FPS = 10
_ROOM = (480, 640)
_NOISE = 4.0
_NOISY_COPIES = 20


class TimedCamera:
    """Serve JPEG pictures from the first on to every client, for as long as the context lasts.

    Args:
        pictures: returns endless pictures, each with the name of what it shows.
        shown: is called with each name just before its picture is sent.
    """

    def __init__(
        self, pictures: Callable[[], Iterator[tuple[str, bytes]]], shown: Callable[[str], None] = lambda _: None
    ) -> None:
        ended = self._ended = threading.Event()

        class Show(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                begun_s = time.monotonic()
                for number, (name, picture) in enumerate(pictures()):
                    if ended.wait(max(0.0, begun_s + number / FPS - time.monotonic())):
                        return
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                    shown(name)
                    try:
                        self.wfile.write(head.encode() + picture + b"\r\n")
                    except OSError:  # the node has disconnected
                        return

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Show)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def source(self) -> str:
        """Its `camera.source`."""
        return f"video:http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def room() -> Image:
    """Return an empty room, shape (480, 640, 3), uint8, RGB, with light and dark areas and no small details."""
    rough = np.random.default_rng(0).uniform(40, 160, (5, 7, 3)).astype(np.float32)
    smooth: Image = cv2.resize(rough, _ROOM[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return smooth


def noisy_jpegs(image: Image) -> list[bytes]:
    """Return the picture as several JPEGs, each with sensor noise."""
    random = np.random.default_rng(1)
    noisy = (
        (image + random.normal(0, _NOISE, image.shape)).clip(0, 255).astype(np.uint8) for _ in range(_NOISY_COPIES)
    )
    return [jpeg(each) for each in noisy]


def jpeg(image: Image) -> bytes:
    """Return the picture, RGB, as JPEG."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return encoded.tobytes()


def looped(pictures: list[bytes]) -> Callable[[], Iterator[tuple[str, bytes]]]:
    """Return a function that repeats the pictures forever."""
    return lambda: (("", picture) for picture in itertools.cycle(pictures))
