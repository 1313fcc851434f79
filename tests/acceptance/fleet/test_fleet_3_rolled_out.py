"""Releases, good and bad: who gets them, who goes back, and who was never touched."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from controller import Controller
from realbroker import eventually
from variants import damaged_network

pytestmark = pytest.mark.timeout(3600)
Say = Callable[[str], None]
Wheel = Callable[[str, str], Path]
_BAD_GATE_S, _GATE_S = 45, 120
"""How long a bad release is waited for in vain, and a good one on a busy machine at the longest."""
_BACK_S = 60.0


def current(fleet: Controller, name: str) -> str:
    """Return the release that a host runs, and what it keeps."""
    return fleet.hosts.ssh(
        fleet.hosts[name], "basename $(readlink /opt/facenode/current); ls /opt/facenode/releases /opt/facenode/env"
    )


def touched(fleet: Controller) -> dict[str, str]:
    """Return of each host but the first what would show that it was touched: links, files, the service's start."""
    look = (
        "ls -lR --time-style=full-iso --ignore=__pycache__ /opt/facenode | md5sum; "
        "systemctl show -P ActiveEnterTimestampMonotonic facenode"
    )
    return {host.name: fleet.hosts.ssh(host, look) for host in fleet.hosts.all[1:]}


class Bad(NamedTuple):
    """A bad release: what its program does, and what the report must say of it."""

    what: str
    version: str
    why: str


@pytest.mark.parametrize(
    "bad",
    [
        Bad("crashes", "0.2.1", "no live health message received"),
        Bad("processes nothing", "0.2.2", "processes no frames"),
        Bad("is twice as slow", "0.2.3", "per frame, was"),
        Bad("has a damaged network", "0.2.4", "the file is damaged"),
    ],
    ids=lambda bad: bad.what,
)
def test_a_bad_release_stops_at_the_canary_and_takes_itself_back(
    fleet: Controller, wheel: Wheel, tmp_path: Path, say: Say, bad: Bad
) -> None:
    """The run fails and says who, what and why; the canary is on the old release and online; no other was touched."""
    before, versions = touched(fleet), fleet.versions()
    variables: dict[str, object] = {"release": bad.version, "node_gate_wait_s": _BAD_GATE_S}
    if "network" in bad.what:
        variables["release_model"] = str(damaged_network(tmp_path))
    built = wheel("good" if "network" in bad.what else bad.what, bad.version)
    played = fleet.play("rollout", code=2, release_wheel=str(built), **variables)
    assert f"node-1 is back on 1.0.0 and well; {bad.version} was refused:" in played.out
    assert bad.why in played.out
    assert current(fleet, "node-1").startswith("1.0.0\n")
    assert eventually(lambda: fleet.versions() == versions, _BACK_S)
    assert touched(fleet) == before
    say(f"a release that {bad.what}: back in {played.took_s:.0f} s")


def test_a_good_release_reaches_who_is_there_and_later_who_was_not(fleet: Controller, wheel: Wheel, say: Say) -> None:
    """One of four is powered off: three are updated, one is listed; once it is back, the same command moves it."""
    off = fleet.hosts["node-3"]
    fleet.hosts.power_off(off)
    built = wheel("good", "0.3.0")
    played = fleet.play("rollout", release="0.3.0", release_wheel=str(built), node_gate_wait_s=_GATE_S)
    assert "0.3.0: node-1, node-2, node-4 run it; not reached: node-3; lost on the way: none" in played.out
    say(f"a good release over three of four hosts: {played.took_s:.0f} s")
    fleet.hosts.boot(off)
    assert eventually(lambda: fleet.versions()["node-3"] == "online 0.1.0", _BACK_S)
    again = fleet.play("rollout", release="0.3.0", node_gate_wait_s=_GATE_S)
    assert "0.3.0: node-1, node-2, node-3, node-4 run it; not reached: none" in again.out
    assert again.changed["node-1"] == 0
    assert set(fleet.versions().values()) == {"online 0.3.0"}


def test_site_leaves_the_release_alone(fleet: Controller) -> None:
    """The inventory still names the first release for new nodes: those that are there are not taken back by it."""
    assert set(fleet.play("site").changed.values()) == {0}
    assert set(fleet.versions().values()) == {"online 0.3.0"}


def test_the_canary_is_the_first_that_answers(fleet: Controller, wheel: Wheel) -> None:
    """A first host that is off makes no empty batch: the next one is the canary, and a bad release stops there."""
    first = fleet.hosts["node-2"]
    fleet.hosts.power_off(first)
    built = wheel("crashes", "0.3.1")
    played = fleet.play(
        "rollout", "--limit", "node-2,node-3,node-4,localhost", release="0.3.1", release_wheel=str(built),
        node_gate_wait_s=20, code=2,
    )  # fmt: skip
    fleet.hosts.boot(first)
    assert "not reached: node-2" in played.out
    assert "node-3 is back on 0.3.0 and well" in played.out
    assert current(fleet, "node-4").startswith("0.3.0\n")


