"""rollout.yml and rollback.yml with good and bad releases, unreachable nodes and lost nodes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from controller import Controller
from realbroker import eventually
from wheelvariants import damaged_network

pytestmark = pytest.mark.timeout(3600)
Say = Callable[[str], None]
BuildWheel = Callable[[str, str], Path]
_BAD_GATE_S, _GATE_S = 45, 120
"""`node_gate_wait_s` for a bad release, which uses it up, and for a good one on a busy machine."""
_RECOVERY_TIMEOUT_S = 60.0


def releases(fleet: Controller, name: str) -> str:
    """Return the current release of a host, then the releases and the environments that it keeps, a line each."""
    return fleet.hosts.ssh(
        fleet.hosts[name], "basename $(readlink /opt/facenode/current); ls /opt/facenode/releases /opt/facenode/env"
    )


def fingerprints(fleet: Controller) -> dict[str, str]:
    """Return what changes if a host is modified, for each host but the first: files, links and the service's start."""
    command = (
        "ls -lR --time-style=full-iso --ignore=__pycache__ /opt/facenode | md5sum; "
        "systemctl show -P ActiveEnterTimestampMonotonic facenode"
    )
    return {host.name: fleet.hosts.ssh(host, command) for host in fleet.hosts.all[1:]}


class BadRelease(NamedTuple):
    """A bad release: its behavior, its version, and the reason that the report must contain."""

    behavior: str
    version: str
    reason: str


@pytest.mark.parametrize(
    "bad",
    [
        BadRelease("crashes", "0.2.1", "no live health message received"),
        BadRelease("processes nothing", "0.2.2", "processes no frames"),
        BadRelease("is twice as slow", "0.2.3", "per frame, was"),
        BadRelease("has a damaged network", "0.2.4", "the file is damaged"),
    ],
    ids=lambda bad: bad.behavior,
)
def test_a_bad_release_stops_at_the_canary_and_is_rolled_back(
    fleet: Controller, build_wheel: BuildWheel, tmp_path: Path, say: Say, bad: BadRelease
) -> None:
    """The run fails and names node, release and reason; the canary is back online, and no other node has changed."""
    before, versions = fingerprints(fleet), fleet.versions()
    variables: dict[str, object] = {"release": bad.version, "node_gate_wait_s": _BAD_GATE_S}
    if "network" in bad.behavior:
        variables["release_model"] = str(damaged_network(tmp_path))
    wheel = build_wheel("good" if "network" in bad.behavior else bad.behavior, bad.version)
    result = fleet.run_playbook("rollout", code=2, release_wheel=str(wheel), **variables)
    assert f"node-1 is back on 1.0.0 and healthy; {bad.version} was rejected:" in result.out
    assert bad.reason in result.out
    assert releases(fleet, "node-1").startswith("1.0.0\n")
    assert eventually(lambda: fleet.versions() == versions, _RECOVERY_TIMEOUT_S)
    assert fingerprints(fleet) == before
    say(f"a release that {bad.behavior}: rolled back in {result.duration_s:.0f} s")


def test_a_good_release_reaches_every_reachable_node(fleet: Controller, build_wheel: BuildWheel, say: Say) -> None:
    """A node that is powered off is listed as unreachable; once it is back, the same command updates it."""
    off = fleet.hosts["node-3"]
    fleet.hosts.power_off(off)
    wheel = build_wheel("good", "0.3.0")
    result = fleet.run_playbook("rollout", release="0.3.0", release_wheel=str(wheel), node_gate_wait_s=_GATE_S)
    assert "0.3.0 runs on: node-1, node-2, node-4; unreachable: node-3; lost during the update: none" in result.out
    say(f"a good release over three of four hosts: {result.duration_s:.0f} s")
    fleet.hosts.boot(off)
    assert eventually(lambda: fleet.versions()["node-3"] == "online 0.1.0", _RECOVERY_TIMEOUT_S)
    again = fleet.run_playbook("rollout", release="0.3.0", node_gate_wait_s=_GATE_S)
    assert "0.3.0 runs on: node-1, node-2, node-3, node-4; unreachable: none" in again.out
    assert again.changed["node-1"] == 0
    assert set(fleet.versions().values()) == {"online 0.3.0"}


def test_site_keeps_the_release_of_existing_nodes(fleet: Controller) -> None:
    """The inventory's release is for new nodes only: existing nodes do not return to it."""
    assert set(fleet.run_playbook("site").changed.values()) == {0}
    assert set(fleet.versions().values()) == {"online 0.3.0"}


def test_the_canary_is_the_first_reachable_node(fleet: Controller, build_wheel: BuildWheel) -> None:
    """If the first node is off, the next one is the canary, and a bad release stops there."""
    first = fleet.hosts["node-2"]
    fleet.hosts.power_off(first)
    wheel = build_wheel("crashes", "0.3.1")
    result = fleet.run_playbook(
        "rollout", "--limit", "node-2,node-3,node-4,localhost", release="0.3.1", release_wheel=str(wheel),
        node_gate_wait_s=20, code=2,
    )  # fmt: skip
    fleet.hosts.boot(first)
    assert "unreachable: node-2" in result.out
    assert "node-3 is back on 0.3.0 and healthy" in result.out
    assert releases(fleet, "node-4").startswith("0.3.0\n")


