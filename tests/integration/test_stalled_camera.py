"""A stalled camera: the node stays online, reopens the camera, and exits if that does not help."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from facenode_command import ROOT
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode

pytestmark = pytest.mark.broker

STALL_S = 1.0


@dataclass(frozen=True)
class Scene:
    """A node with a scripted camera, and a client.

    Attributes:
        process: the node's process.
        folder: the fake camera's folder.
        node_client: a client of the node.
        subscriber: the subscriber behind the client.
    """

    process: subprocess.Popen[str]
    folder: Path
    node_client: NodeClient
    subscriber: Subscriber

    def set_camera(self, mode: str) -> None:
        """Change what the camera does, atomically."""
        new = self.folder / "new"
        new.write_text(mode)
        new.replace(self.folder / "mode")

    def wait_for_camera(self, camera: str) -> bool:
        """Wait until health shows this camera state."""
        return eventually(lambda: self.node_client.latest("health").get("camera") == camera, TIMEOUT_S)

    def statuses(self) -> list[bytes]:
        """Return all status messages of the node."""
        return self.subscriber.on("facenode/hall/status")

    def openings(self) -> list[float]:
        """Return the times at which the camera was opened, in seconds of the monotonic clock."""
        return [float(line.split()[1]) for line in (self.folder / "openings").read_text().splitlines()]

    def wait_for_exit(self) -> str:
        """Wait until the node exits with 1, and return its last log line."""
        assert self.process.wait(TIMEOUT_S) == 1
        assert self.process.stderr is not None
        log = self.process.stderr.read()
        assert "Traceback" not in log
        return log.splitlines()[-1]


@contextmanager
def _node_with_camera(broker: Mosquitto, folder: Path, restart_after: int) -> Iterator[Scene]:
    """Run a node with a playing camera until the block ends."""
    camera = folder / "camera"
    camera.mkdir()
    (camera / "mode").write_text("plays")
    settings = settings_for(broker, folder, folder / "s") | {
        "camera.source": "picamera",
        "camera.stall_s": STALL_S,
        "camera.restart_after": restart_after,
    }
    path = ":".join(map(str, (ROOT / "tests/integration/fake_pi_packages", ROOT / "tests/unit", ROOT)))
    environ = {"PYTHONPATH": path, "PI_CAMERA": str(camera)}
    with (
        closing(Subscriber(broker.settings(), "facenode/#")) as subscriber,
        running_facenode(settings, environ=environ) as process,
    ):
        scene = Scene(process, camera, NodeClient(subscriber), subscriber)
        assert scene.wait_for_camera("ok")
        assert len(scene.openings()) == 1
        yield scene


def test_a_stalled_camera_is_lost_and_reopened_while_the_node_stays_online(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """`status` is about the node, `health.camera` about its camera."""
    with _node_with_camera(mosquitto(), tmp_path, restart_after=100) as scene:
        scene.set_camera("silent")
        assert scene.wait_for_camera("lost")
        assert scene.process.poll() is None
        assert eventually(lambda: len(scene.openings()) >= 3, TIMEOUT_S)
        assert scene.statuses() == [b"online"]
        assert scene.node_client.request("check")["data"]["camera"] == "lost"

        scene.set_camera("plays")
        assert scene.wait_for_camera("ok")
        assert scene.process.poll() is None
        assert scene.statuses() == [b"online"]


def test_a_silent_camera_is_reopened_with_back_off_until_the_node_exits(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """After the last attempt the node exits with 1, on which systemd restarts it, and `status` is offline."""
    with _node_with_camera(mosquitto(), tmp_path, restart_after=3) as scene:
        scene.set_camera("silent")
        assert scene.wait_for_camera("lost")
        log = scene.wait_for_exit()
        assert log.endswith("picamera:0: no frame for 0.5 s: check its cable; given up after 3 attempts")
        gaps_s = [after - before for before, after in pairwise(scene.openings())][1:]
        # Each opening waits half of STALL_S for a frame; the next ones follow after 1 s and 2 s.
        assert len(gaps_s) == 2
        assert gaps_s[0] >= STALL_S / 2 + 1
        assert gaps_s[1] >= STALL_S / 2 + 2
        assert eventually(lambda: scene.statuses() == [b"online", b"offline"], TIMEOUT_S)


def test_a_hanging_driver_does_not_keep_the_node_from_exiting(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """Neither the loop nor the exit waits for the hanging thread, and the device is not opened twice."""
    with _node_with_camera(mosquitto(), tmp_path, restart_after=2) as scene:
        scene.set_camera("hangs")
        assert scene.wait_for_camera("lost")
        assert scene.process.poll() is None
        assert scene.statuses() == [b"online"]
        assert "its driver hangs" in scene.wait_for_exit()
        assert len(scene.openings()) == 1
        assert eventually(lambda: scene.statuses() == [b"online", b"offline"], TIMEOUT_S)
