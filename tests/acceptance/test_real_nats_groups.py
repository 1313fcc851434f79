"""Consumers share alerts at a fleet's NATS servers, by the program in docs/nats."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from intruder import Intruder
from mosquitto_broker import eventually
from nats_fleet import NatsFleet, password
from nats_root import nats_root

from tests.docs.pages import ROOT

pytestmark = pytest.mark.timeout(400)
ALERTS = 300
_PROGRAM = ROOT / "docs/nats/alarms.py"
PrintLine = Callable[[str], None]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsFleet]:
    """Return the servers of a fleet."""
    with NatsFleet(nats_root(), tmp_path_factory.mktemp("nats") / "fleet") as made:
        yield made


@pytest.fixture
def node(fleet: NatsFleet) -> Iterator[Intruder]:
    """Return a client that publishes alerts as node-3."""
    with closing(Intruder(fleet.node("node-3"), "facenode-node-3")) as made:
        yield made


class Member:
    """The program of the page, as a process.

    Args:
        fleet: the servers.
        folder: the folder of its files.
        account: the account with which it logs in.
        group: the group that it joins.
    """

    def __init__(self, fleet: NatsFleet, folder: Path, account: str, group: str = "alarms") -> None:
        secret = folder / f"{account}.password"
        secret.write_text(password(account))
        self._out, self._errors = folder / f"{account}.out", folder / f"{account}.err"
        environ = {
            "PATH": os.environ["PATH"],
            "NATS_SERVERS": ",".join(f"tls://127.0.0.1:{port}" for port in fleet.nats_ports),
            "NATS_USER": account, "NATS_PASSWORD_FILE": str(secret), "NATS_CA_FILE": str(fleet.authority),
            "NATS_GROUP": group,
        }  # fmt: skip
        with self._out.open("a") as out, self._errors.open("a") as errors:
            self._process = subprocess.Popen([sys.executable, _PROGRAM], env=environ, stdout=out, stderr=errors)

    @property
    def printed(self) -> list[str]:
        """The alerts that it has printed."""
        return [line for line in self._out.read_text().splitlines() if line.startswith("facenode/")]

    @property
    def errors(self) -> str:
        """What it has said on standard error."""
        return self._errors.read_text()

    def wait_ready(self) -> None:
        """Wait until it has joined the group."""
        assert eventually(lambda: "joined" in self._out.read_text(), 30), self.errors

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait(10)


def publish(node: Intruder, first: int, count: int) -> None:
    """Publish numbered alerts."""
    for number in range(first, first + count):
        assert node.publish("facenode/node-3/alert/night", b"%d" % number) == 0


def test_each_alert_goes_to_one_member(fleet: NatsFleet, node: Intruder, tmp_path: Path, print_line: PrintLine) -> None:
    """Both members get some; after one has been killed, the other gets all; what comes while none is there is lost."""
    members = [Member(fleet, tmp_path, account) for account in ("app.alarm-1", "app.alarm-2")]
    try:
        for member in members:
            member.wait_ready()
        publish(node, 0, ALERTS)
        assert eventually(lambda: sum(len(member.printed) for member in members) == ALERTS, 30)
        shares = [len(member.printed) for member in members]
        both = Counter(line for member in members for line in member.printed)
        assert set(both.values()) == {1}
        assert all(shares)
        members[0].kill()
        publish(node, ALERTS, 20)
        assert eventually(lambda: sum(len(member.printed) for member in members) == ALERTS + 20, 30)
        members[1].kill()
        publish(node, ALERTS + 20, 10)
        again = Member(fleet, tmp_path, "app.alarm-1")
        members.append(again)
        assert eventually(lambda: (tmp_path / "app.alarm-1.out").read_text().count("joined") == 2, 30)
        publish(node, ALERTS + 30, 1)
        assert eventually(lambda: again.printed[-1].endswith(str(ALERTS + 30)), 30)
        missed = ALERTS + 31 - len({line for member in members for line in member.printed})
    finally:
        for member in members:
            member.kill()
    print_line(
        f"{ALERTS} alerts for a group: {shares[0]} and {shares[1]}, none twice; {missed} of 10 sent to nobody lost"
    )
    assert missed == 10


@pytest.mark.parametrize(("account", "group"), [("app.alarm-1", "others"), ("app.security", "alarms")])
def test_nobody_joins_a_group_that_the_inventory_does_not_name(
    fleet: NatsFleet, node: Intruder, tmp_path: Path, account: str, group: str
) -> None:
    """Nor may an account without groups speak the NATS protocol at all: every alert reaches the member."""
    member, other = Member(fleet, tmp_path, "app.alarm-2"), Member(fleet, tmp_path, account, group)
    try:
        member.wait_ready()
        refusals = ("permissions violation", "authorization violation")
        assert eventually(lambda: any(each in other.errors.lower() for each in refusals), 30)
        publish(node, 0, 10)
        assert eventually(lambda: len(member.printed) == 10, 30)
        assert other.printed == []
    finally:
        member.kill()
        other.kill()
