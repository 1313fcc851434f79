"""Answers about the broker -> what came of using it as the node would, by the findings of `facenode check`."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from node.contract.payloads import ONLINE
from node.contract.topics import Topics
from node.diagnostics.broker import broker_findings
from node.diagnostics.conversation import Conversation
from node.diagnostics.first_messages import FirstMessages
from node.errors import BrokerError
from node.mqtt.identity import check_client
from node.settings import MqttSettings, Settings
from node.setup.schema import BrokerAnswer
from node.setup.world import FoundBroker, LoginResult
from node.system.files import create_privately

_RETAINED_S = 1.0
_STATES = (ONLINE, b"offline")
_BEFORE_LOGIN = ("name", "tcp", "tls", "login")


class NetworkBrokers:
    """The brokers of this network.

    Args:
        settings: of the node, as far as they are known; those of the broker and the id are replaced.
        messages: returns what a node with some settings would publish when it connects.
        search: returns hosts that may be the broker.
        running: returns what the node that runs here says of itself; None if none does.
    """

    def __init__(
        self,
        settings: Settings,
        messages: Callable[[Settings], FirstMessages],
        search: Callable[[], Sequence[FoundBroker]],
        running: Callable[[], Mapping[str, object] | None],
    ) -> None:
        self._settings, self._messages, self._search, self._running = settings, messages, search, running

    def find(self) -> Sequence[FoundBroker]:
        """Return hosts that may be the broker, Home Assistant's first."""
        return self._search()

    def try_login(self, broker: BrokerAnswer, node_id: str) -> LoginResult:
        """Use a broker as a node of this id would; leave nothing there."""
        with tempfile.TemporaryDirectory(prefix="facenode-setup-") as folder:
            settings = self._settings_for(broker, node_id, Path(folder))
            own = self._running() if node_id == self._settings.node.id else None
            findings = broker_findings(settings, self._messages(settings), own)
            failed = next((each for each in findings if not each.ok), None)
            step = "" if failed is None else failed.name.rpartition(": ")[2]
            try:
                status = None if step in _BEFORE_LOGIN else _status(settings)
            except BrokerError as error:
                return LoginResult("login", str(error))
            if failed is None or (status == ONLINE.decode() and own is None):  # another node stands in the way
                return LoginResult(status=status)
            return LoginResult(step, failed.text)

    def _settings_for(self, broker: BrokerAnswer, node_id: str, folder: Path) -> Settings:
        """Return the settings of a node at this broker; its secrets are in files of mode 0600 in a folder."""
        former = self._settings.mqtt
        given: dict[str, object] = {"host": broker.host, "port": broker.port, "username": broker.username}
        if broker.password:
            create_privately(folder / "password", broker.password.encode(), sync=False)
            given["password_file"] = folder / "password"
        if broker.tls:
            given["tls"] = {"enabled": True, "cert_file": former.tls.cert_file, "key_file": former.tls.key_file}
            if broker.ca:
                create_privately(folder / "ca.pem", broker.ca.encode(), sync=False)
                given["tls"] |= {"ca_file": folder / "ca.pem"}  # type: ignore[operator] # a dict, two lines above
        node = self._settings.node.model_copy(update={"id": node_id})
        return self._settings.model_copy(update={"mqtt": MqttSettings.model_validate(given), "node": node})


def _status(settings: Settings) -> str | None:
    """Return what the broker keeps as the status of the node's id; None for nothing, or nothing that may be read."""
    topics = Topics(settings.node.id, settings.homeassistant.prefix)
    with closing(Conversation(settings.mqtt, check_client(topics), (topics.status,))) as conversation:
        try:
            conversation.subscribe(topics.status)
            conversation.wait(lambda: topics.status in conversation.retained, _RETAINED_S)
        except BrokerError:
            return None
        payload = conversation.retained.get(topics.status)
        return payload.decode() if payload in _STATES else None
