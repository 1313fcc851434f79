"""Encryption towards a real broker: what works, and one sentence for each thing that does not."""

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from authority import Authority, Identity
from realbroker import Mosquitto

from node.diagnostics.broker import broker_findings
from node.diagnostics.finding import Finding
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Link
from node.settings import MqttSettings, NodeSettings, Settings

pytestmark = pytest.mark.broker

BOTH = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


class Place:
    """Two authorities and a broker that demands a certificate of the first."""

    def __init__(self, folder: Path, start: Callable[..., Mosquitto]) -> None:
        self.ours, self.foreign = Authority(folder / "ours"), Authority(folder / "foreign")
        self.node = self.ours.issue("pi-1")
        self._start = start

    def broker(self, identity: Identity | None = None, *more: str) -> Mosquitto:
        """Start a broker with the given certificate, else a good one."""
        shown = identity or self.ours.issue("broker")
        return self._start(
            "allow_anonymous true",
            f"cafile {self.ours.certificate}",
            f"certfile {shown.certificate}",
            f"keyfile {shown.key}",
            "require_certificate true",
            *more,
        )

    def settings(  # noqa: PLR0913 - each test names the one thing that is wrong
        self,
        broker: Mosquitto,
        identity: Identity | None = None,
        *,
        authority: Authority | None = None,
        host: str | None = None,
        protocol: str = "auto",
        anonymous: bool = False,
    ) -> MqttSettings:
        """Return a node's settings."""
        shown = identity or self.node
        own = {} if anonymous else {"cert_file": str(shown.certificate), "key_file": str(shown.key)}
        tls = {"enabled": True, "ca_file": str((authority or self.ours).certificate), **own}
        return broker.settings(tls=tls, protocol=protocol, **({"host": host} if host else {}))


@pytest.fixture
def place(tmp_path: Path, mosquitto: Callable[..., Mosquitto]) -> Place:
    """Return authorities and what starts a broker."""
    return Place(tmp_path / "pki", mosquitto)


def dial(settings: MqttSettings) -> Link:
    """Connect."""
    return connect(settings, Client("facenode-pi-1"), lambda _report: None)


def found(settings: MqttSettings) -> list[Finding]:
    """Return what `facenode check` finds."""
    return list(broker_findings(Settings(mqtt=settings, node=NodeSettings(id="pi-1"))))


def refused(settings: MqttSettings, sentence: str) -> None:
    """Assert that connection and check both say the sentence, and that check ends with it."""
    with pytest.raises(BrokerError, match=sentence):
        dial(settings)
    assert sentence in found(settings)[-1].text
    assert not found(settings)[-1].ok


@BOTH
def test_both_sides_prove_themselves(place: Place, protocol: str) -> None:
    """A good certificate on either side is accepted, and the check says until when the broker's is valid."""
    settings = place.settings(place.broker(), protocol=protocol)
    with closing(dial(settings)) as link:
        assert link.protocol == protocol
    lines = found(settings)
    assert [finding.ok for finding in lines] == [True] * 5
    assert "TLSv1.3, the broker's certificate is valid for 30 more days" in lines[2].text


@BOTH
def test_an_unknown_authority_is_said(place: Place, protocol: str) -> None:
    """The broker's certificate is signed by somebody whom the node does not know."""
    broker = place.broker(place.foreign.issue("broker"))
    refused(place.settings(broker, protocol=protocol), "signed by an unknown authority")


def test_an_expired_certificate_is_said(place: Place) -> None:
    """Somebody must renew it."""
    broker = place.broker(place.ours.issue("broker", begins_d=-30, ends_d=-1))
    refused(place.settings(broker), "the broker's certificate has expired")


def test_a_certificate_of_the_future_points_to_the_clock(place: Place) -> None:
    """After a reboot without network a Pi lives in the past: that is what the sentence must say."""
    broker = place.broker(place.ours.issue("broker", begins_d=2))
    refused(place.settings(broker), "is not valid yet: check the clocks of this node")


