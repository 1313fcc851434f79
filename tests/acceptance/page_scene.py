"""A node that two people pass, its broker and its page -> a scene that a real browser can be pointed at."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from facenode_command import environment, facenode
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port, listens
from node_messages import events
from page_browser import gallery_bytes
from passing_visitors import AWAY, HERE, PASSING

from node.camera.image_file import read_image
from node.domain import Image
from node.requests.local_client import call, running

MEDIA = Path(__file__).resolve().parents[1] / "media"
CHROMIUM = Path("/usr/bin/chromium")
START_S = 300.0
_PERIOD_S = 0.25
"""Seconds between two frames of the camera: so slowly that the inbox holds the visits of nine minutes."""


@dataclass
class PageScene:
    """A running node with its page.

    Attributes:
        settings: of the node.
        watcher: a subscriber of all its messages.
        processes: what runs, by name.
        received: number of messages before the present test.
    """

    settings: dict[str, object]
    watcher: Subscriber
    received: int = 0
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def storage(self) -> Path:
        """`storage.dir`."""
        return Path(str(self.settings["storage.dir"]))

    @property
    def link(self) -> str:
        """A link that opens the page once."""
        done = facenode("page", "--link", settings=self.settings, timeout_s=START_S)
        assert done.code == 0, done.err
        return done.out.split()[0]

    def start(self, command: str) -> None:
        """Start the node (`run`) or the page (`page`)."""
        self.processes[command] = subprocess.Popen(
            [sys.executable, "-m", "node.cli", command], env=environment(self.settings), stderr=subprocess.DEVNULL
        )

    def stop(self, command: str) -> None:
        """End one of them."""
        process = self.processes.pop(command)
        process.terminate()
        process.wait()

    def visits(self, *, known: bool) -> int:
        """Return how many visits of the known person, or of strangers, wait in the inbox."""
        if not running(self.storage):
            return 0
        groups = call(self.storage, "inbox_list")["groups"]
        return sum((entry["person"] is not None) is known for group in groups for entry in group["entries"])

    def wait_for_visits(self, count: int = 2) -> None:
        """Wait until so many visits of each wait in the inbox."""
        assert eventually(lambda: min(self.visits(known=True), self.visits(known=False)) >= count, START_S)

    def reset(self) -> None:
        """Let the known person be the only one, the inbox be new, and the node run."""
        if "run" not in self.processes:
            self.start("run")
            assert eventually(lambda: running(self.storage), START_S)
        done = facenode("people", "import", "--replace", self._export, settings=self.settings, timeout_s=START_S)
        assert done.code == 0, done.err
        call(self.storage, "inbox_clear")
        self.wait_for_visits()
        self.received = len(self.watcher.messages)

    @property
    def _export(self) -> Path:
        return self.storage.with_name("everybody.zip")

    def recognized(self) -> set[str]:
        """Return who was recognized in the present test, as a subscriber has received it."""
        found = [
            event for event in events(self.watcher.messages[self.received :]) if event["event_type"] == "recognized"
        ]
        return {str(event["person"]["id"]) for event in found}

    def gallery(self) -> dict[str, bytes]:
        """Return every file of the gallery."""
        return gallery_bytes(self.storage)

    def node_answers(self) -> list[dict[str, Any]]:
        """Return what can be undone."""
        return list(call(self.storage, "people_undo_list"))


@contextmanager
def page_scene(folder: Path, *, known: str = "Eileen Collins", node_name: str = "Front door") -> Iterator[PageScene]:
    """Let two people pass a node again and again, and open its page to this machine.

    Args:
        folder: for all of it.
        known: name of the first of them, who is enrolled by two photos.
        node_name: display name of the node.
    """
    with MjpegCamera(*_frames(), period_s=_PERIOD_S) as camera:
        yield from _scene(folder, camera.url, known, node_name)


def _frames() -> list[bytes]:
    """Return the JPEGs of two people who come and go, of one size."""
    portraits = [read_image(MEDIA / name) for name in ("astronaut.jpg", "grace_hopper.jpg")]
    height, width = (max(image.shape[axis] for image in portraits) for axis in (0, 1))
    made: list[bytes] = []
    for portrait in portraits:
        shown = np.zeros((height, width, 3), np.uint8)
        shown[: portrait.shape[0], : portrait.shape[1]] = portrait
        made += [_jpeg(shown)] * HERE + [_jpeg(np.zeros_like(shown))] * AWAY
    return made


def _jpeg(image: Image) -> bytes:
    return cv2.imencode(".jpg", image[:, :, ::-1])[1].tobytes()


def _scene(folder: Path, camera: str, known: str, node_name: str) -> Iterator[PageScene]:
    broker = Mosquitto(folder / "broker").start()
    settings: dict[str, object] = {
        **PASSING, "camera.source": f"video:{camera}", "camera.fps": round(1 / _PERIOD_S), "node.id": "hall",
        "node.name": node_name, "storage.dir": folder / "s", "mqtt.port": broker.port, "page.door": "loopback",
        "page.port": free_port(), "homeassistant.enabled": "false",
    }  # fmt: skip
    mirrored = folder / "mirrored.png"
    image = cv2.imread(str(MEDIA / "astronaut.jpg"))
    assert image is not None
    cv2.imwrite(str(mirrored), cv2.flip(image, 1))
    done = facenode(
        "people",
        "add",
        "eileen",
        "--name",
        known,
        MEDIA / "astronaut.jpg",
        mirrored,
        settings=settings,
        timeout_s=START_S,
    )
    assert done.code == 0, done.err
    scene = PageScene(settings, Subscriber(broker.settings(), "facenode/#"))
    try:
        scene.start("run")
        scene.start("page")
        port = int(str(settings["page.port"]))
        assert eventually(lambda: listens("127.0.0.1", port), START_S)
        done = facenode("people", "export", folder / "everybody.zip", settings=settings, timeout_s=START_S)
        assert done.code == 0, done.err
        scene.wait_for_visits()
        yield scene
    finally:
        for command in list(scene.processes):
            scene.stop(command)
        scene.watcher.close()
        broker.end()


def axe_core(cache: Path) -> str:
    """Return the source of axe-core, fetched from npm once."""
    source = cache / "axe/node_modules/axe-core/axe.min.js"
    if not source.exists():
        (cache / "axe").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4"],
            cwd=cache / "axe", check=True, env={**os.environ, "npm_config_update_notifier": "false"},
        )  # fmt: skip
    return source.read_text(encoding="utf-8")


def violations(found: dict[str, Any]) -> list[str]:
    """Return a line for each thing that axe-core finds wrong."""
    return [
        f"{each['id']}: {json.dumps([node['html'][:160] for node in each['nodes']][:3])}"
        for each in found["violations"]
    ]
