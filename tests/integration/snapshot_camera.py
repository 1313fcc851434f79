"""Pictures -> a network camera on loopback that serves one picture to each request, with a login or without."""

import base64
import hashlib
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

Login = Literal["none", "basic", "digest"]

USER, PASSWORD = "ada", "s3cret"
_REALM, _NONCE = "camera", "dcd98b7102dd2f0e"


class SnapshotCamera:
    """Serve a picture for as long as the context lasts.

    Args:
        content: the file of the picture.
        login: how it asks for user and password.
        path: the path of its URL.

    Attributes:
        content: the file of the picture, which may be replaced.
        url: its URL, with the password if it asks for one.
        code: the HTTP status of its answers; any other than 200 comes without a picture.
        served: when it served each picture, seconds of the monotonic clock.
    """

    def __init__(self, content: bytes, login: Login = "none", path: str = "/snapshot.jpg") -> None:
        self.content, self.code = content, 200
        self.served: list[float] = []
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not _admitted(login, self.headers.get("Authorization", ""), self.path):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", _challenge(login))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(camera.code)
                self.send_header("Content-Type", "image/jpeg")
                body = camera.content if camera.code == 200 else b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                camera.served.append(time.monotonic())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        account = "" if login == "none" else f"{USER}:{PASSWORD}@"
        self.url = f"http://{account}127.0.0.1:{self._server.server_port}{path}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _challenge(login: Login) -> str:
    return f'Basic realm="{_REALM}"' if login == "basic" else f'Digest realm="{_REALM}", nonce="{_NONCE}", qop="auth"'


def _admitted(login: Login, given: str, path: str) -> bool:
    """Return whether the header of a request proves the password (RFC 7617, RFC 7616)."""
    if login == "none":
        return True
    if login == "basic":
        return given == f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
    kind, _, fields = given.partition(" ")
    if kind != "Digest":
        return False
    values = urllib.request.parse_keqv_list(urllib.request.parse_http_list(fields))
    parts = (_md5(f"{USER}:{_REALM}:{PASSWORD}"), _NONCE, values.get("nc"), values.get("cnonce"), "auth")
    return values.get("response") == _md5(":".join(map(str, (*parts, _md5(f"GET:{path}")))))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