def test_a_rollback_goes_to_any_kept_release(fleet: Controller, say: Say) -> None:
    """It works in both directions; a release that a node no longer keeps is rejected before any node changes."""
    before, newest = fleet.versions(), releases(fleet, "node-4").split("\n")[0]
    result = fleet.run_playbook("rollback", release="1.0.0", node_gate_wait_s=_GATE_S)
    say(f"rollback.yml over four hosts: {result.duration_s:.0f} s")
    assert set(fleet.versions().values()) == {"online 0.1.0"}
    rejected = fleet.run_playbook("rollback", release="0.0.1", code=2)
    assert "no longer has release 0.0.1" in rejected.out
    fleet.run_playbook("rollback", "--limit", "node-1,node-2,node-4", release=newest, node_gate_wait_s=_GATE_S)
    after = fleet.versions()
    assert all(after[node] == before[node] for node in ("node-1", "node-2", "node-4"))


def test_a_node_keeps_three_releases_with_a_shared_environment(fleet: Controller, build_wheel: BuildWheel) -> None:
    """Releases with the same dependencies share one environment, and the oldest release is removed."""
    for version in ("0.3.2", "0.3.3"):
        fleet.run_playbook(
            "rollout", release=version, release_wheel=str(build_wheel("good", version)), node_gate_wait_s=_GATE_S
        )
    lines = releases(fleet, "node-4").split("\n")
    assert lines[0] == "0.3.3"
    kept = [line for line in lines[1:] if line.startswith(("0.", "1."))]
    assert len(kept) == 3
    assert {"0.3.3", "0.3.2"} < set(kept)
    assert len([line for line in lines if len(line) == 16]) == 1


@pytest.mark.parametrize(("lost", "version"), [("node-1", "0.3.5"), ("node-2", "0.3.6"), ("node-3", "0.3.7")])
def test_a_node_lost_during_the_update_is_reported(
    fleet: Controller, build_wheel: BuildWheel, lost: str, version: str
) -> None:
    """If a node loses power during its update, the others are updated and the run fails; a lost canary stops the run.

    node-2 is alone in its batch, which is then empty; node-3 is not alone.
    """
    host = fleet.hosts[lost]
    before, wheel = fleet.versions(), build_wheel("good", version)

    def cut_power() -> None:
        if eventually((host.disk / f"opt/facenode/releases/{version}").exists, 300):
            host.cut_power()

    cutter = threading.Thread(target=cut_power)
    cutter.start()
    result = fleet.run_playbook(
        "rollout", release=version, release_wheel=str(wheel), node_gate_wait_s=_GATE_S, code=None
    )
    cutter.join()
    fleet.hosts.boot(host)
    assert eventually(lambda: fleet.states()[lost]["status"] == "online", _RECOVERY_TIMEOUT_S)
    assert result.code != 0
    if lost == "node-1":
        assert "the canary node-1 was lost before it passed the gate" in result.out
        assert fleet.versions() == before
    else:
        others = [each.name for each in fleet.hosts.all if each is not host]
        assert (
            f"{version} runs on: {', '.join(others)}; unreachable: none; lost during the update: {lost}" in result.out
        )
        after = fleet.versions()
        assert {after[name] for name in others} == {f"online {version}"}
        assert after[lost] == before[lost]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"detector": {"width": 1}}, "detector.width = 1"),
        ({"camera": {"nonsense": 1}}, "camera.nonsense"),
    ],
)
def test_invalid_settings_are_rejected_before_any_node_changes(
    fleet: Controller, build_wheel: BuildWheel, settings: dict[str, object], reason: str
) -> None:
    """The new program first validates the settings of every host on the controller."""
    before, versions = fingerprints(fleet), fleet.versions()
    fleet.write_inventory(**settings)
    try:
        result = fleet.run_playbook("rollout", release="0.4.0", release_wheel=str(build_wheel("good", "0.4.0")), code=2)
    finally:
        fleet.write_inventory()
    assert reason in result.out
    assert fingerprints(fleet) == before
    assert fleet.versions() == versions


def test_a_network_that_makes_people_unknown_is_rejected(
    fleet: Controller, build_wheel: BuildWheel, tmp_path: Path
) -> None:
    """Without crops people cannot be embedded again, so a network with another embedding space would know nobody."""
    network = damaged_network(tmp_path)
    sidecar = network.with_suffix(".json")
    sidecar.write_text(sidecar.read_text().replace('"space": "mobilefacenet-1"', '"space": "another-1"'))
    assert "another-1" in sidecar.read_text()
    fleet.write_inventory(people={"keep_crops": False})
    try:
        result = fleet.run_playbook(
            "rollout",
            release="0.4.1",
            release_wheel=str(build_wheel("good", "0.4.1")),
            release_model=str(network),
            code=2,
        )
    finally:
        fleet.write_inventory()
    assert "keeps no crops" in result.out
    assert "from mobilefacenet-1 to another-1" in result.out
