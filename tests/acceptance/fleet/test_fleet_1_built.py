"""site.yml sets up a fleet from bare hosts, changes nothing in a second run, and supports dry runs; people.yml."""

import re
from collections.abc import Callable
from contextlib import closing

import pytest
from controller import ADDRESSES, KIND, Controller, PlaybookResult
from mosquitto_broker import eventually

pytestmark = pytest.mark.timeout(3600)
PrintLine = Callable[[str], None]


def test_the_playbooks_pass_the_production_profile(bare_fleet: Controller) -> None:
    """ansible-lint's strictest profile finds nothing, without a network."""
    bare_fleet.lint()


def test_every_node_is_online_and_processes_frames(
    site_result: PlaybookResult, fleet: Controller, print_line: PrintLine
) -> None:
    """site.yml ends when each of four hosts, with Debian 13 and 12, reports healthy at the broker."""
    print_line(f"site.yml over four bare hosts: {site_result.duration_s:.0f} s")
    states = fleet.states()
    assert {node: (state["status"], state["wrong"]) for node, state in states.items()} == {
        host.name: ("online", []) for host in fleet.hosts.all
    }
    assert all(state["health"]["cert_days_left"] in {364, 365} for state in states.values())


def test_a_second_run_changes_nothing_and_prints_no_secret(
    fleet: Controller, site_result: PlaybookResult, print_line: PrintLine
) -> None:
    """site.yml is idempotent, and prints no password, passphrase or key even with `-vvv --diff`."""
    before = fleet.states()
    again = fleet.run_playbook("site", "-vvv", "--diff")
    print_line(f"site.yml, second run: {again.duration_s:.0f} s, changed {sum(again.changed.values())}")
    assert set(again.changed.values()) == {0}
    after = fleet.states()
    assert all(after[node]["health"]["uptime_s"] > before[node]["health"]["uptime_s"] for node in before)
    for text in (site_result.out, again.out):
        for secret in ("a long password of", "a long passphrase", "PRIVATE KEY", "$7$", "$2a$"):
            assert secret not in text
    for host in fleet.hosts.all:
        files = "/etc/facenode/tls/node.key /opt/facenode/current/facenode.toml"
        assert fleet.hosts.ssh(host, f"stat -c '%U:%G %a' {files}").split("\n")[:2] == ["root:facenode 640"] * 2


def test_a_dry_run_shows_only_the_changed_setting(fleet: Controller) -> None:
    """`--check --diff` shows the changed section for each node, and changes no node."""
    fleet.write_inventory(detector={"width": 480})
    fleet.run_playbook("site", "--check", "--diff")
    fleet.write_inventory()
    log = (fleet.folder / "site.log").read_text()
    lines = [line for line in log.splitlines() if re.match(r"[+-](?![+-])", line)]
    assert lines.count("+width = 480") == len(fleet.hosts.all)
    assert {line for line in lines if line.strip("+-")} == {"+[detector]", "+width = 480"}
    for host in fleet.hosts.all:
        assert "480" not in fleet.hosts.ssh(host, "cat /opt/facenode/current/facenode.toml")


@pytest.mark.parametrize("name", ["node-2", "facenode-node-2", f"broker.{ADDRESSES[0]}", "app.fleet"])
def test_an_account_with_the_name_of_another_is_rejected(fleet: Controller, name: str) -> None:
    """Its program would take over the session of the node, of the broker's certificate or of the other account."""
    accounts = [*fleet.accounts, {"name": name, "may": "security", "password": "a long password"}]
    rejected = fleet.run_playbook("site", "--tags", "broker", code=2, fleet_accounts=accounts)
    assert f"fleet_accounts: {name}: the name must contain a dot and be neither another account's" in rejected.out
    assert "a long password" not in rejected.out


def test_the_playbooks_need_an_account_of_their_own(fleet: Controller) -> None:
    """With the account of `facenode fleet`, that command and a roll-out would throw each other out."""
    accounts = [each for each in fleet.accounts if each["may"] != "playbooks"]
    for playbook in ("site", "rollout", "rollback"):
        rejected = fleet.run_playbook(playbook, code=2, fleet_accounts=accounts, release="1.0.0")
        assert "the playbooks need an account of their own" in rejected.out


