"""A node as a service of a real systemd: started, watched, left alone where it must be, and closed in."""

import re
import time
from collections.abc import Callable

import pytest
from controller import Controller
from mosquitto_broker import eventually

pytestmark = pytest.mark.timeout(3600)
_BACK_S = 90.0
_MOST_EXPOSED = 2.0


def show(fleet: Controller, name: str, fields: str) -> dict[str, str]:
    """Return properties of the node's unit."""
    out = fleet.hosts.ssh(fleet.hosts[name], f"systemctl show facenode --property={fields}")
    return dict(line.split("=", 1) for line in out.splitlines())


def test_the_unit_says_what_the_node_does(fleet: Controller) -> None:
    """It is active because the node has said so, and `systemctl status` has its line."""
    unit = show(fleet, "node-2", "Type,ActiveState,SubState,StatusText,User,SupplementaryGroups,MemoryMax")
    assert (unit["Type"], unit["ActiveState"], unit["SubState"]) == ("notify", "active", "running")
    assert unit["StatusText"].startswith("camera ok")
    assert (unit["User"], unit["SupplementaryGroups"]) == ("facenode", "video")
    assert int(unit["MemoryMax"]) == 400 << 20


@pytest.mark.parametrize("name", ["node-2", "node-4"])
def test_the_unit_is_closed_in(fleet: Controller, name: str, print_line: Callable[[str], None]) -> None:
    """The figure by which systemd rates how much a service could do, 0 to 10; on Debian 13 and 12."""
    out = fleet.hosts.ssh(fleet.hosts[name], "systemd-analyze security facenode")
    found = re.search(r"exposure level for facenode.service: ([0-9.]+)", out)
    assert found
    print_line(f"systemd-analyze security, Debian {fleet.hosts[name].debian}: {found[1]}")
    assert float(found[1]) <= _MOST_EXPOSED


def test_a_loop_that_hangs_is_ended_and_begins_anew(fleet: Controller, print_line: Callable[[str], None]) -> None:
    """The watchdog is fed by the loop: a process that is there and does nothing is no node."""
    before = show(fleet, "node-2", "MainPID,NRestarts")
    fleet.hosts.ssh(fleet.hosts["node-2"], f"kill -STOP {before['MainPID']}")

    def back() -> bool:
        unit = show(fleet, "node-2", "MainPID,NRestarts,ActiveState,Result")
        return unit["ActiveState"] == "active" and int(unit["NRestarts"]) == int(before["NRestarts"]) + 1

    assert eventually(back, _BACK_S)
    log = fleet.hosts.ssh(
        fleet.hosts["node-2"], "journalctl -u facenode -o short-monotonic | grep -i watchdog | tail -1"
    )
    print_line(f"after SIGSTOP: {log.strip()}")
    assert "atchdog" in log
    assert eventually(lambda: fleet.view()["node-2"]["status"] == "online", _BACK_S)


def test_bad_settings_do_not_start_again_and_again(fleet: Controller) -> None:
    """Exit code 78 stays down: trying again would only wear the card out."""
    host = fleet.hosts["node-2"]
    settings = "/opt/facenode/current/facenode.toml"
    before = show(fleet, "node-2", "NRestarts")
    fleet.hosts.ssh(
        host, f"cp -p {settings} /root/kept && echo 'nonsense = 1' >>{settings} && systemctl restart facenode || true"
    )
    try:
        assert eventually(lambda: show(fleet, "node-2", "ActiveState")["ActiveState"] == "failed", _BACK_S)
        unit = show(fleet, "node-2", "ExecMainStatus,NRestarts,Result")
        assert (unit["ExecMainStatus"], unit["Result"]) == ("78", "exit-code")
        assert int(unit["NRestarts"]) <= int(before["NRestarts"])
    finally:
        fleet.hosts.ssh(host, f"mv /root/kept {settings} && systemctl restart facenode")
    assert eventually(lambda: fleet.view()["node-2"]["wrong"] == [], _BACK_S)


def test_after_a_reboot_the_node_is_online_by_itself(fleet: Controller, print_line: Callable[[str], None]) -> None:
    """A power cut of the house: whatever is enabled starts, and the broker hears of it."""
    host = fleet.hosts["node-3"]
    uptime_s = fleet.view()["node-3"]["health"]["uptime_s"]
    fleet.hosts.try_ssh(host, "systemctl reboot")
    began_s = time.monotonic()

    def back() -> bool:
        known = fleet.view()["node-3"]
        return bool(known["status"] == "online" and known["health"]["uptime_s"] < uptime_s)

    assert eventually(back, _BACK_S)
    print_line(f"online again {time.monotonic() - began_s:.0f} s after a reboot was asked for")
