"""renew.yml renews certificates while nodes run, and retire.yml retires a node for good."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from controller import KIND, Controller
from intruder import Intruder
from mosquitto_broker import eventually

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client

pytestmark = pytest.mark.timeout(3600)
PrintLine = Callable[[str], None]
_DISCONNECT_TIMEOUT_S = 60.0


def test_certificates_are_renewed_without_a_restart_and_no_event_is_lost(
    fleet: Controller, print_line: PrintLine
) -> None:
    """All certificates are due: every node keeps running and reports a later expiry, and `seq` has no gap."""
    before, crl = fleet.states(), (fleet.folder / "authority/crl.pem").read_text()
    with fleet.watch_events() as events:
        assert eventually(lambda: {event["node"] for event in events()} == set(before), 90)
        result = fleet.run_playbook("renew", pki_renew_days=370, pki_cert_days=500)
        # Restart the broker, so that every node reconnects with its new certificate.
        fleet.restart_brokers()
        seen = len(events())
        assert eventually(lambda: len(events()) > seen + len(before), 120)
        received = events()
    after = fleet.states()
    assert all(after[node]["health"]["uptime_s"] > before[node]["health"]["uptime_s"] for node in before)
    assert eventually(lambda: min(state["health"]["cert_days_left"] for state in fleet.states().values()) >= 499, 30)
    assert (fleet.folder / "authority/crl.pem").read_text() != crl
    for node in before:
        numbers = {event["seq"] for event in received if event["node"] == node}
        assert numbers == set(range(min(numbers), max(numbers) + 1)), node
    print_line(f"renew.yml over four hosts: {result.duration_s:.0f} s; {len(received)} events, no gap, no restart")
    assert fleet.run_playbook("renew").changed["node-3"] == 0


def test_a_retired_node_is_disconnected_and_removed(fleet: Controller, tmp_path: Path, print_line: PrintLine) -> None:
    """With its stolen key, the open connection ends and no new one succeeds; the broker retains nothing of the node."""
    host = fleet.hosts["node-4"]
    settings = fleet.stolen_settings(host, tmp_path / "stolen")
    fleet.hosts.ssh(host, "systemctl stop facenode")
    with closing(Intruder(settings)) as thief:
        assert thief.publish("facenode/node-4/event/unknown", b"still in") in {0x00, 0x10}
        with closing(
            fleet.subscribe("app.observer", "facenode/node-4/#", "homeassistant/device/facenode/node-4/#")
        ) as subscriber:
            assert eventually(lambda: bool(subscriber.messages))
            result = fleet.run_playbook("retire", node="node-4")
            discovery = "homeassistant/device/facenode/node-4/config"
            received = f"{result.changed}, {[(message.topic, message.payload[:20]) for message in subscriber.messages]}"
            assert eventually(lambda: b"" in subscriber.on(discovery), 60), received
            emptied = [message.topic for message in subscriber.messages if not message.payload]
            assert emptied[0] == discovery
        assert thief.publish("facenode/node-4/event/unknown", b"again") is None
    revoked_at = (fleet.folder / "authority/retired").stat().st_mtime
    assert thief.lost_at is not None
    print_line(
        f"retire.yml: {result.duration_s:.0f} s; disconnected {thief.lost_at - revoked_at:.0f} s after the revocation"
    )
    assert thief.lost_at - revoked_at < _DISCONNECT_TIMEOUT_S
    with pytest.raises(BrokerError, match="revoked" if KIND == "mosquitto" else "login"):
        connect(settings, Client("thief"), lambda _report: None)
    with closing(fleet.subscribe("app.observer", "facenode/#", "homeassistant/device/#")) as later:
        assert eventually(lambda: len({m.topic.split("/")[1] for m in later.messages}) >= 3)
        assert not [message.topic for message in later.messages if "node-4" in message.topic]
    assert fleet.hosts.ssh(host, "ls -d /opt/facenode /etc/facenode /var/lib/facenode 2>/dev/null || true") == ""


def test_a_retired_node_cannot_be_set_up_again_by_mistake(fleet: Controller) -> None:
    """If it is still in the inventory, site.yml rejects it with the reason."""
    rejected = fleet.run_playbook("site", "--limit", "node-4,localhost", code=2)
    assert "node-4 is retired, and a retired name cannot be used again" in rejected.out
