"""A fleet's broker -> what a stolen card, an account or a stranger can do there, question by question.

The same questions are put to each kind of broker, so that the answers can be compared.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from broken_connection import die
from certificate_authority import CertificateAuthority
from intruder import Intruder
from mosquitto_broker import Subscriber, eventually

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Lost, Received, Report, Subscribed
from node.settings import MqttSettings

_SETTLE_S = 1.0
_REFUSED = 0x80
_FORGED = b"forged"
_STATUS = "facenode/node-3/status"
_SESSION = "app-security"
"""The client id of a durable session of app.security; mosquitto replaces it by the account's name."""

_WRITES: Mapping[str, tuple[str, ...]] = {
    "node-2": (
        "facenode/node-2/event/unknown", "homeassistant/device/facenode/node-2/config",
        "facenode/node-3/event/recognized", _STATUS, "facenode/node-3/request/restart",
        "facenode/node-3/snapshot/made-up", "homeassistant/device/facenode/node-3/config", "homeassistant/status",
    ),
    "app.homeassistant": (
        "facenode/node-3/request/check", "homeassistant/status", "facenode/node-3/event/unknown", _STATUS,
    ),
    "app.security": (
        "facenode/node-3/request/privacy", "facenode/node-3/alert/night", "facenode/app.security/event/unknown",
        "homeassistant/device/facenode/app.security/config", "homeassistant/status",
    ),
    "app.fleet": (_STATUS, "facenode/node-3/request/check", "homeassistant/device/facenode/node-3/config",
                  "homeassistant/status"),
}  # fmt: skip
"""What each writes; the questions ask whether it arrives."""

_READS: Mapping[str, tuple[str, ...]] = {
    "node-2": (
        "facenode/node-2/request/#", "homeassistant/status", "facenode/node-3/request/#", "facenode/+/snapshot/+",
        "facenode/#", "#", "homeassistant/#", "homeassistant/device/facenode/node-2/config",
    ),
    "app.homeassistant": ("facenode/#", "homeassistant/#", "#"),
    "app.security": (
        "facenode/+/alert/#", "facenode/+/late/alert/#", "facenode/+/status", "facenode/+/event/#",
        "facenode/+/snapshot/+", "facenode/#", "#",
    ),
    "app.fleet": ("facenode/#", "homeassistant/device/facenode/#", "#"),
}  # fmt: skip
"""The filters that each subscribes to; the questions ask for which of `_TOPICS` messages come."""

_TOPICS = (
    "facenode/node-2/request/check", "facenode/node-3/request/check", "facenode/node-3/status",
    "facenode/node-3/alert/night", "facenode/node-3/late/alert/night", "facenode/node-3/event/unknown",
    "facenode/node-3/snapshot/made-up", "homeassistant/device/facenode/node-2/config",
    "homeassistant/device/facenode/node-3/config", "homeassistant/status",
)  # fmt: skip


class FleetBroker(Protocol):
    """A fleet's broker, whatever it is."""

    def node(self, name: str) -> MqttSettings:
        """Return the settings of whoever has the certificate of a node."""
        ...

    def account(self, name: str) -> MqttSettings:
        """Return the settings of an account."""
        ...


