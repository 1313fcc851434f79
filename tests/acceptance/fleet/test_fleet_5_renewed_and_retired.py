"""Certificates are renewed under a running clip, and a node is ended for good."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from controller import Controller
from intruder import Intruder
from mosquitto_broker import eventually

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client

pytestmark = pytest.mark.timeout(3600)
PrintLine = Callable[[str], None]
_OUT_S = 60.0


def test_certificates_are_renewed_without_a_restart_and_no_event_is_lost(
    fleet: Controller, print_line: PrintLine
) -> None:
    """All are made to be due; every node keeps running, tells a later end, and its numbers have no gap."""
    before, crl = fleet.view(), (fleet.folder / "authority/crl.pem").read_text()
    with fleet.watching() as events:
        assert eventually(lambda: {event["node"] for event in events()} == set(before), 90)
        played = fleet.play("renew", pki_renew_days=370, pki_cert_days=500)
        # The next connection is made with the new certificate: the broker is started anew, and queues meanwhile.
        fleet.hosts.ssh(fleet.hosts["node-1"], "systemctl restart mosquitto")
        seen = len(events())
        assert eventually(lambda: len(events()) > seen + len(before), 120)
        told = events()
    after = fleet.view()
    assert all(after[node]["health"]["uptime_s"] > before[node]["health"]["uptime_s"] for node in before)
    assert eventually(lambda: min(known["health"]["cert_days_left"] for known in fleet.view().values()) >= 499, 30)
    assert (fleet.folder / "authority/crl.pem").read_text() != crl
    for node in before:
        numbers = {event["seq"] for event in told if event["node"] == node}
        assert numbers == set(range(min(numbers), max(numbers) + 1)), node
    print_line(f"renew.yml over four hosts: {played.took_s:.0f} s; {len(told)} events, no gap, no restart")
    assert fleet.play("renew").changed["node-3"] == 0


def test_a_retired_node_is_thrown_out_and_forgotten(fleet: Controller, tmp_path: Path, print_line: PrintLine) -> None:
    """It was stolen and its key copied: the open connection ends, no other begins, and nothing of it is retained."""
    host = fleet.hosts["node-4"]
    settings = fleet.certificate(host, tmp_path / "stolen")
    fleet.hosts.ssh(host, "systemctl stop facenode")
    with closing(Intruder(settings)) as thief:
        assert thief.publish("facenode/node-4/event/unknown", b"still in") in {0x00, 0x10}
        with closing(
            fleet.subscribe("app.fleet", "facenode/node-4/#", "homeassistant/device/facenode/node-4/#")
        ) as eye:
            assert eventually(lambda: bool(eye.messages))
            played = fleet.play("retire", node="node-4")
            discovery = "homeassistant/device/facenode/node-4/config"
            assert eventually(lambda: b"" in eye.on(discovery), 10)
            emptied = [message.topic for message in eye.messages if not message.payload]
            assert emptied[0] == discovery
        assert thief.publish("facenode/node-4/event/unknown", b"again") is None
    revoked_at = (fleet.folder / "authority/retired").stat().st_mtime
    assert thief.lost_at is not None
    print_line(f"retire.yml: {played.took_s:.0f} s; thrown out {thief.lost_at - revoked_at:.0f} s after the revocation")
    assert thief.lost_at - revoked_at < _OUT_S
    with pytest.raises(BrokerError, match="revoked"):
        connect(settings, Client("thief"), lambda _report: None)
    with closing(fleet.subscribe("app.fleet", "facenode/#", "homeassistant/device/#")) as later:
        assert eventually(lambda: len({m.topic.split("/")[1] for m in later.messages}) >= 3)
        assert not [message.topic for message in later.messages if "node-4" in message.topic]
    assert fleet.hosts.ssh(host, "ls -d /opt/facenode /etc/facenode /var/lib/facenode 2>/dev/null || true") == ""


def test_a_retired_node_cannot_come_back_by_mistake(fleet: Controller) -> None:
    """It is still in the inventory: the next run refuses it and says why."""
    refused = fleet.play("site", "--limit", "node-4,localhost", code=2)
    assert "node-4 was retired and stays so" in refused.out
