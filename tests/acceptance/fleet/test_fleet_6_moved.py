"""A fleet moves to the other kind of broker, with the steps of ansible/README.md."""

import shutil
from collections.abc import Callable

import pytest
from controller import KIND, OTHER_KIND, Controller
from mosquitto_broker import eventually

pytestmark = pytest.mark.timeout(3600)
PrintLine = Callable[[str], None]
# The node has its outbox for itself, so a copy is read; while the node is writing, one may be none.
_WAITING = """python3 -c "
import glob, shutil, sqlite3, tempfile
with tempfile.TemporaryDirectory() as folder:
    for each in glob.glob('/var/lib/facenode/outbox.db*'):
        shutil.copy(each, folder)
    try:
        print(*sqlite3.connect(folder + '/outbox.db').execute('SELECT count(*) FROM rows').fetchone())
    except sqlite3.DatabaseError:
        print(0)" """


def test_a_fleet_moves_to_the_other_kind_of_broker_and_loses_no_event(fleet: Controller, print_line: PrintLine) -> None:
    """What a node has not delivered when the old broker ends comes to the new one; what waits there is drained."""
    nodes = set(fleet.states())

    def waiting() -> dict[str, int]:
        return {name: int(fleet.hosts.ssh(fleet.hosts[name], _WAITING)) for name in nodes}

    with fleet.watch_events() as old:
        # What waited in the session comes, too, also of a node that has been retired meanwhile.
        assert eventually(lambda: {event["node"] for event in old()} >= nodes, 300)
    received = old()
    shutil.copy(fleet.folder / "fleet.toml", fleet.folder / "old.toml")
    fleet.move(OTHER_KIND)
    beside = fleet.run_playbook("site", "--tags", "pki,broker")
    with fleet.watch_events() as new:
        # The nodes are still at the old broker, which keeps their events for the subscriber that has left it.
        fleet.control_brokers(KIND, "stop")
        assert eventually(lambda: min(waiting().values()) > 0, 300), waiting()
        left = waiting()
        moved = fleet.run_playbook("site")
        assert set(fleet.states()) == nodes
        fleet.control_brokers(KIND, "start")
        drained = fleet.drain_events("old.toml")
        seen = len(new())
        assert eventually(lambda: {event["node"] for event in new()[seen:]} == nodes, 300)
    received += drained + new()
    ids = {event["id"] for event in received}
    numbers = {node: {event["seq"] for event in received if event["node"] == node} for node in nodes}
    lost = {node: max(of) - min(of) + 1 - len(of) for node, of in numbers.items()}
    print_line(
        f"{KIND} -> {OTHER_KIND}: the new brokers beside the old one {beside.duration_s:.0f} s, all nodes moved "
        f"{moved.duration_s:.0f} s; {len(ids)} events, of which {sum(left.values())} waited at the nodes and "
        f"{len(drained)} at the old broker; lost {sum(lost.values())}, came twice {len(received) - len(ids)}"
    )
    assert drained
    assert sum(lost.values()) == 0, lost
    fleet.control_brokers(KIND, "stop")
    assert all(state["status"] == "online" for state in fleet.states().values())