@pytest.mark.skipif(KIND == "nats", reason="version 0.1.0 knew no NATS servers")
def test_sessions_under_other_client_ids_are_drained_before_they_get_out_of_reach(fleet: Controller) -> None:
    """On a broker as 0.1.0 left it, the playbook stops until its owner says that nothing waits there any more."""
    host, config = fleet.hosts["node-1"], "/etc/mosquitto/conf.d/facenode.conf"
    fleet.hosts.ssh(host, f"sed -i '$d' {config}")
    before = fleet.hosts.ssh(host, f"cat {config}")
    for playbook in ("site", "renew"):
        stopped = fleet.run_playbook(playbook, code=2)
        assert 'Drain these sessions as described under "Upgrade"' in stopped.out
        assert fleet.hosts.ssh(host, f"cat {config}") == before
    fleet.run_playbook("site", "--tags", "broker", broker_sessions_drained=True)
    assert fleet.hosts.ssh(host, f"tail -1 {config}").strip() == "use_username_as_clientid true"
    assert set(fleet.run_playbook("site", "--tags", "broker").changed.values()) == {0}


def test_the_key_never_leaves_the_node(fleet: Controller) -> None:
    """The controller has the nodes' certificates, and no key except the authority's, which is encrypted."""
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
def test_a_certificate_request_for_another_name_is_rejected(
    fleet: Controller, subject: str, extension: str | None
) -> None:
    """If a compromised node requests another node's certificate or an authority's, the controller does not sign it."""
    host = fleet.hosts["node-2"]
    addext = f'-addext "{extension}"' if extension else ""
    # The playbook runs the node's own openssl, which a compromised node can replace.
    fake = (
        '#!/bin/sh\n[ "$1" = req ] || exec /usr/bin/openssl "$@"\n'
        f'exec /usr/bin/openssl req -new -key "$4" -subj {subject} {addext}\n'
    )
    fleet.hosts.ssh(host, f"cat >/usr/local/bin/openssl <<'END'\n{fake}END\nchmod +x /usr/local/bin/openssl")
    try:
        rejected = fleet.run_playbook("site", "--limit", "node-2", code=None)
    finally:
        fleet.hosts.ssh(host, "rm /usr/local/bin/openssl")
    assert rejected.code != 0
    assert "requested a certificate for" in rejected.out


def test_a_person_enrolled_on_one_node_is_recognized_on_every_node(fleet: Controller, print_line: PrintLine) -> None:
    """people.yml imports an exported gallery on every node, and prints neither ids nor names."""
    first = fleet.hosts.all[0]
    fleet.hosts.ssh(
        first,
        "mkdir /tmp/ada && cp /srv/clip/000[0-9].jpg /tmp/ada && chmod -R a+rX /tmp/ada && cd / && "
        "runuser -u facenode -- facenode people add ada --name 'Ada Lovelace' /tmp/ada",
    )
    fleet.hosts.ssh(first, "runuser -u facenode -- facenode people export /var/lib/facenode/family.zip")
    (fleet.folder / "family.zip").write_bytes((first.disk / "var/lib/facenode/family.zip").read_bytes())
    with closing(fleet.subscribe("app.homeassistant", "facenode/+/event/recognized")) as subscriber:
        result = fleet.run_playbook("people", people_file=str(fleet.folder / "family.zip"))
        print_line(f"people.yml: {result.duration_s:.0f} s, changed {dict(result.changed)}")
        names = {host.name for host in fleet.hosts.all}
        assert eventually(lambda: {message.topic.split("/")[1] for message in subscriber.messages} == names, 90)
    assert b'"id":"ada"' in subscriber.messages[0].payload
    assert "Lovelace" not in result.out
    assert " ada" not in result.out
    assert set(fleet.run_playbook("people", people_file=str(fleet.folder / "family.zip")).changed.values()) == {0}


def test_a_person_is_removed_from_a_group(fleet: Controller) -> None:
    """people.yml removes people from all nodes, or from those of --limit."""
    removed = fleet.run_playbook("people", "--limit", "node-4", people_absent=["ada", "nobody"])
    assert removed.changed == {"node-4": 1}
    assert "nobody is enrolled" in fleet.hosts.ssh(fleet.hosts["node-4"], "runuser -u facenode -- facenode people list")
    assert set(fleet.run_playbook("people", people_absent=["nobody"]).changed.values()) == {0}
    again = fleet.run_playbook("people", people_file=str(fleet.folder / "family.zip"))
    assert again.changed == {"node-1": 0, "node-2": 0, "node-3": 0, "node-4": 1}
