"""The templates of the Ansible role -> the NATS servers of a fleet, and the settings of its nodes and accounts.

Each of three hosts has two servers: one for nodes, which stores everything, and one for accounts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import facenode_filters
import jinja2
import nats_filters
from certificate_authority import CertificateAuthority
from fleet_broker import ACCOUNTS, NODES, ROLE, defaults
from mosquitto_broker import eventually, lasting_ports
from nats_server import NatsServer

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client
from node.settings import MqttSettings

_HOSTS = ("hub-1", "hub-2", "hub-3")
_PARTS = ("nodes", "accounts")
_READY_S = 240.0
_CONNECTIONS = 50


class NatsFleet:
    """The brokers of a fleet, running for as long as the context lasts.

    Args:
        root: the root with NATS.
        folder: the folder of certificates, passwords and logs.

    Attributes:
        servers: the servers by host and part.
        retired: the nodes that may not log in; `reload` applies a change.
        nats_ports: the ports where accounts with groups speak the NATS protocol.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        ports = lasting_ports()
        self.retired = ["retired"]
        self.servers = {
            (host, part): NatsServer(root, f"{host}-{part}", folder, next(ports), self.heap_bytes)
            for host in _HOSTS
            for part in _PARTS
        }
        self.nats_ports = [next(ports) for _ in _HOSTS]
        # A server has two ports of these, one for each part.
        self._cluster = [_pair(ports) for _ in _HOSTS]
        self._monitor = [_pair(ports) for _ in _HOSTS]
        self._local = [next(ports) for _ in _HOSTS]
        self._authority = CertificateAuthority(folder / "authority")
        self._identities = {name: self._authority.issue(name) for name in (*NODES, "retired", "broker.localhost")}
        self.configure()

    def __enter__(self) -> Self:
        try:
            for server in self.servers.values():
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

    def configure(self) -> None:
        """Write the files of the role."""
        broker = self._identities["broker.localhost"]
        for number, host in enumerate(_HOSTS):
            for part in _PARTS:
                server = self.servers[host, part]
                for source, name in (
                    (self._authority.certificate, "ca.crt"), (broker.certificate, "broker.crt"),
                    (broker.key, "broker.key"),
                ):  # fmt: skip
                    (server.folder / name).write_bytes(source.read_bytes())
                variables = self._variables(number, host, part)
                (server.folder / f"{part}-users.conf").write_text(_render("nats-users.conf.j2", variables))
                text = _render("nats.conf.j2", variables)
                own = str(server.inside(server.folder))
                text = text.replace("/etc/facenode-broker", own)
                server.configure(text.replace("/var/lib/facenode-broker", f"{own}/store"))

    def reload(self) -> None:
        """Let every server of nodes apply changed accounts, as the role does; one of accounts would need a restart."""
        self.configure()
        for (_host, part), server in self.servers.items():
            if part == "nodes":
                server.reload()

    def wait_ready(self) -> None:
        """Wait until accounts can log in at each host."""
        settings = [self.account("app.fleet", number) for number in range(len(_HOSTS))]
        assert eventually(lambda: all(map(_accepts, settings)), _READY_S), self.servers["hub-1", "accounts"].log()

    def node(self, name: str, *order: int) -> MqttSettings:
        """Return the settings of whoever has the certificate of a node."""
        identity = self._identities[name]
        tls = self._tls | {"cert_file": identity.certificate, "key_file": identity.key}
        return MqttSettings.model_validate({"host": self._hosts("nodes", order), "tls": tls})

    def account(self, name: str, *order: int, **more: object) -> MqttSettings:
        """Return the settings of an account."""
        file = self._folder / f"{name}.password"
        file.write_text(password(name))
        login = {"username": name, "password_file": file}
        return MqttSettings.model_validate({"host": self._hosts("accounts", order), "tls": self._tls, **login, **more})

    @property
    def heap_bytes(self) -> int:
        """The memory from which on a server of nodes saves memory, as in its unit."""
        return defaults()["broker_heap_bytes"] + _CONNECTIONS * (1 << 20)

    @property
    def authority(self) -> Path:
        """The certificate that signed all others."""
        return self._authority.certificate

    def log(self) -> str:
        """Return the logs of all servers."""
        return "".join(server.log() for server in self.servers.values())

    def close(self) -> None:
        """Stop all servers and remove what they stored."""
        for server in self.servers.values():
            server.close()

    @property
    def _tls(self) -> dict[str, object]:
        return {"enabled": True, "ca_file": self._authority.certificate}

    def _hosts(self, part: str, order: Sequence[int]) -> str:
        numbers = order or range(len(_HOSTS))
        return ",".join(f"127.0.0.1:{self.servers[_HOSTS[number], part].port}" for number in numbers)

    def _variables(self, number: int, host: str, part: str) -> dict[str, object]:
        return {
            "ansible_managed": "a test",
            "inventory_hostname": host,
            "nats_part": part,
            "broker_accounts": [{**each, "password": password(each["name"])} for each in ACCOUNTS],
            "broker_nats_nodes": NODES,
            "broker_retired": self.retired,
            "broker_secret_key": "a secret",
            "broker_host": "127.0.0.1",
            "broker_address": "127.0.0.1",
            "broker_node_port": self.servers[host, "nodes"].port,
            "broker_account_port": self.servers[host, "accounts"].port,
            "broker_nats_port": self.nats_ports[number],
            "broker_cluster_port": self._cluster[number],
            "broker_monitor_port": self._monitor[number],
            "broker_local_address": "127.0.0.1",
            "broker_local_port": self._local[number],
            "broker_routes": [f"127.0.0.1:{port}" for port in self._cluster],
            "broker_node_connections": _CONNECTIONS,
            **{key: value for key, value in defaults().items() if not key.endswith("_port")},
        }


def password(name: str) -> str:
    """Return the password of an account."""
    return f"a long password of {name}"


def _accepts(settings: MqttSettings) -> bool:
    try:
        connect(settings, Client("ready"), lambda _report: None).close()
    except BrokerError:
        return False
    return True


def _pair(ports: Iterator[int]) -> int:
    """Return a port of which the next one is free, too."""
    higher = next(ports)
    while (lower := next(ports)) != higher - 1:
        higher = lower
    return lower


def _render(name: str, variables: dict[str, object]) -> str:
    # Ansible's own choices of these options.
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)  # noqa: S701 - no HTML
    environment.filters.update(facenode_filters.FilterModule().filters())
    environment.filters.update(nats_filters.FilterModule().filters())
    return environment.from_string((ROLE / "templates" / name).read_text()).render(variables)