def test_a_rollback_needs_nothing_but_what_is_kept(fleet: Controller, say: Say) -> None:
    """Any kept release, all nodes, and forward again; one that is not kept is refused before anything moves."""
    before, newest = fleet.versions(), current(fleet, "node-4").split("\n")[0]
    played = fleet.play("rollback", release="1.0.0", node_gate_wait_s=_GATE_S)
    say(f"rollback.yml over four hosts: {played.took_s:.0f} s")
    assert set(fleet.versions().values()) == {"online 0.1.0"}
    refused = fleet.play("rollback", release="0.0.1", code=2)
    assert "does not keep 0.0.1" in refused.out
    fleet.play("rollback", "--limit", "node-1,node-2,node-4", release=newest, node_gate_wait_s=_GATE_S)
    after = fleet.versions()
    assert all(after[node] == before[node] for node in ("node-1", "node-2", "node-4"))


def test_three_releases_are_kept_and_share_their_environment(fleet: Controller, wheel: Wheel) -> None:
    """A release is a few megabytes; what it shares with others is there once, and the oldest goes."""
    for version in ("0.3.2", "0.3.3"):
        fleet.play("rollout", release=version, release_wheel=str(wheel("good", version)), node_gate_wait_s=_GATE_S)
    lines = current(fleet, "node-4").split("\n")
    assert lines[0] == "0.3.3"
    releases = [line for line in lines[1:] if line.startswith(("0.", "1."))]
    assert len(releases) == 3
    assert {"0.3.3", "0.3.2"} < set(releases)
    assert len([line for line in lines if len(line) == 16]) == 1


@pytest.mark.parametrize(("lost", "version"), [("node-1", "0.3.5"), ("node-2", "0.3.6"), ("node-3", "0.3.7")])
def test_a_host_that_is_lost_on_the_way_is_named(fleet: Controller, wheel: Wheel, lost: str, version: str) -> None:
    """Its power goes while it is being moved: a canary stops the run; else all others are moved, and it is named.

    node-2 is a batch of its own, of which nobody is left; node-3 is not.
    """
    host = fleet.hosts[lost]
    before, built = fleet.versions(), wheel("good", version)

    def cut() -> None:
        if eventually((host.disk / f"opt/facenode/releases/{version}").exists, 300):
            host.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    played = fleet.play("rollout", release=version, release_wheel=str(built), node_gate_wait_s=_GATE_S, code=None)
    cutter.join()
    fleet.hosts.boot(host)
    assert eventually(lambda: fleet.view()[lost]["status"] == "online", _BACK_S)
    assert played.code != 0
    if lost == "node-1":
        assert "node-1, the canary, was lost before it was judged" in played.out
        assert fleet.versions() == before
    else:
        others = [each.name for each in fleet.hosts.all if each is not host]
        assert f"{version}: {', '.join(others)} run it; not reached: none; lost on the way: {lost}" in played.out
        after = fleet.versions()
        assert {after[name] for name in others} == {f"online {version}"}
        assert after[lost] == before[lost]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"detector": {"width": 1}}, "detector.width = 1"),
        ({"camera": {"nonsense": 1}}, "camera.nonsense"),
    ],
)
def test_settings_that_the_program_refuses_are_refused_before_anything_moves(
    fleet: Controller, wheel: Wheel, settings: dict[str, object], why: str
) -> None:
    """The new program reads the settings of every host on the controller first."""
    before, versions = touched(fleet), fleet.versions()
    fleet.write(**settings)
    try:
        played = fleet.play("rollout", release="0.4.0", release_wheel=str(wheel("good", "0.4.0")), code=2)
    finally:
        fleet.write()
    assert why in played.out
    assert touched(fleet) == before
    assert fleet.versions() == versions


def test_a_network_by_which_nobody_would_be_known_is_refused(fleet: Controller, wheel: Wheel, tmp_path: Path) -> None:
    """Without crops nobody can be embedded again: another space of embeddings would forget everybody."""
    network = damaged_network(tmp_path)
    sidecar = network.with_suffix(".json")
    sidecar.write_text(sidecar.read_text().replace('"space": "mobilefacenet-1"', '"space": "another-1"'))
    assert "another-1" in sidecar.read_text()
    fleet.write(people={"keep_crops": False})
    try:
        played = fleet.play(
            "rollout", release="0.4.1", release_wheel=str(wheel("good", "0.4.1")), release_model=str(network), code=2
        )
    finally:
        fleet.write()
    assert "keeps no crops" in played.out
    assert "another-1 for mobilefacenet-1" in played.out
