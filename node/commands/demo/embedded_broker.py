"""A port on loopback -> an MQTT broker inside this process, for the demonstration only.

amqtt speaks MQTT 3.1.1 and refuses 5, which a node then falls back from.
"""

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Self

from node.errors import BrokerError

_UP_S = 10.0


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class EmbeddedBroker:
    """A broker for as long as the context lasts; it listens on loopback only and keeps nothing.

    Raises:
        BrokerError: it does not come up.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(_UP_S) or self._error:
            raise BrokerError(f"the embedded broker did not start on port {self.port}: {self._error or 'no answer'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop and self._done:
            self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(_UP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - whatever the library raises reaches the thread that waits
            self._error = error
            self._up.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker  # noqa: PLC0415 - only the demonstration needs it, and it takes a while to import

        for name in ("amqtt", "transitions", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await broker.start()
        self._up.set()
        await self._done.wait()
        await broker.shutdown()
