"""From bare hosts to a fleet that works; what site.yml does the second time, and in a dry run."""

import re
from collections.abc import Callable
from contextlib import closing

import pytest
from controller import Controller, Played
from mosquitto_broker import eventually

pytestmark = pytest.mark.timeout(3600)
PrintLine = Callable[[str], None]


def test_the_roles_are_of_the_production_profile(bare: Controller) -> None:
    """ansible-lint's strictest profile, and nothing from the network."""
    bare.lint()


def test_every_node_is_online_and_processes_frames(built: Played, fleet: Controller, print_line: PrintLine) -> None:
    """Four bare hosts, of Debian 13 and 12: the playbook itself ends only once the broker has heard each of them."""
    print_line(f"site.yml over four bare hosts: {built.took_s:.0f} s")
    view = fleet.view()
    assert {node: (known["status"], known["wrong"]) for node, known in view.items()} == {
        host.name: ("online", []) for host in fleet.hosts.all
    }
    assert all(known["health"]["cert_days_left"] in {364, 365} for known in view.values())


def test_the_second_run_changes_nothing_and_tells_no_secret(
    fleet: Controller, built: Played, print_line: PrintLine
) -> None:
    """Whatever is as it should be is left alone; and no password, passphrase or key is printed, however loud."""
    before = fleet.view()
    again = fleet.play("site", "-vvv", "--diff")
    print_line(f"site.yml, second run: {again.took_s:.0f} s, changed {sum(again.changed.values())}")
    assert set(again.changed.values()) == {0}
    after = fleet.view()
    assert all(after[node]["health"]["uptime_s"] > before[node]["health"]["uptime_s"] for node in before)
    for text in (built.out, again.out):
        for secret in ("a long password of", "a long passphrase", "PRIVATE KEY", "$7$"):
            assert secret not in text
    for host in fleet.hosts.all:
        files = "/etc/facenode/tls/node.key /opt/facenode/current/facenode.toml"
        assert fleet.hosts.ssh(host, f"stat -c '%U:%G %a' {files}").split("\n")[:2] == ["root:facenode 640"] * 2


def test_a_dry_run_shows_the_changed_setting_and_nothing_else(fleet: Controller) -> None:
    """`--check --diff` names the one section that would change on each node, and changes it on none."""
    fleet.write(detector={"width": 480})
    fleet.play("site", "--check", "--diff")
    fleet.write()
    log = (fleet.folder / "site.log").read_text()
    lines = [line for line in log.splitlines() if re.match(r"[+-](?![+-])", line)]
    assert lines.count("+width = 480") == len(fleet.hosts.all)
    assert {line for line in lines if line.strip("+-")} == {"+[detector]", "+width = 480"}
    for host in fleet.hosts.all:
        assert "480" not in fleet.hosts.ssh(host, "cat /opt/facenode/current/facenode.toml")


def test_the_key_never_leaves_the_node(fleet: Controller) -> None:
    """The controller holds certificates of nodes, and no key but the authority's own, which is encrypted."""
    keys = sorted(path.name for path in fleet.folder.rglob("*.key"))
    assert keys == ["ca.key"]
    assert "ENCRYPTED" in (fleet.folder / "authority/ca.key").read_text()


@pytest.mark.parametrize(
    ("subject", "extension"),
    [
        ("/CN=node-3", None),
        ("/CN=node-2", "subjectAltName=DNS:broker"),
        ("/CN=node-2", "basicConstraints=CA:TRUE"),
    ],
)
def test_a_request_for_more_than_the_nodes_own_name_is_refused(
    fleet: Controller, subject: str, extension: str | None
) -> None:
    """A compromised node asks for another's certificate, or for an authority's: the controller signs neither."""
    host = fleet.hosts["node-2"]
    more = f'-addext "{extension}"' if extension else ""
    # The playbook runs the node's own openssl, so a compromised node puts another in its place.
    fake = (
        '#!/bin/sh\n[ "$1" = req ] || exec /usr/bin/openssl "$@"\n'
        f'exec /usr/bin/openssl req -new -key "$4" -subj {subject} {more}\n'
    )
    fleet.hosts.ssh(host, f"cat >/usr/local/bin/openssl <<'END'\n{fake}END\nchmod +x /usr/local/bin/openssl")
    try:
        refused = fleet.play("site", "--limit", "node-2", code=None)
    finally:
        fleet.hosts.ssh(host, "rm /usr/local/bin/openssl")
    assert refused.code != 0
    assert "asks for a certificate of" in refused.out


def test_a_face_from_the_clip_is_recognised_on_every_node(fleet: Controller, print_line: PrintLine) -> None:
    """People enrolled once reach every node by one file: from then on each tells their name."""
    first = fleet.hosts.all[0]
    fleet.hosts.ssh(
        first,
        "mkdir /tmp/ada && cp /srv/clip/000[0-9].jpg /tmp/ada && chmod -R a+rX /tmp/ada && cd / && "
        "runuser -u facenode -- facenode people add ada --name 'Ada Lovelace' /tmp/ada",
    )
    fleet.hosts.ssh(first, "runuser -u facenode -- facenode people export /var/lib/facenode/family.zip")
    (fleet.folder / "family.zip").write_bytes((first.disk / "var/lib/facenode/family.zip").read_bytes())
    with closing(fleet.subscribe("app.homeassistant", "facenode/+/event/recognized")) as home:
        played = fleet.play("people", people_file=str(fleet.folder / "family.zip"))
        print_line(f"people.yml: {played.took_s:.0f} s, changed {dict(played.changed)}")
        names = {host.name for host in fleet.hosts.all}
        assert eventually(lambda: {message.topic.split("/")[1] for message in home.messages} == names, 90)
    assert b'"id":"ada"' in home.messages[0].payload
    assert "Lovelace" not in played.out
    assert " ada" not in played.out
    assert set(fleet.play("people", people_file=str(fleet.folder / "family.zip")).changed.values()) == {0}


def test_a_person_is_removed_from_a_group(fleet: Controller) -> None:
    """Removal takes the same way, to all or to some."""
    gone = fleet.play("people", "--limit", "node-4", people_absent=["ada", "nobody"])
    assert gone.changed == {"node-4": 1}
    assert "nobody is enrolled" in fleet.hosts.ssh(fleet.hosts["node-4"], "runuser -u facenode -- facenode people list")
    assert set(fleet.play("people", people_absent=["nobody"]).changed.values()) == {0}
    again = fleet.play("people", people_file=str(fleet.folder / "family.zip"))
    assert again.changed == {"node-1": 0, "node-2": 0, "node-3": 0, "node-4": 1}
