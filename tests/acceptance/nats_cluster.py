"""A root with NATS -> three servers on loopback that form a cluster without logins, as docs/brokers.md describes."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mosquitto_broker import eventually, lasting_ports
from nats_server import NatsServer

from node.settings import MqttSettings

_READY_S = 240.0
_CONFIG = """
server_name: "{name}"
listen: "127.0.0.1:{client}"
http: "127.0.0.1:{monitor}"
jetstream {{ store_dir: "{store}", max_memory_store: 512MB, max_file_store: 4GB }}
cluster {{ name: "facenode", listen: "127.0.0.1:{cluster}", routes: [{routes}] }}
mqtt {{ listen: "127.0.0.1:{mqtt}", stream_replicas: 3, ack_wait: "30s", max_ack_pending: 1000 }}
"""


class NatsCluster:
    """A cluster, running for as long as the context lasts.

    Args:
        root: the root with NATS.
        logs: the folder of the logs.

    Attributes:
        servers: the servers.
        client_ports: their ports for the NATS protocol.
    """

    def __init__(self, root: Path, logs: Path) -> None:
        ports = lasting_ports()
        self.servers = tuple(NatsServer(root, f"n{number}", logs, next(ports)) for number in (1, 2, 3))
        self.client_ports = [next(ports) for _ in self.servers]
        self._monitor_ports = [next(ports) for _ in self.servers]
        cluster = [next(ports) for _ in self.servers]
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in cluster)
        for number, server in enumerate(self.servers):
            server.configure(
                _CONFIG.format(
                    name=server.name, client=self.client_ports[number], monitor=self._monitor_ports[number],
                    store=server.inside(server.store), cluster=cluster[number], mqtt=server.port, routes=routes,
                )
            )  # fmt: skip

    def __enter__(self) -> Self:
        try:
            for server in self.servers:
                server.start()
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settings(self, *order: int, **more: object) -> MqttSettings:
        """Return the settings that try the servers in this order, numbered from 0; by default in their own."""
        return MqttSettings.model_validate({"host": self.hosts(*order), **more})

    def hosts(self, *order: int) -> str:
        """Return the `mqtt.host` that tries the servers in this order, numbered from 0; by default in their own."""
        return ",".join(f"127.0.0.1:{self.servers[number].port}" for number in order or range(len(self.servers)))

    def wait_ready(self) -> float:
        """Wait until every server is up, and all its streams and sessions; return the seconds that this took."""
        began_s = time.monotonic()
        assert eventually(lambda: all(map(self.healthy, range(len(self.servers)))), _READY_S), self.servers[0].log()
        return time.monotonic() - began_s

    def healthy(self, number: int) -> bool:
        """Return whether a server says that it, its streams and its sessions are up to date."""
        try:
            return bool(self._monitor(number, "healthz")["status"] == "ok")
        except OSError:
            return False

    def streams(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield the state of each stream, as a server sees it."""
        for account in self._monitor(number, "jsz?streams=true&config=true")["account_details"]:
            yield from account["stream_detail"]

    def restart_all_that_are_down(self) -> None:
        """Start what is not running, and wait until everything is up to date."""
        for server in self.servers:
            server.start_if_down()
        self.wait_ready()

    def close(self) -> None:
        """Stop all servers and remove what they stored."""
        for server in self.servers:
            server.close()

    def _monitor(self, number: int, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor_ports[number]}/{path}", timeout=5) as answer:
            content: dict[str, Any] = json.load(answer)
        return content