def test_another_hosts_certificate_is_said(place: Place) -> None:
    """A certificate is for a name."""
    broker = place.broker(place.ours.issue("broker", host="127.0.0.9"))
    refused(place.settings(broker), "the broker's certificate is for another")


@BOTH
def test_a_missing_certificate_of_the_node_is_said(place: Place, protocol: str) -> None:
    """TLS 1.3 refuses it only after the handshake, when the connection seems to stand."""
    refused(
        place.settings(place.broker(), anonymous=True, protocol=protocol), "the broker requires a client certificate"
    )


@BOTH
def test_a_foreign_certificate_of_the_node_is_said(place: Place, protocol: str) -> None:
    """The broker does not know who signed it."""
    settings = place.settings(place.broker(), place.foreign.issue("pi-1"), protocol=protocol)
    refused(settings, "the broker does not trust the authority that signed this node's certificate")


def test_an_expired_certificate_of_the_node_is_said(place: Place) -> None:
    """It is the node's own that must be renewed."""
    settings = place.settings(place.broker(), place.ours.issue("pi-1", begins_d=-30, ends_d=-1))
    refused(settings, "this node's certificate has expired")


def test_a_revoked_certificate_is_said(place: Place) -> None:
    """A stolen node is locked out."""
    stolen = place.ours.issue("pi-2")
    broker = place.broker(None, f"crlfile {place.ours.revoke(stolen)}")
    refused(place.settings(broker, stolen), "this node's certificate is revoked")
    dial(place.settings(broker)).close()


def test_tls_towards_a_plain_port_is_said(place: Place, mosquitto: Callable[..., Mosquitto]) -> None:
    """Ports are easily mixed up."""
    with pytest.raises(BrokerError, match=r"this port does not use TLS|closed the connection"):
        dial(place.settings(mosquitto()))


def test_plain_mqtt_towards_a_tls_port_is_said(place: Place) -> None:
    """The other way round, too."""
    with pytest.raises(BrokerError, match="the broker closed the connection"):
        dial(place.broker().settings())


def test_a_renewed_certificate_is_used_at_the_next_attempt(place: Place) -> None:
    """Renewal needs no restart: the files are read at every attempt."""
    settings = place.settings(place.broker(), place.ours.issue("pi-3", begins_d=-30, ends_d=-1))
    with pytest.raises(BrokerError, match="expired"):
        dial(settings)
    place.ours.issue("pi-3")
    dial(settings).close()


def test_a_certificate_that_is_none_is_said_with_its_file(place: Place, tmp_path: Path) -> None:
    """A half-written file must not end the publisher."""
    broker = place.broker()
    broken = Identity(tmp_path / "broken.crt", place.node.key)
    broken.certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(BrokerError, match=r"broken\.crt"):
        dial(place.settings(broker, broken))
    with pytest.raises(BrokerError, match=r"pi-1\.crt.*belongs to it"):
        dial(place.settings(broker, Identity(place.node.certificate, place.ours.issue("other").key)))


def test_a_locked_key_is_said_rather_than_asked_for(place: Place, tmp_path: Path) -> None:
    """A service has no terminal on which a password could be typed."""
    locked = tmp_path / "locked.key"
    command = ("openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", place.node.key, "-out", locked)
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(BrokerError, match=r"pi-1\.crt"):
        dial(place.settings(place.broker(), Identity(place.node.certificate, locked)))


def test_a_renewed_password_is_used_at_the_next_attempt(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """The file is read at every attempt."""
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"
    subprocess.run(("mosquitto_passwd", "-b", "-c", passwords, "pi-1", "right"), check=True, capture_output=True)
    broker = mosquitto("allow_anonymous false", f"password_file {passwords}")
    secret.write_text("wrong\n")
    settings = broker.settings(username="pi-1", password_file=str(secret))
    with pytest.raises(BrokerError, match="refuses the login"):
        dial(settings)
    secret.write_text("right\n")
    dial(settings).close()
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(BrokerError, match="secret: cannot be read"):
        dial(settings)
    secret.write_text("x" * 70_000)
    with pytest.raises(BrokerError, match="longer than MQTT allows"):
        dial(settings)
