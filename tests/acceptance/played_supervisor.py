"""A Supervisor of Home Assistant, played after its public documents -> what an app has of it, and a browser's way in.

For the app: `http://supervisor/services/mqtt` and `ws://supervisor/core/websocket`, each for the token that the app
got. The WebSocket leads to a real Home Assistant. For a browser: Home Assistant's address with
`/api/hassio_ingress/<token>/`, which asks for an ingress session, names its user to the app in headers, and lets no
browser forge them.
"""

import http.client
import json
import secrets
import threading
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from home_assistant import HomeAssistant
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

ADDRESS, GATEWAY, SUBNET = "172.30.32.2", "172.30.32.1", "172.30.32.0/23"
"""The Supervisor's own address, its host's, and the network of the apps, as documented."""
_PORT, _INGRESS_PORT = 80, 8099
_WAIT_S = 30.0
_OWN = {"x-ingress-path", "x-remote-user-id", "x-remote-user-name", "x-remote-user-display-name"}
"""Headers that only Home Assistant may set: those of a browser are dropped."""
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade"}


class PlayedSupervisor:
    """The Supervisor for as long as the context lasts; its address must be this machine's.

    Args:
        home: the Home Assistant.
        mqtt: the broker as its app has registered it; None while there is none.

    Attributes:
        token: of the app, which may be replaced.
        ingress: the token in the app's ingress path.
        asked: what an app asked for, and whether it was allowed.
    """

    def __init__(self, home: HomeAssistant, mqtt: dict[str, Any] | None) -> None:
        self.mqtt, self._home = mqtt, home
        self.token, self.ingress = secrets.token_hex(56), secrets.token_urlsafe(32)
        self.asked: list[tuple[str, int]] = []
        self._server = serve(self._proxy, ADDRESS, _PORT, process_request=self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(_WAIT_S)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer the one request of HTTP that the app sends; the WebSocket goes through, and asks for the token."""
        if request.path == "/core/websocket":
            return None
        status, content = self._service(request)
        self.asked.append((request.path, status))
        return connection.respond(HTTPStatus(status), json.dumps(content))

    def _service(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"result": "error", "message": "unauthorized"}
        if request.path != "/services/mqtt":
            return 403, {"result": "error", "message": "forbidden"}
        if self.mqtt is None:
            return 400, {"result": "error", "message": "Service not enabled"}
        return 200, {
            "result": "ok",
            "data": {"addon": "core_mosquitto", "protocol": "3.1.1", "ssl": False, **self.mqtt},
        }

    def _proxy(self, app: ServerConnection) -> None:
        """Speak for Home Assistant's WebSocket: the app logs in with its token, and is not told another one."""
        app.send(json.dumps({"type": "auth_required", "ha_version": "2026.11.0"}))
        allowed = json.loads(app.recv(_WAIT_S)).get("access_token") == self.token
        self.asked.append(("/core/websocket", 200 if allowed else 401))
        if not allowed:
            app.send(json.dumps({"type": "auth_invalid", "message": "Invalid access"}))
            return
        with connect(f"ws://127.0.0.1:{self._home.port}/api/websocket", max_size=None) as core:
            core.recv(_WAIT_S)
            core.send(json.dumps({"type": "auth", "access_token": self._home.login()["access_token"]}))
            app.send(core.recv(_WAIT_S))
            back = threading.Thread(target=_relay, args=(core, app))
            back.start()
            for message in app:
                if not json.loads(message)["type"].startswith(("supervisor/", "hassio/")):
                    core.send(message)
        back.join(_WAIT_S)


def _relay(source: ClientConnection, target: ServerConnection) -> None:
    try:
        for message in source:
            target.send(message)
    except ConnectionClosed:
        return


class PlayedIngress:
    """Home Assistant's address for a browser, for as long as the context lasts.

    Args:
        supervisor: whose ingress it is.
        app: address of the app in the network of the apps.

    Attributes:
        url: of the app's page.
        origin: of Home Assistant.
    """

    def __init__(self, supervisor: PlayedSupervisor, app: str) -> None:
        self._users: dict[str, tuple[str, str]] = {}
        ingress = self
        path = f"/api/hassio_ingress/{supervisor.ingress}"

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                cookie = SimpleCookie(self.headers.get("Cookie", "")).get("ingress_session")
                user = ingress.user_of(cookie.value if cookie else "")
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if user is None or not self.path.startswith(f"{path}/"):
                    self._send(401, {}, b"")
                    return
                left_out = _OWN | _HOP
                given = {name: each for name, each in self.headers.items() if name.lower() not in left_out}
                host = self.headers.get("Host", "")
                given |= {
                    "X-Ingress-Path": path, "X-Remote-User-Id": user[0], "X-Remote-User-Name": user[1],
                    "X-Forwarded-Host": host, "X-Forwarded-Proto": "http", "X-Forwarded-For": "127.0.0.1",
                }  # fmt: skip
                self._send(*ask_app(app, self.command, self.path.removeprefix(path), given, body))

            do_GET = do_POST = _forward  # noqa: N815 - as its base looks for them

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, each in headers.items():
                    if name.lower() not in _HOP:
                        self.send_header(name, each)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.origin}{path}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_WAIT_S)

    def log_in(self, user: str, name: str) -> str:
        """Return the ingress session of a user, as Home Assistant's frontend asks for it."""
        session = secrets.token_hex(32)
        self._users[session] = (user, name)
        return session

    def user_of(self, session: str) -> tuple[str, str] | None:
        """Return id and name of a session's user."""
        return self._users.get(session)


def ask_app(  # noqa: PLR0913 - a request
    app: str, method: str, path: str, headers: dict[str, str], body: bytes = b"", *, source: str = ADDRESS
) -> tuple[int, dict[str, str], bytes]:
    """Return the app's answer to a request from an address of this machine: status, headers and body."""
    connection = http.client.HTTPConnection(app, _INGRESS_PORT, timeout=_WAIT_S, source_address=(source, 0))
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()
