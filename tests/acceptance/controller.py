"""Hosts -> a controller that runs our playbooks over them, and a broker's view of what came of it."""

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
from clip_server import install_clip_server
from fleethosts import Host, Hosts
from mosquitto_broker import Subscriber, free_port
from process import run

from node.settings import MqttSettings

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-fleet" / "bin"
ACCOUNTS = {name: f"a long password of {name}" for name in ("app.fleet", "app.homeassistant", "app.security")}
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_PLAY_S = 900.0


@dataclass(frozen=True, slots=True)
class Played:
    """How a playbook ended.

    Attributes:
        code: its exit code.
        out: all that it printed, lines that were broken joined again.
        took_s: seconds.
        changed: changed tasks by host.
    """

    code: int
    out: str
    took_s: float
    changed: Mapping[str, int]


class Controller:
    """Whoever runs the playbooks.

    Attributes:
        hosts: the hosts; the first is the broker's, too.
        folder: where the fleet's authority and releases are.
        node_port: where nodes reach the broker.
        account_port: where accounts do.
    """

    def __init__(self, hosts: Hosts, folder: Path, clip: Path) -> None:
        if not (BIN / "ansible-playbook").exists():
            pytest.skip("no Ansible: make fleet")
        self.hosts, self.folder = hosts, folder
        self.node_port, self.account_port = free_port(), free_port()
        self._inventory = folder / "inventory"
        self._sources = {host.name: install_clip_server(host.disk, clip, free_port()) for host in hosts.all}
        folder.mkdir(parents=True)
        self._inventory.mkdir()
        self.write()

    def write(self, **settings: object) -> None:
        """Write the inventory, with these settings of all nodes."""
        nodes = self.hosts.inventory()
        for name, fields in nodes.items():
            fields["node_host_settings"] = {"camera": {"source": self._sources[name]}}
        common = {"health": {"every_s": 5}, "events": {"leave_after_s": 1, "cool_down_s": 0}}
        content = {
            "vars": {
                "fleet_dir": str(self.folder),
                "fleet_release": "1.0.0",
                "fleet_kinds": ["x86_64-3.13", "x86_64-3.11"],
                "fleet_broker_host": "localhost",
                "fleet_node_port": self.node_port,
                "fleet_account_port": self.account_port,
                "broker_address": "127.0.0.1",
                "fleet_accounts": [
                    {"name": name, "may": name.removeprefix("app."), "password": password}
                    for name, password in ACCOUNTS.items()
                ],
                "node_fleet_settings": common | settings,
                "vault_authority_passphrase": "a long passphrase of the authority",
            },
            "children": {
                "broker": {"hosts": {self.hosts.all[0].name: {}}},
                "nodes": {"hosts": nodes},
            },
        }
        (self._inventory / "hosts.yml").write_text(json.dumps({"all": content}))

    def play(self, book: str, *arguments: str, code: int | None = 0, **variables: object) -> Played:
        """Run a playbook; fail where it ends with another code, unless that is None."""
        command = [
            str(BIN / "ansible-playbook"), "--inventory", str(self._inventory), f"{book}.yml", *arguments,
            "--extra-vars", json.dumps(variables),
        ]  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "FACENODE"))}
        began_s = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT / "ansible", env=kept | {"LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=_PLAY_S,
        )  # fmt: skip
        took_s = time.monotonic() - began_s
        (self.folder / f"{book}.log").write_text(done.stdout)
        assert code in {None, done.returncode}, f"{book} ended with {done.returncode}:\n{done.stdout[-6000:]}"
        changed = {name: int(count) for name, _, count, _, _ in _RECAP.findall(done.stdout)}
        return Played(done.returncode, " ".join(done.stdout.split()), took_s, changed)

    def lint(self) -> None:
        """Hold the playbooks against ansible-lint's production profile."""
        environ = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
        run(BIN / "ansible-lint", "--offline", "--profile", "production", cwd=ROOT / "ansible", environ=environ)

    def view(self) -> dict[str, Any]:
        """Return what `facenode fleet --json` says of each node."""
        command = [str(BIN / "facenode"), "fleet", "--json", *self._login()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout, done.stderr
        view: dict[str, Any] = json.loads(done.stdout)
        return view

    def versions(self) -> dict[str, str]:
        """Return status and version of each node, as the broker has them."""
        return {node: f"{known['status']} {known['health']['version']}" for node, known in self.view().items()}

    @contextmanager
    def watching(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """Watch all events as a durable subscriber; what is yielded returns those so far, each with its node."""
        lines = self.folder / "events"
        command = [str(BIN / "facenode"), "watch", "--durable", "test", "--json", *self._login()]
        with lines.open("wb") as out, subprocess.Popen(command, stdout=out) as watch:

            def events() -> list[dict[str, Any]]:
                messages = [
                    json.loads(line) for line in lines.read_text().splitlines(keepends=True) if line[-1] == "\n"
                ]
                return [
                    {"node": message["topic"].split("/")[1], **message["payload"]}
                    for message in messages
                    if "/event/" in message["topic"]
                ]

            try:
                yield events
            finally:
                watch.terminate()

    def account(self, name: str) -> MqttSettings:
        """Return the settings by which an account reaches the broker."""
        password = self.folder / f"{name}.password"
        password.write_text(ACCOUNTS[name])
        password.chmod(0o600)
        return MqttSettings.model_validate(
            {
                "host": "localhost",
                "port": self.account_port,
                "username": name,
                "password_file": password,
                "tls": {"enabled": True, "ca_file": self.folder / "authority/ca.crt"},
            }
        )

    def subscribe(self, name: str, *filters: str) -> Subscriber:
        """Return an account that listens."""
        return Subscriber(self.account(name), *filters, client_id=f"test-{name}")

    def certificate(self, host: Host, folder: Path) -> MqttSettings:
        """Return the settings by which somebody who has stolen a node's files reaches the broker."""
        folder.mkdir(parents=True, exist_ok=True)
        tls = host.disk / "etc/facenode/tls"
        for name in ("node.key", "node.crt"):
            shutil.copy(tls / name, folder / name)
        return self.identified(folder / "node.crt", folder / "node.key")

    def identified(self, certificate: Path | None, key: Path | None) -> MqttSettings:
        """Return the settings by which somebody with a certificate reaches the port of nodes."""
        tls = {"enabled": True, "ca_file": self.folder / "authority/ca.crt", "cert_file": certificate, "key_file": key}
        return MqttSettings.model_validate({"host": "localhost", "port": self.node_port, "tls": tls})

    def _login(self) -> list[str]:
        """Return the arguments by which `facenode` speaks to the broker as the controller."""
        password = self.account("app.fleet").password_file
        return ["--config", str(self.folder / "fleet.toml"), "--set", f"mqtt.password_file={password}"]
