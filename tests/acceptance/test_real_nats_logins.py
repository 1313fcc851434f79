"""A NATS server that asks the program of docs/nats about each login: a client id belongs to one login."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import nkeys
import pytest
from mosquitto_broker import Subscriber, eventually, lasting_ports
from nats_root import nats_root
from nats_server import NatsServer

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Lost, Received, Report
from node.settings import MqttSettings
from tests.docs.pages import ROOT

pytestmark = pytest.mark.timeout(300)
ALERTS = 10
PrintLine = Callable[[str], None]
_PROGRAM = ROOT / "docs/nats/logins.py"
_CONFIG = """
server_name: "one"
listen: "127.0.0.1:{client}"
jetstream {{ store_dir: "{store}", max_memory_store: 64MB, max_file_store: 256MB }}
mqtt {{ listen: "127.0.0.1:{mqtt}" }}
accounts {{
  FLEET {{ jetstream: enabled }}
  LOGINS {{ users: [{{ user: "logins", password: "between us" }}] }}
}}
authorization {{ auth_callout {{ issuer: "{issuer}", account: "LOGINS", auth_users: ["logins"] }} }}
"""
_LOGINS = {
    "app.alerts": {
        "password": "one", "client_ids": ["alerts"], "publish": [],
        "subscribe": ["facenode.*.alert", "facenode.*.alert.>"],
    },
    "node-3": {
        "password": "three", "client_ids": ["facenode-node-3", "facenode-node-3-check"],
        "publish": ["facenode.node-3.>"], "subscribe": ["facenode.node-3", "facenode.node-3.>"],
    },
    "node-2": {
        "password": "two", "client_ids": ["facenode-node-2", "facenode-node-2-check"],
        "publish": ["facenode.node-2.>"], "subscribe": ["facenode.node-2", "facenode.node-2.>"],
    },
}  # fmt: skip


class GuardedServer:
    """A server and the program that answers its questions.

    Args:
        folder: the folder of files and logs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ports = lasting_ports()
        self.server, client = NatsServer(nats_root(), "one", folder, next(ports)), next(ports)
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_ACCOUNT)
        issuer = nkeys.from_seed(seed).public_key.decode()
        self.server.configure(
            _CONFIG.format(
                client=client, mqtt=self.server.port, store=self.server.inside(self.server.store), issuer=issuer
            )
        )
        for name, content in (("seed", seed.decode()), ("logins", json.dumps(_LOGINS)), ("password", "between us")):
            (folder / name).write_text(content)
        self._environ = {
            "PATH": os.environ["PATH"], "NATS_SERVERS": f"nats://127.0.0.1:{client}", "NATS_USER": "logins",
            "NATS_PASSWORD_FILE": str(folder / "password"), "NATS_SEED_FILE": str(folder / "seed"),
            "NATS_LOGINS_FILE": str(folder / "logins"), "NATS_ACCOUNT": "FLEET",
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start both."""
        self.server.start()
        with (self._folder / "program.log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, _PROGRAM], env=self._environ, stdout=log, stderr=log)
        assert eventually(lambda: "answering" in (self._folder / "program.log").read_text(), 30)

    def login(self, name: str) -> MqttSettings:
        """Return the settings of a login."""
        secret = self._folder / f"{name}.password"
        secret.write_text(str(_LOGINS[name]["password"]))
        return MqttSettings.model_validate(
            {"host": "127.0.0.1", "port": self.server.port, "username": name, "password_file": secret}
        )

    def close(self) -> None:
        """Stop both."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
        self.server.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedServer]:
    """Return a server that asks who may log in."""
    made = GuardedServer(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.close()


def test_nobody_uses_the_client_id_of_another_login(guarded: GuardedServer, print_line: PrintLine) -> None:
    """A node stays connected, and what waits for a durable session is for its login alone."""
    Subscriber(guarded.login("app.alerts"), "facenode/+/alert/#", client_id="alerts", keep_s=600).close()
    lost: list[Report] = []
    refused, tries = 0, 0
    with closing(connect(guarded.login("node-3"), Client("facenode-node-3"), lost.append)) as node:
        for who, client_id in (("node-2", "facenode-node-3"), ("app.alerts", "facenode-node-3"), ("node-2", "alerts")):
            for keep_s in (0, 600):
                tries += 1
                try:
                    connect(guarded.login(who), Client(client_id, keep_s=keep_s), lambda _report: None).close()
                except BrokerError:
                    refused += 1
        with closing(
            Subscriber(guarded.login("node-3"), "facenode/node-3/x", client_id="facenode-node-3-check")
        ) as own:
            for number in range(ALERTS):
                own.publish("facenode/node-3/alert/night", b"%d" % number)
            assert eventually(lambda: own.acknowledged == ALERTS, 20)
        assert not [each for each in lost if isinstance(each, Lost)]
        node.subscribe("facenode/node-3/request/#")
        assert eventually(lambda: bool(lost), 20)
    came: list[Report] = []
    with closing(connect(guarded.login("app.alerts"), Client("alerts", keep_s=600), came.append)):
        assert eventually(lambda: sum(isinstance(each, Received) for each in came) == ALERTS, 20)
    print_line(f"{refused} of {tries} attempts with another's client id refused; {ALERTS} of {ALERTS} alerts kept")
    assert refused == tries


def test_a_wrong_password_is_refused(guarded: GuardedServer) -> None:
    """The program knows the logins, and the server nobody but the program."""
    wrong = guarded.login("node-2").model_copy(update={"password_file": guarded.login("node-3").password_file})
    with pytest.raises(BrokerError, match="login"):
        connect(wrong, Client("facenode-node-2"), lambda _report: None)
