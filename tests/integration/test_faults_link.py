"""A network link that fails silently is detected in under 30 s, and no event is lost."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from os import geteuid, getpid
from pathlib import Path

import pytest
from delivery_count import EventRecorder, count_deliveries
from mosquitto_broker import Mosquitto, eventually
from publisher_process import PublisherProcess
from tcp_proxy import TcpProxy

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

FOUND_S = 30.0


def ip(*arguments: str) -> None:
    """Run `ip`, which must succeed."""
    subprocess.run(("ip", *arguments), check=True, capture_output=True)


class Cable:
    """A veth pair with one end here and the other in its own network namespace."""

    def __init__(self) -> None:
        number = getpid() % 250
        self.namespace, self._near, self._far = f"fn{getpid()}", f"fna{getpid()}", f"fnb{getpid()}"
        self.here, there = f"10.231.{number}.1", f"10.231.{number}.2"
        ip("netns", "add", self.namespace)
        try:
            ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.namespace)
            ip("addr", "add", f"{self.here}/30", "dev", self._near)
            ip("-n", self.namespace, "addr", "add", f"{there}/30", "dev", self._far)
            ip("link", "set", self._near, "up")
            ip("-n", self.namespace, "link", "set", "lo", "up")
            ip("-n", self.namespace, "link", "set", self._far, "up")
        except subprocess.CalledProcessError:
            self.close()
            raise

    def unplug(self) -> None:
        """Set the near end down, so that packets from the far end are lost."""
        ip("link", "set", self._near, "down")

    def plug(self) -> None:
        """Set the near end up again."""
        ip("link", "set", self._near, "up")

    def close(self) -> None:
        """Delete the veth pair and the namespace."""
        subprocess.run(("ip", "link", "del", self._near), check=False, capture_output=True)
        ip("netns", "del", self.namespace)


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Return a veth pair; skip without root, which creates it."""
    if geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the program ip")
    try:
        pair = Cable()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace here: {error.stderr.decode().strip()}")
    with closing(pair):
        yield pair


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_dead_link_is_detected_without_losing_events(
    cable: Cable, mosquitto: Callable[..., Mosquitto], tmp_path: Path, print_line: Callable[[str], None], *, busy: bool
) -> None:
    """With default timings a dead link is detected within 30 s, whether messages are in flight or not."""
    broker = mosquitto("allow_anonymous true", "max_inflight_messages 0", host=cable.here)
    total = 250 if busy else 5
    options = ("--count", str(total), "--rate", "10", "--live-s", "5", "--ack-s", "15", "--stay")
    with closing(EventRecorder(broker)) as recorder:
        assert recorder.wait_subscribed()
        within = ("ip", "netns", "exec", cable.namespace)
        node = PublisherProcess(tmp_path, cable.here, broker.port, *options, within=within)
        try:
            assert eventually(lambda: len(recorder.events) >= 5, 20)
            assert busy or eventually(lambda: node.drained, 10)
            cable.unplug()
            began_s = time.monotonic()
            assert eventually(lambda: "trying again" in node.log(), FOUND_S), node.log()
            found_s = time.monotonic() - began_s
            cable.plug()
            assert eventually(lambda: node.drained, 90), node.log()
            assert eventually(lambda: recorder.statuses[-1:] == [b"online"], 30)
            assert node.end() == 0
        finally:
            node.kill()
        assert eventually(lambda: recorder.statuses[-1:] == [b"offline"], 10)
        delivered = count_deliveries(tmp_path / "journal", recorder.events)
    print_line(f"{'busy' if busy else 'idle'}: detected after {found_s:.1f} s: {delivered}")
    assert found_s < FOUND_S
    assert (delivered.sent, delivered.lost, delivered.gaps, delivered.ordered) == (total, 0, 0, True)


def test_a_stalled_link_is_detected(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """A connection that stays open but delivers nothing is detected by the MQTT keep-alive."""
    broker = mosquitto("allow_anonymous true", "max_inflight_messages 0")
    with closing(EventRecorder(broker)) as recorder, TcpProxy(broker.port) as proxy:
        assert recorder.wait_subscribed()
        node = PublisherProcess(tmp_path, "127.0.0.1", proxy.port, "--count", "5", "--ack-s", "15", "--stay")
        try:
            assert eventually(lambda: node.drained, 20)
            proxy.hold()
            began_s = time.monotonic()
            assert eventually(lambda: "trying again" in node.log(), FOUND_S), node.log()
            found_s = time.monotonic() - began_s
            proxy.resume()
            assert eventually(lambda: recorder.statuses[-1:] == [b"online"], 30)
            assert node.end() == 0
        finally:
            node.kill()
    print_line(f"held: detected after {found_s:.1f} s")
