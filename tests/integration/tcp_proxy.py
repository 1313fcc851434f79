"""A TCP proxy on loopback that holds, cuts or refuses connections on demand."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class TcpProxy:
    """Forward connections between a node and its broker for as long as the context lasts.

    Args:
        target: the broker's port on loopback.

    Attributes:
        port: the port it listens on.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open = threading.Event()
        self._flow = {"up": threading.Event(), "down": threading.Event()}
        for flow in self._flow.values():
            flow.set()
        self._open.set()
        self._sides: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._closing = False

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.resume()
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for side in self._sides:
            side.close()

    def refuse(self) -> None:
        """Cut all connections and close every new one at once."""
        self._open.clear()
        self.cut()

    def allow(self) -> None:
        """Accept new connections again."""
        self._open.set()

    def hold(self, *directions: str) -> None:
        """Hold back bytes: `up` toward the broker, `down` toward the node, both by default."""
        for direction in directions or tuple(self._flow):
            self._flow[direction].clear()

    def resume(self) -> None:
        """Forward the bytes that were held back."""
        for flow in self._flow.values():
            flow.set()

    def cut(self) -> None:
        """Close all connections; bytes held back in them are lost."""
        for side in self._sides:
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing:
            try:
                node, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self._open.is_set():
                    raise ConnectionRefusedError
                broker = socket.create_connection(("127.0.0.1", self._target), timeout=2)
                broker.settimeout(None)
            except OSError:
                node.close()
                continue
            self._sides += [node, broker]
            for source, sink, direction in ((node, broker, "up"), (broker, node, "down")):
                thread = threading.Thread(target=self._pump, args=(source, sink, direction), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                self._flow[direction].wait()
                sink.sendall(content)
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
