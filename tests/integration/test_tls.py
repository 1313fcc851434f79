"""TLS to a real broker: what works, and one error message for each failure."""

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from certificate_authority import CertificateAuthority, Identity
from facenode_command import facenode
from mosquitto_broker import Mosquitto, eventually
from running_node import running_facenode

from node.clock import SystemClock
from node.contract.topics import Topics
from node.diagnostics.broker import broker_findings
from node.diagnostics.finding import Finding
from node.diagnostics.first_messages import first_messages
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Link
from node.settings import MqttSettings, NodeSettings, Settings

pytestmark = pytest.mark.broker

MESSAGES = first_messages(Topics("pi-1"), SystemClock().now())
BOTH = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


class TlsSetup:
    """Two certificate authorities, and a broker that requires a certificate of the first."""

    def __init__(self, folder: Path, start: Callable[..., Mosquitto]) -> None:
        self.ours, self.foreign = CertificateAuthority(folder / "ours"), CertificateAuthority(folder / "foreign")
        self.node = self.ours.issue("pi-1")
        self._start = start

    def broker(self, identity: Identity | None = None, *more: str) -> Mosquitto:
        """Start a broker with the given certificate, or a valid one."""
        shown = identity or self.ours.issue("broker")
        return self._start(
            "allow_anonymous true",
            f"cafile {self.ours.certificate}",
            f"certfile {shown.certificate}",
            f"keyfile {shown.key}",
            "require_certificate true",
            *more,
        )

    def settings(  # noqa: PLR0913 - each test sets the one thing that is wrong
        self,
        broker: Mosquitto,
        identity: Identity | None = None,
        *,
        authority: CertificateAuthority | None = None,
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
def tls_setup(tmp_path: Path, mosquitto: Callable[..., Mosquitto]) -> TlsSetup:
    """Return certificate authorities and a function that starts a broker."""
    return TlsSetup(tmp_path / "pki", mosquitto)


def open_link(settings: MqttSettings) -> Link:
    """Connect."""
    return connect(settings, Client("facenode-pi-1"), lambda _report: None)


def check_findings(settings: MqttSettings) -> list[Finding]:
    """Return the findings of `facenode check`."""
    return list(broker_findings(Settings(mqtt=settings, node=NodeSettings(id="pi-1")), MESSAGES))


def assert_refused(settings: MqttSettings, sentence: str) -> None:
    """Assert that connection and `check` both give this message, and that `check` stops there."""
    with pytest.raises(BrokerError, match=sentence):
        open_link(settings)
    assert sentence in check_findings(settings)[-1].text
    assert not check_findings(settings)[-1].ok


@BOTH
def test_mutual_tls_is_accepted(tls_setup: TlsSetup, protocol: str) -> None:
    """Valid certificates on both sides are accepted; `check` shows how long the broker's is valid."""
    settings = tls_setup.settings(tls_setup.broker(), protocol=protocol)
    with closing(open_link(settings)) as link:
        assert link.protocol == protocol
    lines = check_findings(settings)
    assert [finding.ok for finding in lines] == [True] * 7
    assert "TLSv1.3, the broker's certificate is valid for 30 more days" in lines[2].text


@BOTH
def test_an_unknown_authority_is_reported(tls_setup: TlsSetup, protocol: str) -> None:
    """The broker's certificate is signed by an authority that the node does not know."""
    broker = tls_setup.broker(tls_setup.foreign.issue("broker"))
    assert_refused(tls_setup.settings(broker, protocol=protocol), "signed by an unknown authority")


def test_an_expired_broker_certificate_is_reported(tls_setup: TlsSetup) -> None:
    """The message says that the broker's certificate has expired."""
    broker = tls_setup.broker(tls_setup.ours.issue("broker", valid_from_d=-30, valid_until_d=-1))
    assert_refused(tls_setup.settings(broker), "the broker's certificate has expired")


def test_a_certificate_of_the_future_points_to_the_clock(tls_setup: TlsSetup) -> None:
    """After a reboot without network a Pi's clock may be behind; the message says so."""
    broker = tls_setup.broker(tls_setup.ours.issue("broker", valid_from_d=2))
    assert_refused(tls_setup.settings(broker), "is not valid yet: check the clocks of this node")


def test_a_certificate_for_another_host_is_reported(tls_setup: TlsSetup) -> None:
    """The broker's certificate must be for its host name or address."""
    broker = tls_setup.broker(tls_setup.ours.issue("broker", host="127.0.0.9"))
    assert_refused(tls_setup.settings(broker), "the broker's certificate is for another")


@BOTH
def test_a_missing_node_certificate_is_reported(tls_setup: TlsSetup, protocol: str) -> None:
    """TLS 1.3 refuses it only after the handshake, when the connection seems to be up."""
    assert_refused(
        tls_setup.settings(tls_setup.broker(), anonymous=True, protocol=protocol),
        "the broker requires a client certificate",
    )


@BOTH
def test_a_node_certificate_of_an_unknown_authority_is_reported(tls_setup: TlsSetup, protocol: str) -> None:
    """The broker does not know the authority that signed it."""
    settings = tls_setup.settings(tls_setup.broker(), tls_setup.foreign.issue("pi-1"), protocol=protocol)
    assert_refused(settings, "the broker does not trust the authority that signed this node's certificate")


def test_an_expired_node_certificate_is_reported(tls_setup: TlsSetup) -> None:
    """The message says that the node's own certificate has expired."""
    settings = tls_setup.settings(tls_setup.broker(), tls_setup.ours.issue("pi-1", valid_from_d=-30, valid_until_d=-1))
    assert_refused(settings, "this node's certificate has expired")


def test_a_revoked_node_certificate_is_reported(tls_setup: TlsSetup) -> None:
    """A stolen node is locked out, and other nodes still connect."""
    stolen = tls_setup.ours.issue("pi-2")
    broker = tls_setup.broker(None, f"crlfile {tls_setup.ours.revoke(stolen)}")
    assert_refused(tls_setup.settings(broker, stolen), "this node's certificate is revoked")
    open_link(tls_setup.settings(broker)).close()


def test_tls_on_a_plain_port_is_reported(tls_setup: TlsSetup, mosquitto: Callable[..., Mosquitto]) -> None:
    """The message says that the port does not use TLS."""
    with pytest.raises(BrokerError, match=r"this port does not use TLS|closed the connection"):
        open_link(tls_setup.settings(mosquitto()))


def test_plain_mqtt_on_a_tls_port_is_reported(tls_setup: TlsSetup) -> None:
    """The message says that the broker closed the connection."""
    with pytest.raises(BrokerError, match="the broker closed the connection"):
        open_link(tls_setup.broker().settings())


def test_a_renewed_certificate_is_used_at_the_next_attempt(tls_setup: TlsSetup) -> None:
    """The files are read at every attempt, so renewal needs no restart."""
    settings = tls_setup.settings(tls_setup.broker(), tls_setup.ours.issue("pi-3", valid_from_d=-30, valid_until_d=-1))
    with pytest.raises(BrokerError, match="expired"):
        open_link(settings)
    tls_setup.ours.issue("pi-3")
    open_link(settings).close()


def test_an_invalid_certificate_file_is_named(tls_setup: TlsSetup, tmp_path: Path) -> None:
    """A half-written file does not stop the publisher."""
    broker = tls_setup.broker()
    broken = Identity(tmp_path / "broken.crt", tls_setup.node.key)
    broken.certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(BrokerError, match=r"broken\.crt"):
        open_link(tls_setup.settings(broker, broken))
    with pytest.raises(BrokerError, match=r"pi-1\.crt.*belongs to it"):
        open_link(tls_setup.settings(broker, Identity(tls_setup.node.certificate, tls_setup.ours.issue("other").key)))


def test_an_encrypted_key_is_reported_without_asking_for_its_password(tls_setup: TlsSetup, tmp_path: Path) -> None:
    """A service has no terminal to type a password on."""
    locked = tmp_path / "locked.key"
    command = ("openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", tls_setup.node.key, "-out", locked)
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(BrokerError, match=r"pi-1\.crt"):
        open_link(tls_setup.settings(tls_setup.broker(), Identity(tls_setup.node.certificate, locked)))


def test_a_renewed_password_is_used_at_the_next_attempt(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """The password file is read at every attempt."""
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"
    subprocess.run(("mosquitto_passwd", "-b", "-c", passwords, "pi-1", "right"), check=True, capture_output=True)
    broker = mosquitto("allow_anonymous false", f"password_file {passwords}")
    secret.write_text("wrong\n")
    settings = broker.settings(username="pi-1", password_file=str(secret))
    with pytest.raises(BrokerError, match="refuses the login"):
        open_link(settings)
    secret.write_text("right\n")
    open_link(settings).close()
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(BrokerError, match="secret: the file is empty"):
        open_link(settings)
    secret.write_text("x" * 70_000)
    with pytest.raises(BrokerError, match="longer than MQTT allows"):
        open_link(settings)


def test_a_check_asks_a_running_node_whose_certificate_stands_for_its_client_id(
    tls_setup: TlsSetup, portrait_folder: Path, tmp_path: Path
) -> None:
    """A second connection with the certificate would end the node's, and the broker would say that it is offline."""
    broker = tls_setup.broker(None, "use_identity_as_username true", "use_username_as_clientid true")
    settings = {
        "node.id": "pi-1", "camera.source": f"images:{portrait_folder}", "camera.fps": 5, "storage.dir": tmp_path / "s",
        "mqtt.host": broker.host, "mqtt.port": broker.port, "mqtt.tls.enabled": "true",
        "mqtt.tls.ca_file": tls_setup.ours.certificate, "mqtt.tls.cert_file": tls_setup.node.certificate,
        "mqtt.tls.key_file": tls_setup.node.key,
    }  # fmt: skip
    with running_facenode(settings) as process:
        assert eventually(lambda: "as pi-1" in broker.log() and "event/unknown" in broker.log(), 30), broker.log()
        result = facenode("check", settings=settings)
        assert result.code == 0, result.out
        assert "the node that runs here is connected, and nothing of it is refused" in result.out
        assert broker.log().count("New client connected") == 1
        process.terminate()
        assert process.wait(20) == 0
    result = facenode("check", settings=settings)
    assert result.code == 0, result.out
    assert "ok   broker: retained" in result.out
