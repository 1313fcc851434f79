"""A node as a process whose camera stalls: it stays online, reopens the camera, and exits if that does not help."""

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
    """A node that watches a camera, and who looks at both.

    Attributes:
        process: the node.
        folder: of the camera.
        node_client: who hears what the node wait_for_camera.
        subscriber: all that came.
    """

    process: subprocess.Popen[str]
    folder: Path
    node_client: NodeClient
    subscriber: Subscriber

    def set_camera(self, mode: str) -> None:
        """Let the camera do something else, at once for whoever reads the file."""
        new = self.folder / "new"
        new.write_text(mode)
        new.replace(self.folder / "mode")

    def wait_for_camera(self, camera: str) -> bool:
        """Wait until the node says how its camera is."""
        return eventually(lambda: self.node_client.latest("health").get("camera") == camera, TIMEOUT_S)

    def statuses(self) -> list[bytes]:
        """Return all that was said of the node itself."""
        return self.subscriber.on("facenode/hall/status")

    def openings(self) -> list[float]:
        """Return the moments at which the camera was opened, seconds of the monotonic clock."""
        return [float(line.split()[1]) for line in (self.folder / "openings").read_text().splitlines()]

    def wait_for_exit(self) -> str:
        """Wait for the node's end by itself, with 1, and return its last line."""
        assert self.process.wait(TIMEOUT_S) == 1
        assert self.process.stderr is not None
        log = self.process.stderr.read()
        assert "Traceback" not in log
        return log.splitlines()[-1]


@contextmanager
def _node_with_camera(broker: Mosquitto, folder: Path, restart_after: int) -> Iterator[Scene]:
    """Run a node whose camera plays, until the block ends."""
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


def test_a_camera_that_stalls_is_lost_while_the_node_stays_online_and_found_again(
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


def test_a_camera_that_stays_silent_is_opened_at_growing_distances_and_ends_the_node(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """A new process may help where opening does not: exit code 1, on which systemd starts one; nobody is misled."""
    with _node_with_camera(mosquitto(), tmp_path, restart_after=3) as scene:
        scene.set_camera("silent")
        assert scene.wait_for_camera("lost")
        log = scene.wait_for_exit()
        assert log.endswith("picamera:0: no frame for 0.5 s: check its cable; given up after 3 attempts")
        gaps_s = [after - before for before, after in pairwise(scene.openings())][1:]
        # Each opening waits for a frame, half of STALL_S long, and the next follows after 1 and 2 s.
        assert len(gaps_s) == 2
        assert gaps_s[0] >= STALL_S / 2 + 1
        assert gaps_s[1] >= STALL_S / 2 + 2
        assert eventually(lambda: scene.statuses() == [b"online", b"offline"], TIMEOUT_S)


def test_a_driver_that_hangs_for_ever_ends_the_node_all_the_same(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """Neither the loop nor the end of the process waits for the thread that hangs; no device is opened twice."""
    with _node_with_camera(mosquitto(), tmp_path, restart_after=2) as scene:
        scene.set_camera("hangs")
        assert scene.wait_for_camera("lost")
        assert scene.process.poll() is None
        assert scene.statuses() == [b"online"]
        assert "its driver hangs" in scene.wait_for_exit()
        assert len(scene.openings()) == 1
        assert eventually(lambda: scene.statuses() == [b"online", b"offline"], TIMEOUT_S)
