"""A node as a service of a real systemd: start, watchdog, bad settings, sandboxing and reboot."""

import re
import time
from collections.abc import Callable

import pytest
from controller import Controller
from realbroker import eventually

pytestmark = pytest.mark.timeout(3600)
_RECOVERY_TIMEOUT_S = 90.0
_MAX_EXPOSURE = 2.0


def show(fleet: Controller, name: str, fields: str) -> dict[str, str]:
    """Return properties of the node's systemd unit."""
    out = fleet.hosts.ssh(fleet.hosts[name], f"systemctl show facenode --property={fields}")
    return dict(line.split("=", 1) for line in out.splitlines())


def test_the_unit_reports_the_state_of_the_node(fleet: Controller) -> None:
    """It becomes active when the node notifies systemd, and `systemctl status` shows the node's status line."""
    unit = show(fleet, "node-2", "Type,ActiveState,SubState,StatusText,User,SupplementaryGroups,MemoryMax")
    assert (unit["Type"], unit["ActiveState"], unit["SubState"]) == ("notify", "active", "running")
    assert unit["StatusText"].startswith("camera ok")
    assert (unit["User"], unit["SupplementaryGroups"]) == ("facenode", "video")
    assert int(unit["MemoryMax"]) == 400 << 20


@pytest.mark.parametrize("name", ["node-2", "node-4"])
def test_the_unit_is_sandboxed(fleet: Controller, name: str, say: Callable[[str], None]) -> None:
    """The exposure that systemd computes, from 0 to 10, is low on Debian 13 and 12."""
    out = fleet.hosts.ssh(fleet.hosts[name], "systemd-analyze security facenode")
    found = re.search(r"exposure level for facenode.service: ([0-9.]+)", out)
    assert found
    say(f"systemd-analyze security, Debian {fleet.hosts[name].debian}: {found[1]}")
    assert float(found[1]) <= _MAX_EXPOSURE


def test_the_watchdog_restarts_a_hanging_node(fleet: Controller, say: Callable[[str], None]) -> None:
    """The main loop feeds the watchdog, so a process that exists but does nothing is restarted."""
    before = show(fleet, "node-2", "MainPID,NRestarts")
    fleet.hosts.ssh(fleet.hosts["node-2"], f"kill -STOP {before['MainPID']}")

    def restarted() -> bool:
        unit = show(fleet, "node-2", "MainPID,NRestarts,ActiveState,Result")
        return unit["ActiveState"] == "active" and int(unit["NRestarts"]) == int(before["NRestarts"]) + 1

    assert eventually(restarted, _RECOVERY_TIMEOUT_S)
    log = fleet.hosts.ssh(
        fleet.hosts["node-2"], "journalctl -u facenode -o short-monotonic | grep -i watchdog | tail -1"
    )
    say(f"after SIGSTOP: {log.strip()}")
    assert "atchdog" in log
    assert eventually(lambda: fleet.states()["node-2"]["status"] == "online", _RECOVERY_TIMEOUT_S)


def test_bad_settings_cause_no_restart_loop(fleet: Controller) -> None:
    """A node that exits with 78 is not restarted, since another attempt would only wear out the SD card."""
    host = fleet.hosts["node-2"]
    settings = "/opt/facenode/current/facenode.toml"
    before = show(fleet, "node-2", "NRestarts")
    fleet.hosts.ssh(
        host, f"cp -p {settings} /root/kept && echo 'nonsense = 1' >>{settings} && systemctl restart facenode || true"
    )
    try:
        assert eventually(lambda: show(fleet, "node-2", "ActiveState")["ActiveState"] == "failed", _RECOVERY_TIMEOUT_S)
        unit = show(fleet, "node-2", "ExecMainStatus,NRestarts,Result")
        assert (unit["ExecMainStatus"], unit["Result"]) == ("78", "exit-code")
        assert int(unit["NRestarts"]) <= int(before["NRestarts"])
    finally:
        fleet.hosts.ssh(host, f"mv /root/kept {settings} && systemctl restart facenode")
    assert eventually(lambda: fleet.states()["node-2"]["wrong"] == [], _RECOVERY_TIMEOUT_S)


def test_the_node_is_online_after_a_reboot(fleet: Controller, say: Callable[[str], None]) -> None:
    """The service is enabled, so it starts at boot and connects to the broker."""
    host = fleet.hosts["node-3"]
    uptime_s = fleet.states()["node-3"]["health"]["uptime_s"]
    fleet.hosts.try_ssh(host, "systemctl reboot")
    began_s = time.monotonic()

    def online_again() -> bool:
        state = fleet.states()["node-3"]
        return bool(state["status"] == "online" and state["health"]["uptime_s"] < uptime_s)

    assert eventually(online_again, _RECOVERY_TIMEOUT_S)
    say(f"online again {time.monotonic() - began_s:.0f} s after the reboot command")
