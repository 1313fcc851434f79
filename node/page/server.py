"""The page's application -> answers on its sockets, until a signal, or until nobody has asked for a while."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from socket import socket as Socket  # noqa: N812 - a class
from typing import Any

import uvicorn
from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from node.page.own_certificate import Certificate

IDLE_S = 600.0
"""Seconds without a request after which a page that systemd starts again ends."""
_REQUEST_S = 20.0
"""Seconds within which a connection must have sent the head of a request."""
_MAX_CONNECTIONS, _MAX_HEAD_BYTES, _THREADS = 64, 32 * 1024, 8
_KEEP_ALIVE_S, _STOP_S = 15, 5
_CHECK_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """How the page is served.

    Attributes:
        sockets: that listen.
        certificate: for HTTPS; None for HTTP.
        idle_s: seconds without a request after which it ends; None: it does not.
    """

    sockets: Sequence[Socket]
    certificate: Certificate | None
    idle_s: float | None


def serve(app: ASGIApp, serving: Serving) -> None:
    """Answer until a signal asks for a stop, or until nobody has asked for a while."""
    counted = _Counted(app)
    config = uvicorn.Config(
        counted, http=_BoundedProtocol, ws="none", loop="asyncio", lifespan="off", interface="asgi3",
        limit_concurrency=_MAX_CONNECTIONS, h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_S, timeout_graceful_shutdown=_STOP_S, proxy_headers=False, server_header=False,
        date_header=True, access_log=False, log_config=None,
        ssl_certfile=serving.certificate.file if serving.certificate else None,
        ssl_keyfile=serving.certificate.key_file if serving.certificate else None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    asyncio.run(_run(server, serving, counted))


async def _run(server: uvicorn.Server, serving: Serving, counted: "_Counted") -> None:
    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    watcher = asyncio.create_task(_end_when_idle(server, serving.idle_s, counted))
    try:
        await server.serve(sockets=list(serving.sockets))
    finally:
        watcher.cancel()


async def _end_when_idle(server: uvicorn.Server, idle_s: float | None, counted: "_Counted") -> None:
    while idle_s is not None and not server.should_exit:
        await asyncio.sleep(min(_CHECK_S, idle_s))
        if counted.idle_for_s >= idle_s:
            _log.info("page: nobody asked for %.0f s: ending; the next request starts it again", idle_s)
            server.should_exit = True


class _Counted:
    """An application that knows when it was last asked.

    Args:
        app: answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running = 0
        self._asked_s = time.monotonic()

    @property
    def idle_for_s(self) -> float:
        """Seconds since the last answer; 0 while one is made."""
        return 0.0 if self._running else time.monotonic() - self._asked_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
            self._asked_s = time.monotonic()


class _BoundedProtocol(H11Protocol):
    """A connection that is closed if the head of a request does not come in time, the first or a later one."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as its base has it
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; while a request is answered, nothing is awaited."""
        super().data_received(data)
        if self._is_answering:
            self._stop_waiting()
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End with the server: over TLS, a browser that keeps its connection would otherwise be waited for."""
        super().shutdown()
        if not self._is_answering and not self.transport.get_write_buffer_size():
            self.transport.abort()

    @property
    def _is_answering(self) -> bool:
        cycle = getattr(self, "cycle", None)
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(_REQUEST_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_answering:
            self.transport.close()
