"""The templates of the Ansible role -> a real mosquitto as a fleet has it, and its nodes' and accounts' settings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import facenode_filters
import jinja2
from certificate_authority import CertificateAuthority
from mosquitto_broker import Mosquitto, free_port

from node.settings import MqttSettings

ROLE = Path(__file__).resolve().parents[2] / "ansible" / "roles" / "broker"
NODES = ("node-2", "node-3")
ACCOUNTS: tuple[Mapping[str, Any], ...] = (
    {"name": "app.fleet", "may": "fleet"},
    {"name": "app.playbooks", "may": "playbooks"},
    {"name": "app.homeassistant", "may": "homeassistant"},
    {"name": "app.home-2", "may": "homeassistant"},
    {"name": "app.security", "may": "security"},
    {"name": "app.alarm-1", "may": "security", "groups": ["alarms"]},
    {"name": "app.alarm-2", "may": "security", "groups": ["alarms"]},
)
_OWN_ID = "use_username_as_clientid true"


def defaults() -> dict[str, int]:
    """Return the role's default figures by name."""
    text = (ROLE / "defaults" / "main.yml").read_text()
    return {name: int(value) for name, value in re.findall(r"^(broker_\w+): (\d+)$", text, re.MULTILINE)}


class FleetBroker:
    """A broker with the role's configuration, which nodes reach with a certificate and accounts with a password.

    Args:
        folder: its folder.
        lines: further lines of its configuration.
        variables: variables of the role that differ from its defaults.

    Attributes:
        mosquitto: the process. Its own port has the accounts but no client ids of theirs, for whoever must see all.
    """

    def __init__(self, folder: Path, *lines: str, **variables: object) -> None:
        self._folder = folder
        self._node_port, self._account_port = free_port(), free_port()
        self._authority = CertificateAuthority(folder / "authority")
        broker, revoked = self._authority.issue("broker.localhost"), self._authority.issue("retired")
        self._identities = {name: self._authority.issue(name) for name in (*NODES, "broker.localhost")}
        self._identities["retired"] = revoked
        self._variables: dict[str, object] = {
            "ansible_managed": "a test",
            "broker_accounts": [{**each, "password": self._password(each["name"])} for each in ACCOUNTS],
            "broker_certificate_names": [*NODES, "broker.localhost"],
            "broker_retired": [],
            "broker_salt_key": "a salt",
            "broker_address": "127.0.0.1",
            "broker_node_port": self._node_port,
            "broker_account_port": self._account_port,
            "broker_node_connections": 50,
            **defaults(),
            **variables,
        }
        kept = folder / "kept"
        kept.mkdir()
        self.mosquitto = Mosquitto(folder / "broker")
        own = self.mosquitto.folder
        for source, name in (
            (self._authority.certificate, "ca.crt"), (broker.certificate, "broker.crt"), (broker.key, "broker.key"),
            (self._authority.revoke(revoked), "crl.pem"),
        ):  # fmt: skip
            (own / name).write_bytes(source.read_bytes())
        self._lines = ("persistence true", f"persistence_location {kept}/", *lines)
        self.configure()

    def configure(self, *, own_ids: bool = True) -> None:
        """Write the files of the role.

        Args:
            own_ids: False: as in 0.1.0, whose accounts choose their client ids.
        """
        own = self.mosquitto.folder
        for template, name in (("acl.j2", "acl"), ("passwords.j2", "passwords"), ("groups.json.j2", "groups.json")):
            (own / name).write_text(self._render(template))
            (own / name).chmod(0o600)
        text = self._render("mosquitto.conf.j2").replace("/etc/mosquitto/facenode", str(own))
        if not own_ids:
            before, _, _ = text.rpartition(_OWN_ID)
            text = before
        user = ["user root"] if own.owner() == "root" else []
        # The port that `start` waits for opens last.
        lines = [*user, *self._lines, text, f"listener {self.mosquitto.port} 127.0.0.1", ""]
        (own / "mosquitto.conf").write_text("\n".join(lines))

    def node(self, name: str) -> MqttSettings:
        """Return the settings of whoever has the certificate of a node."""
        identity = self._identities[name]
        tls = self._tls | {"cert_file": identity.certificate, "key_file": identity.key}
        return MqttSettings.model_validate({"host": "127.0.0.1", "port": self._node_port, "tls": tls})

    def account(self, name: str, **more: object) -> MqttSettings:
        """Return the settings of an account."""
        file = self._folder / f"{name}.password"
        file.write_text(self._password(name))
        login = {"username": name, "password_file": file}
        return MqttSettings.model_validate(
            {"host": "127.0.0.1", "port": self._account_port, "tls": self._tls, **login, **more}
        )

    def arguments(self, name: str, **more: object) -> dict[str, object]:
        """Return the settings of an account, for a command."""
        settings = self.account(name)
        return {
            "mqtt.host": settings.host,
            "mqtt.port": settings.port,
            "mqtt.username": name,
            "mqtt.password_file": settings.password_file,
            "mqtt.tls.enabled": True,
            "mqtt.tls.ca_file": self._authority.certificate,
            **{f"mqtt.{key}": value for key, value in more.items()},
        }

    def everything(self, name: str = "app.fleet") -> MqttSettings:
        """Return the settings of an account at the port where client ids are free."""
        return self.account(name).model_copy(update={"port": self.mosquitto.port, "tls": MqttSettings().tls})

    @property
    def pid(self) -> int:
        """The process id of the broker."""
        return self.mosquitto.pid

    @property
    def _tls(self) -> dict[str, object]:
        return {"enabled": True, "ca_file": self._authority.certificate}

    @staticmethod
    def _password(name: str) -> str:
        return f"a long password of {name}"

    def _render(self, name: str) -> str:
        # Ansible's own choices of these options.
        environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)  # noqa: S701 - no HTML
        environment.filters.update(facenode_filters.FilterModule().filters())
        return environment.from_string((ROLE / "templates" / name).read_text()).render(self._variables)
