"""A full disk loses only counted events, and an idle node does not write to its disk."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from os import geteuid
from pathlib import Path

import pytest
from delivery_count import EventRecorder, count_deliveries
from mosquitto_broker import Mosquitto, eventually
from publisher_process import PublisherProcess
from tcp_proxy import TcpProxy

pytestmark = pytest.mark.broker

EVENTS = 600


@pytest.fixture
def exit_stack() -> Iterator[ExitStack]:
    """Return a stack that closes everything, latest first."""
    with ExitStack() as made:
        yield made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a node folder whose outbox is on a disk of 128 kB; skip without root, which mounts it."""
    outbox = tmp_path / "node" / "outbox"
    outbox.mkdir(parents=True)
    command = ("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", outbox)
    if geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk needs root, to mount it")
    yield outbox.parent
    subprocess.run(("umount", outbox), check=True)


@pytest.mark.parametrize("memory_rows", [1000, 50])
def test_a_full_disk_loses_only_counted_events(
    small_disk: Path,
    mosquitto: Callable[..., Mosquitto],
    exit_stack: ExitStack,
    print_line: Callable[[str], None],
    memory_rows: int,
) -> None:
    """With the broker away the disk and then memory fill up; the dropped events are exactly the missing ones."""
    broker = mosquitto("allow_anonymous true", "max_inflight_messages 0")
    recorder = exit_stack.enter_context(closing(EventRecorder(broker)))
    proxy = exit_stack.enter_context(TcpProxy(broker.port))
    assert recorder.wait_subscribed()
    proxy.refuse()
    options = ("--count", str(EVENTS), "--rate", "400", "--memory-rows", str(memory_rows))
    node = PublisherProcess(small_disk, "127.0.0.1", proxy.port, *options)
    exit_stack.callback(node.kill)
    journal = small_disk / "journal"
    assert eventually(journal.exists, 10)
    assert eventually(lambda: journal.read_text().count("=") == EVENTS, 20), node.log()
    proxy.allow()
    assert eventually(lambda: node.ended, 30), node.log()
    delivered = count_deliveries(journal, recorder.events)
    counts = node.counts()
    print_line(f"memory for {memory_rows}: {delivered}, {counts}")
    assert node.log().count("kept in memory") == 1
    assert delivered.lost == counts["dropped"]
    assert (counts["dropped"] > 0) is (memory_rows < EVENTS // 2)
    assert delivered.ordered
    assert delivered.unexpected == 0


def test_an_idle_node_does_not_write_its_outbox(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """A connected node with nothing to publish leaves its outbox files alone, since SD cards wear out."""
    broker = mosquitto()
    node = PublisherProcess(tmp_path, "127.0.0.1", broker.port, "--count", "20", "--rate", "100", "--stay")
    exit_stack.callback(node.kill)
    assert eventually(lambda: node.drained, 20), node.log()

    def written() -> dict[str, tuple[int, int]]:
        files = {path.name: path.stat() for path in (tmp_path / "outbox").iterdir()}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in files.items()}

    before = written()
    assert not eventually(lambda: written() != before, 3)
    assert node.end() == 0
