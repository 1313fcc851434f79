"""Hosts -> a controller that runs the playbooks on them, and clients that check the result at the broker."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clip_server import install_camera
from fleethosts import Host, Hosts
from mosquitto_broker import Subscriber
from nats_root import nats_package
from process import run

from node.settings import MqttSettings

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-fleet" / "bin"
ACCOUNTS: Mapping[str, Mapping[str, object]] = {
    "app.playbooks": {"may": "playbooks"},
    "app.fleet": {"may": "fleet"},
    "app.watch": {"may": "fleet"},
    "app.observer": {"may": "fleet"},
    "app.homeassistant": {"may": "homeassistant"},
    "app.security": {"may": "security"},
    "app.alarm-1": {"may": "security", "groups": ["alarms"]},
    "app.alarm-2": {"may": "security", "groups": ["alarms"]},
}
"""One for each program: `facenode fleet`, `watch` and the subscribers of the tests run at the same time."""
KIND = os.environ.get("FACENODE_BROKER_KIND", "mosquitto")
"""The kind of broker that the fleet is set up with, `mosquitto` or `nats`."""

DENIED = {"mosquitto": 0x87, "nats": 0x00}[KIND]
"""The reason code of a denied publish. MQTT 3.1.1 has none: NATS acknowledges the message and drops it."""

OTHER_KIND = {"mosquitto": "nats", "nats": "mosquitto"}[KIND]
"""The kind of broker that the fleet is moved to at the end."""

_ADDRESSES = {"mosquitto": ("localhost",), "nats": ("127.0.0.1", "127.0.0.2", "127.0.0.3")}
ADDRESSES = _ADDRESSES[KIND]
"""The names of the brokers, one for each of the first hosts."""

_UNITS = {"mosquitto": "mosquitto", "nats": "facenode-broker-nodes facenode-broker-accounts"}

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_PLAYBOOK_TIMEOUT_S = 2400.0


@dataclass(frozen=True, slots=True)
class PlaybookResult:
    """The result of a playbook run.

    Attributes:
        code: the exit code.
        out: the output, with all whitespace, line breaks included, reduced to single spaces.
        duration_s: the duration in seconds.
        changed: the number of changed tasks by host.
    """

    code: int
    out: str
    duration_s: float
    changed: Mapping[str, int]


class Controller:
    """A controller with an inventory of hosts.

    Attributes:
        hosts: the hosts; each is a node, and the first ones are also brokers.
        folder: the fleet's folder, with its certificate authority and releases.
        kind: the kind of broker, `mosquitto` or `nats`.
        node_port: the broker's port for nodes.
        account_port: the broker's port for accounts.
    """

    def __init__(self, hosts: Hosts, folder: Path, clip: Path) -> None:
        if not (BIN / "ansible-playbook").exists():
            pytest.skip("no Ansible: make fleet")
        self.hosts, self.folder, self.kind = hosts, folder, KIND
        self.node_port, self.account_port = next(hosts.ports), next(hosts.ports)
        self._inventory = folder / "inventory"
        self._sources = {host.name: install_camera(host.disk, clip, next(hosts.ports)) for host in hosts.all}
        folder.mkdir(parents=True)
        self._inventory.mkdir()
        self.write_inventory()

    @property
    def accounts(self) -> list[dict[str, object]]:
        """The accounts of the inventory, one for each program."""
        return [{"name": name, "password": _password(name), **rights} for name, rights in ACCOUNTS.items()]

    def write_inventory(self, **settings: object) -> None:
        """Write the inventory, with additional settings for all nodes."""
        # A retired node stays until the fleet moves: until then, tests ask what becomes of it.
        retired = {file.stem for file in (self.folder / "authority/retired").glob("*.crt") if self.kind != KIND}
        nodes = {name: fields for name, fields in self.hosts.inventory().items() if name not in retired}
        for name, fields in nodes.items():
            fields["node_host_settings"] = {"camera": {"source": self._sources[name]}}
        common = {"health": {"every_s": 5}, "events": {"leave_after_s": 1, "cool_down_s": 0}}
        content = {
            "vars": {
                "fleet_dir": str(self.folder),
                "fleet_release": "1.0.0",
                "fleet_kinds": ["x86_64-3.13", "x86_64-3.11"],
                "broker_kind": self.kind,
                "fleet_broker_host": self._broker_host,
                "fleet_node_port": self.node_port,
                "fleet_account_port": self.account_port,
                "fleet_accounts": self.accounts,
                "node_fleet_settings": common | settings,
                "vault_authority_passphrase": "a long passphrase of the authority",
            },
            "children": {
                "broker": {"hosts": self._brokers()},
                "nodes": {"hosts": nodes},
            },
        }
        (self._inventory / "hosts.yml").write_text(json.dumps({"all": content}))

    def _brokers(self) -> dict[str, dict[str, object]]:
        """Return the variables of each broker's host; all hosts share the network of this machine."""
        if self.kind == "mosquitto":
            return {self.hosts.all[0].name: {"broker_address": "127.0.0.1"}}
        package = str(nats_package())
        return {
            host.name: {"broker_address": each, "broker_local_address": each, "broker_nats_package": package}
            for host, each in zip(self.hosts.all, _ADDRESSES[self.kind], strict=False)
        }

    def move(self, kind: str) -> None:
        """Write the inventory for another kind of broker, whose ports are free; playbooks change the hosts."""
        self.kind = kind
        self.node_port, self.account_port = next(self.hosts.ports), next(self.hosts.ports)
        self.write_inventory()

    def restart_brokers(self) -> None:
        """Restart each broker; of several, the next one when the last is up to date."""
        self.control_brokers(self.kind, "restart")

    def control_brokers(self, kind: str, verb: str) -> None:
        """Start, stop or restart the brokers of a kind, one host after the other."""
        for host, _address in zip(self.hosts.all, _ADDRESSES[kind], strict=False):
            self.hosts.ssh(host, f"systemctl {verb} {_UNITS[kind]}", timeout_s=300)

    def broker_peak_mb(self) -> float:
        """Return the greatest memory that the first broker ever had, MB."""
        unit, *_ = _UNITS[self.kind].split()
        command = f"awk '/VmHWM/ {{print $2}}' /proc/$(systemctl show -P MainPID {unit})/status"
        return int(self.hosts.ssh(self.hosts.all[0], command)) / 1000

    def run_playbook(self, name: str, *arguments: str, code: int | None = 0, **variables: object) -> PlaybookResult:
        """Run a playbook with extra variables; fail the test on another exit code, unless `code` is None."""
        command = [
            str(BIN / "ansible-playbook"), "--inventory", str(self._inventory), f"{name}.yml", *arguments,
            "--extra-vars", json.dumps(variables),
        ]  # fmt: skip
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE", "FACENODE"))}
        began_s = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT / "ansible", env=environ | {"LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=_PLAYBOOK_TIMEOUT_S,
        )  # fmt: skip
        duration_s = time.monotonic() - began_s
        (self.folder / f"{name}.log").write_text(done.stdout)
        assert code in {None, done.returncode}, f"{name}.yml exited with {done.returncode}:\n{done.stdout[-6000:]}"
        changed = {host: int(count) for host, _, count, _, _ in _RECAP.findall(done.stdout)}
        return PlaybookResult(done.returncode, " ".join(done.stdout.split()), duration_s, changed)

    def lint(self) -> None:
        """Check the playbooks with ansible-lint's production profile."""
        environ = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
        run(BIN / "ansible-lint", "--offline", "--profile", "production", cwd=ROOT / "ansible", environ=environ)

    def states(self) -> dict[str, Any]:
        """Return the output of `facenode fleet --json`: the state of each node by name."""
        command = [str(BIN / "facenode"), "fleet", "--json", *self._login()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        assert done.stdout, done.stderr
        states: dict[str, Any] = json.loads(done.stdout)
        return states

    def versions(self) -> dict[str, str]:
        """Return status and version of each node, as retained by the broker."""
        return {node: f"{state['status']} {state['health']['version']}" for node, state in self.states().items()}

    @contextmanager
    def watch_events(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """Subscribe durably to all events; yield a function that returns those received so far, each with its node."""
        lines = self.folder / f"events-{self.kind}"
        with lines.open("wb") as out, subprocess.Popen(self._watch("fleet.toml"), stdout=out) as watch:
            try:
                yield lambda: _events(lines.read_text())
            finally:
                watch.terminate()

    def drain_events(self, settings_file: str) -> list[dict[str, Any]]:
        """Return the events that still wait for `watch_events` at a broker, and let it keep nothing more."""
        command = [*self._watch(settings_file), "--drain"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=180)
        return _events(done.stdout)

    def account_settings(self, name: str) -> MqttSettings:
        """Return the MQTT settings of an account."""
        password = self.folder / f"{name}.password"
        password.write_text(_password(name))
        password.chmod(0o600)
        return MqttSettings.model_validate(
            {
                "host": self._broker_host,
                "port": self.account_port,
                "username": name,
                "password_file": password,
                "tls": {"enabled": True, "ca_file": self.folder / "authority/ca.crt"},
            }
        )

    def subscribe(self, name: str, *filters: str) -> Subscriber:
        """Return a subscriber that is logged in with an account."""
        return Subscriber(self.account_settings(name), *filters, client_id=f"test-{name}".replace(".", "-"))

    def stolen_settings(self, host: Host, folder: Path) -> MqttSettings:
        """Copy a node's key and certificate, as a thief would, and return MQTT settings that use them."""
        folder.mkdir(parents=True, exist_ok=True)
        tls = host.disk / "etc/facenode/tls"
        for name in ("node.key", "node.crt"):
            shutil.copy(tls / name, folder / name)
        return self.certificate_settings(folder / "node.crt", folder / "node.key")

    def certificate_settings(self, certificate: Path | None, key: Path | None) -> MqttSettings:
        """Return MQTT settings for the port of nodes with a certificate, or without one."""
        tls = {"enabled": True, "ca_file": self.folder / "authority/ca.crt", "cert_file": certificate, "key_file": key}
        return MqttSettings.model_validate({"host": self._broker_host, "port": self.node_port, "tls": tls})

    @property
    def _broker_host(self) -> str:
        return ",".join(_ADDRESSES[self.kind])

    def _watch(self, settings_file: str) -> list[str]:
        """Return the command that prints events and has a session at the broker."""
        login = self._login("app.watch", settings_file)
        # A client id of NATS has no dots, as the name of an account has; mosquitto takes the name for any.
        return [str(BIN / "facenode"), "watch", "--durable", "test", "--json", *login]

    def _login(self, name: str = "app.fleet", settings_file: str = "fleet.toml") -> list[str]:
        """Return the arguments with which `facenode` logs in to the broker with an account."""
        password = self.account_settings(name).password_file
        login = ["--set", f"mqtt.username={name}", "--set", f"mqtt.password_file={password}"]
        return ["--config", str(self.folder / settings_file), *login]


def _events(lines: str) -> list[dict[str, Any]]:
    """Return the nodes' events in the output of `facenode watch --json`, each with its node.

    The last line may be cut off, and what an intruder has sent on such a topic is no event.
    """
    messages = [json.loads(line) for line in lines.splitlines(keepends=True) if line[-1] == "\n"]
    return [
        {"node": message["topic"].split("/")[1], "late": "/late/" in message["topic"], **message["payload"]}
        for message in messages
        if "/event/" in message["topic"] and isinstance(message["payload"], dict)
    ]


def _password(name: str) -> str:
    return f"a long password of {name}"
