"""A port on loopback -> an MQTT broker inside this process, for the demo only.

amqtt speaks MQTT 3.1.1 and refuses 5; a node then falls back to 3.1.1.
"""

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Self

from node.errors import BrokerError

_TIMEOUT_S = 10.0


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class EmbeddedBroker:
    """Runs a broker for as long as the context lasts; it listens on loopback only and stores nothing.

    Raises:
        BrokerError: the broker does not start.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(_TIMEOUT_S) or self._error:
            raise BrokerError(f"the embedded broker did not start on port {self.port}: {self._error or 'no answer'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_TIMEOUT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - passed on to the thread that waits
            self._error = error
            self._started.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker  # noqa: PLC0415 - only the demo needs it, and its import takes a while

        for name in ("amqtt", "transitions", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await broker.start()
        self._started.set()
        await self._stop.wait()
        await broker.shutdown()