class AccessProbe:
    """Put questions to a broker.

    Args:
        broker: the broker.
        folder: a folder for the certificates of strangers.
    """

    def __init__(self, broker: FleetBroker, folder: Path) -> None:
        self._broker, self._folder = broker, folder

    def answers(self) -> dict[str, str]:
        """Return the answers by question."""
        parts = (self._writes, self._reads, self._logins, self._last_wills, self._client_ids, self._sessions)
        return {question: answer for part in parts for question, answer in part()}

    def _settings(self, who: str) -> MqttSettings:
        return self._broker.node(who) if who.startswith("node-") else self._broker.account(who)

    @contextmanager
    def _observers(self) -> Iterator[Callable[[str], list[bytes]]]:
        """Yield a function that returns what has arrived on a topic."""
        with (
            closing(Subscriber(self._broker.account("app.playbooks"), "facenode/#", client_id="observer-1")) as fleet,
            closing(Subscriber(self._broker.account("app.home-2"), "homeassistant/#", client_id="observer-2")) as home,
        ):
            yield lambda topic: (home if topic.startswith("homeassistant") else fleet).on(topic)

    def _writes(self) -> Iterator[tuple[str, str]]:
        """Ask what arrives of what somebody writes, and whether the writer is told that it is denied."""
        for who, topics in _WRITES.items():
            with closing(Intruder(self._settings(who), _own_id(who))) as writer, self._observers() as observed:
                for topic in topics:
                    code = writer.publish(topic, _FORGED)
                    acknowledgement = "the sender is told" if code is not None and code >= _REFUSED else "acknowledged"
                    arrived = eventually(lambda topic=topic, observed=observed: _FORGED in observed(topic), _SETTLE_S)  # type: ignore[misc]
                    yield f"{who} writes {topic}", "arrives" if arrived else f"does not arrive, {acknowledgement}"

    def _reads(self) -> Iterator[tuple[str, str]]:
        """Ask what comes of what somebody subscribes to, and whether the subscription is granted."""
        for who, filters in _READS.items():
            for wanted in filters:
                reports: list[Report] = []
                with (
                    closing(connect(self._settings(who), Client(_own_id(who)), reports.append)) as link,
                    closing(
                        Subscriber(self._broker.account("app.playbooks"), "facenode/x/y", client_id="all")
                    ) as sender,
                    closing(Subscriber(self._broker.account("app.home-2"), "facenode/x/y", client_id="home")) as home,
                ):
                    link.subscribe(wanted)
                    eventually(lambda reports=reports: any(isinstance(each, Subscribed) for each in reports), 5)  # type: ignore[misc]
                    for topic in _TOPICS:
                        (home if topic == "homeassistant/status" else sender).publish(topic, b"x")
                    eventually(lambda: False, _SETTLE_S)
                granted = [each.code < _REFUSED for each in reports if isinstance(each, Subscribed)]
                came = sorted({each.topic for each in reports if isinstance(each, Received) and not each.retained})
                answer = f"receives {', '.join(came)}" if came else "receives nothing"
                yield f"{who} reads {wanted}", answer if granted == [True] else f"refused; {answer}"

    def _logins(self) -> Iterator[tuple[str, str]]:
        """Ask who can log in."""
        broker = self._broker
        (self._folder / "guess").write_text("a guess of it")
        (self._folder / "nothing").write_text("")
        guess, nothing = self._folder / "guess", self._folder / "nothing"
        security = broker.account("app.security")
        stranger = CertificateAuthority(self._folder / "stranger").issue("node-2")
        node = broker.node("node-2")

        def with_tls(certificate: Path | None, key: Path | None) -> MqttSettings:
            return node.model_copy(
                update={"tls": node.tls.model_copy(update={"cert_file": certificate, "key_file": key})}
            )

        cases = {
            "an account with a wrong password": security.model_copy(update={"password_file": guess}),
            "a node's name with a password": security.model_copy(update={"username": "node-2", "password_file": guess}),
            "a node's name without one": security.model_copy(update={"username": "node-2", "password_file": nothing}),
            "a node's subject with a password": security.model_copy(
                update={"username": "CN=node-2", "password_file": guess}
            ),
            "a node's subject without one": security.model_copy(
                update={"username": "CN=node-2", "password_file": None}
            ),
            "nobody, at the port of accounts": security.model_copy(update={"username": None, "password_file": None}),
            "an account at the port of nodes": security.model_copy(update={"host": node.host, "port": node.port}),
            "a node's name by another authority": with_tls(stranger.certificate, stranger.key),
            "nobody, at the port of nodes": with_tls(None, None),
            "a retired node": broker.node("retired"),
        }
        for name, settings in cases.items():
            yield f"{name} logs in", "yes" if _logs_in(settings) else "no"

    def _last_wills(self) -> Iterator[tuple[str, str]]:
        """Ask whether a last will on somebody else's topic is published."""
        for topic in ("facenode/node-2/status", _STATUS):
            with self._observers() as observed:
                die(self._broker.node("node-2"), _own_id("node-2"), topic, b"the will")
                arrived = eventually(lambda topic=topic, observed=observed: b"the will" in observed(topic), 3)  # type: ignore[misc]
            yield f"node-2 leaves a last will on {topic}", "published" if arrived else "dropped"

    def _client_ids(self) -> Iterator[tuple[str, str]]:
        """Ask who can throw out node-3 by its client id."""
        for who in ("node-2", "app.security"):
            lost: list[Report] = []
            with closing(connect(self._broker.node("node-3"), Client("facenode-node-3"), lost.append)):
                for _ in range(3):
                    with _tolerated():
                        connect(self._settings(who), Client("facenode-node-3"), lambda _report: None).close()
                thrown_out = eventually(lambda lost=lost: any(isinstance(each, Lost) for each in lost), 2)  # type: ignore[misc]
            yield f"{who} connects with node-3's client id", "node-3 is thrown out" if thrown_out else "nothing happens"

    def _sessions(self) -> Iterator[tuple[str, str]]:
        """Ask who can take what waits for the durable session of an account, or end that session."""
        for who in ("node-2", "app.homeassistant"):
            for keep_s, does in ((600, "connects with the id of a durable session"), (0, "ends it by a clean start")):
                self._wait_with(10)
                taken: list[Report] = []
                with _tolerated(), closing(connect(self._settings(who), Client(_SESSION, keep_s=keep_s), taken.append)):
                    eventually(lambda: False, _SETTLE_S)
                stolen = sum(isinstance(each, Received) for each in taken)
                left = self._fetch()
                yield f"{who} {does}", f"receives {stolen} of 10; the owner receives {left} of 10"

    def _wait_with(self, count: int) -> None:
        """Let messages wait for the durable session of an account."""
        own = self._broker.account("app.security")
        connect(own, Client(_SESSION), lambda _report: None).close()
        Subscriber(own, "facenode/+/alert/+", client_id=_SESSION, keep_s=600).close()
        with closing(Intruder(self._broker.account("app.playbooks"), "sender")) as sender:
            for number in range(count):
                assert sender.publish("facenode/node-3/alert/test", b"%d" % number) is not None

    def _fetch(self) -> int:
        """Return how many messages the owner of the session receives."""
        own = self._broker.account("app.security")
        reports: list[Report] = []
        with closing(connect(own, Client(_SESSION, keep_s=600), reports.append)) as link:
            link.subscribe("facenode/+/alert/+")
            eventually(lambda: sum(isinstance(each, Received) for each in reports) == 10, 3)
        return sum(isinstance(each, Received) for each in reports)


def _own_id(who: str) -> str:
    return f"facenode-{who}".replace(".", "-")  # NATS accepts no dot in a client id


def _logs_in(settings: MqttSettings) -> bool:
    try:
        connect(settings, Client("facenode-node-2"), lambda _report: None).close()
    except BrokerError:
        return False
    return True


@contextmanager
def _tolerated() -> Iterator[None]:
    """Go on if the broker refuses the connection: that is an answer, too."""
    try:
        yield
    except BrokerError:
        return
