"""A root with Home Assistant, and a broker -> a Home Assistant on loopback that is connected to the broker."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from home_assistant_root import OLDER, command_inside
from home_assistant_websocket import EventFirings, HomeAssistantWebSocket
from mosquitto_broker import eventually, free_port, listens
from node_messages import BrokerAddress

BLUEPRINTS = Path(__file__).resolve().parents[2] / "docs/home-assistant"
_START_S, _ANSWER_S = 180.0, 30.0
_TOKEN_S = 1800
_RELEVANT_WORDS = (
    "mqtt",
    "facenode",
    "helpers.entity",
    "automation",
    "blueprint",
    "template",
    "image",
    "event",
    "script",
)
"""Words of log lines about parts of Home Assistant that the node uses."""
_CONFIGURATION = """homeassistant:
  name: Home
  time_zone: {zone}
http:
  server_host: 127.0.0.1
  server_port: {port}
automation: !include automations.yaml
mobile_app:
logger:
  default: warning
  logs:
    homeassistant.components.mqtt: info
"""


class HomeAssistant:
    """A Home Assistant process.

    Args:
        root: the root from `home_assistant_root`.
        folder: the folder of its log.
        broker: the broker to connect to.
        zone: its time zone.
        prepare: adds to its configuration folder, /cfg of the root, before the start, including the broker.

    Attributes:
        port: the port it listens on.
        protocol: the MQTT version with which it connects to the broker; None: its default.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        broker: BrokerAddress,
        zone: str = "UTC",
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._root, self._broker = root, broker
        self.protocol: str | None = None
        self._log = folder / "hass.log"
        self.port = free_port()
        self._base = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._token = self._refresh = ""
        self._expected: list[str] = []
        shutil.rmtree(root / "cfg", ignore_errors=True)
        (root / "cfg").mkdir()
        (root / "cfg/automations.yaml").write_text("[]")
        # As an owner copies them.
        folder = root / "cfg/blueprints/automation/facenode"
        folder.mkdir(parents=True)
        for file in BLUEPRINTS.glob("*.yaml"):
            shutil.copy(file, folder)
        (root / "cfg/configuration.yaml").write_text(_CONFIGURATION.format(port=self.port, zone=zone))
        self._preconfigured = prepare is not None
        if prepare is not None:
            prepare()

    def start(self) -> None:
        """Start it and wait until it runs; the first time, create a user and connect it to the broker."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                list(map(str, command_inside(self._root, "hass", "-c", "/cfg", "--skip-pip"))),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if not eventually(lambda: listens("127.0.0.1", self.port), _START_S):
            self.end()
            pytest.fail(f"Home Assistant does not listen:\n{self.log()}")
        new = not self._refresh
        self._onboard() if new else self._renew_token()
        assert eventually(lambda: self._get("/api/config")["state"] == "RUNNING", _START_S)
        if new:
            if not self._preconfigured:
                self._connect()
            if not OLDER:  # otherwise it returns to its usual port after five minutes
                self.command("http/config/promote")

    def end(self) -> None:
        """Stop it with SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def move(self, broker: BrokerAddress) -> None:
        """Change its broker while it is stopped, as its MQTT page does while it runs."""
        assert self._process is None
        file = self._root / "cfg/.storage/core.config_entries"
        content = json.loads(file.read_text())
        (entry,) = [each for each in content["data"]["entries"] if each["domain"] == "mqtt"]
        entry["data"] |= {"broker": broker.host, "port": broker.port}
        file.write_text(json.dumps(content))

    def log(self) -> str:
        """Return its log."""
        return self._log.read_text(errors="replace")

    def logged_problems(self) -> list[str]:
        """Return the logged warnings and errors about MQTT, its entities, automations and nodes."""
        lines = [line for line in self.log().splitlines() if " WARNING " in line or " ERROR " in line]
        ours = [line for line in lines if any(word in line.lower() for word in _RELEVANT_WORDS)]
        return [line for line in ours if not any(sentence in line for sentence in self._expected)]

    def ignore_log_line(self, sentence: str) -> None:
        """Ignore log lines with this sentence, which Home Assistant causes itself."""
        self._expected.append(sentence)

    def send_webhook(self, webhook: str, fields: dict[str, Any]) -> None:
        """Send what an app sends through its webhook, which needs no login."""
        with self._open(f"/api/webhook/{webhook}", fields) as answer:
            answer.read()

    def finish_onboarding(self) -> None:
        """Complete the onboarding steps that come before the first page."""
        address = {"client_id": f"{self._base}/", "redirect_uri": f"{self._base}/"}
        for step, fields in (("core_config", {}), ("analytics", {}), ("integration", address)):
            self.post(f"/api/onboarding/{step}", fields)

    def login(self) -> dict[str, object]:
        """Return the tokens that a browser stores for a user who is logged in."""
        return {
            "hassUrl": self._base, "clientId": f"{self._base}/", "access_token": self._token, "token_type": "Bearer",
            "refresh_token": self._refresh, "expires_in": _TOKEN_S, "expires": int((time.time() + _TOKEN_S) * 1000),
        }  # fmt: skip

    def socket(self) -> HomeAssistantWebSocket:
        """Return a WebSocket connection of its owner."""
        return HomeAssistantWebSocket(self.port, self._token)

    def command(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - any JSON value
        """Send a WebSocket command and return its result."""
        with self.socket() as socket:
            return socket.command(kind, **fields)

    def firings(self, entity: str) -> EventFirings:
        """Return a recorder of each firing of an event entity."""
        return EventFirings(self.socket(), entity)

    def registered(self, device: str) -> dict[str, dict[str, Any]]:
        """Return the registry entries of a device's entities, enabled or not, by entity id."""
        ids = [
            each["id"]
            for each in self.command("config/device_registry/list")
            if ["mqtt", device] in each["identifiers"]
        ]
        return {
            each["entity_id"]: each for each in self.command("config/entity_registry/list") if each["device_id"] in ids
        }

    def devices(self) -> list[str]:
        """Return the names of the devices."""
        return [each["name"] for each in self.command("config/device_registry/list")]

    def reload(self) -> None:
        """Reload the MQTT integration, as after enabling an entity."""
        entry = self._entry()
        self.post(f"/api/config/config_entries/entry/{entry}/reload", {})

    def remove(self, device: str) -> None:
        """Delete a device, as its page does."""
        for each in self.command("config/device_registry/list"):
            if ["mqtt", device] in each["identifiers"] and OLDER:
                kind = "config/device_registry/remove_config_entry"
                self.command(kind, device_id=each["id"], config_entry_id=self._entry())
            elif ["mqtt", device] in each["identifiers"]:
                self.command("config/device_registry/remove", device_id=each["id"])

    def automate(self, name: str, blueprint: str, inputs: Mapping[str, object], alias: str = "") -> None:
        """Create an automation from a blueprint, as the blueprint's page does."""
        use = {"path": blueprint, "input": dict(inputs)}
        self.post(f"/api/config/automation/config/{name}", {"alias": alias or name, "use_blueprint": use})

    def picture(self, entity: str) -> bytes:
        """Return the picture of an image entity."""
        return self.fetch(f"/api/image_proxy/{entity}")

    def fetch(self, path: str) -> bytes:
        """Return the content at a path."""
        with self._open(path) as answer:
            return bytes(answer.read())

    def post(self, path: str, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Post JSON to a path and return the answer."""
        with self._open(path, fields) as answer:
            return json.loads(answer.read())

    def _entry(self) -> str:
        return str(self.command("config_entries/get", domain="mqtt")[0]["entry_id"])

    def state(self, entity: str) -> str | None:
        """Return the state of an entity; None if there is no such entity."""
        found = self.entity(entity)
        return None if found is None else str(found["state"])

    def entity(self, entity: str) -> dict[str, Any] | None:
        """Return state and attributes of an entity; None if there is no such entity."""
        try:
            found: dict[str, Any] = self._get(f"/api/states/{entity}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return found

    def render(self, template: str) -> str:
        """Return the result of a template."""
        with self._open("/api/template", {"template": template}) as answer:
            return str(answer.read().decode())

    def call(self, domain: str, service: str, **fields: object) -> None:
        """Call a service."""
        with self._open(f"/api/services/{domain}/{service}", fields) as answer:
            answer.read()

    def _onboard(self) -> None:
        assert eventually(lambda: self._responds("/api/onboarding"), _START_S)
        person = {"name": "Owner", "username": "owner", "password": "owner", "language": "en"}
        user = self.post("/api/onboarding/users", {**person, "client_id": f"{self._base}/"})
        self._fetch_token({"grant_type": "authorization_code", "code": user["auth_code"]})

    def _renew_token(self) -> None:
        assert eventually(lambda: self._responds("/auth/providers"), _START_S)
        self._fetch_token({"grant_type": "refresh_token", "refresh_token": self._refresh})

    def _fetch_token(self, fields: dict[str, str]) -> None:
        self._token = ""
        body = urllib.parse.urlencode({**fields, "client_id": f"{self._base}/"}).encode()
        with self._ask("/auth/token", body, "application/x-www-form-urlencoded") as answer:
            given = json.loads(answer.read())
        self._token, self._refresh = given["access_token"], given.get("refresh_token", self._refresh)

    def _responds(self, path: str) -> bool:
        try:
            with self._open(path):
                return True
        except OSError:
            return False

    def _connect(self) -> None:
        flows = "/api/config/config_entries/flow"
        flow = self.post(flows, {"handler": "mqtt"})
        given: dict[str, Any] = {"broker": self._broker.host, "port": self._broker.port}
        if self.protocol is not None:
            given["protocol"] = self.protocol
        done = self.post(f"{flows}/{flow['flow_id']}", _filled(flow["data_schema"], given))
        assert done["type"] == "create_entry", done

    def _get(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        with self._open(path) as answer:
            return json.loads(answer.read())

    def _open(self, path: str, fields: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - urlopen's own type
        return self._ask(path, None if fields is None else json.dumps(fields).encode(), "application/json")

    def _ask(self, path: str, body: bytes | None, kind: str) -> Any:  # noqa: ANN401 - urlopen's own type
        head = {"Content-Type": kind} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        asked = urllib.request.Request(f"{self._base}{path}", body, head)  # noqa: S310 - http on loopback
        return urllib.request.urlopen(asked, timeout=_ANSWER_S)  # noqa: S310 - as above


def _filled(schema: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    """Return the given fields, and the defaults of what else a form requires, section by section."""
    fields: dict[str, Any] = {}
    for field in schema:
        name, selector = field["name"], field.get("selector", {})
        if field.get("type") == "expandable":
            fields[name] = _filled(field["schema"], given)
        elif name in given:
            fields[name] = given[name]
        elif field.get("required") and field.get("default") is not None:
            fields[name] = field["default"]
        elif field.get("required") and "boolean" in selector:
            fields[name] = False
        elif field.get("required") and "select" in selector:
            first = selector["select"]["options"][0]
            fields[name] = first["value"] if isinstance(first, dict) else first
    return fields
