"""A live camera before an empty room, a person who comes, one who stands still, one who appears by and by."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import LiveClip
from realbroker import Mosquitto, Subscriber, eventually
from told import essence, events, node_settings, settings_for

from node.assembly import build_node
from node.camera.video import read_video
from node.clock import SystemClock
from node.domain import Image
from node.system.machine import Machine

pytestmark = pytest.mark.broker
FPS = 10
HOT, COOL = ("85000\n", "80008\n"), ("70000\n", "80000\n")  # throttled by the soft limit now; once


class Room:
    """A room that is shown to a node by a live camera, ten frames a second of the room's own time."""

    def __init__(self, broker: Mosquitto, folder: Path) -> None:
        self._broker = broker
        self._folder = folder
        self._runs = 0
        self.health: dict[str, Any] = {}
        """The last that the latest node said of itself."""

    def show(
        self, frames: Sequence[Image], machine: Machine | None = None, clip: type[LiveClip] = LiveClip, **more: object
    ) -> list[dict[str, Any]]:
        """Run a node of its own before the frames; return its events without what two runs never share."""
        self._runs += 1
        given = settings_for(self._broker, Path("none"), self._folder / str(self._runs))
        given |= {key.replace("__", "."): value for key, value in more.items()}
        clock = SystemClock()
        with closing(Subscriber(self._broker.settings(), "facenode/hall/#")) as subscriber:
            build_node(node_settings(given), clip(frames, clock), clock, machine=machine).run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            self.health = json.loads(subscriber.on("facenode/hall/health")[-1])
            return [essence(event) for event in events(subscriber.messages)]


@pytest.fixture
def room(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Room:
    """Return a room."""
    return Room(mosquitto(), tmp_path)


@pytest.fixture(scope="module")
def carl(media_dir: Path) -> list[Image]:
    """Return the frames of the man in the clip."""
    return list(read_video(media_dir / "carphone.mp4"))


def empty(like: Image, count: int) -> list[Image]:
    """Return frames of an empty room as a sensor gives them, with noise of four grey levels (standard deviation)."""
    random = np.random.default_rng(count)
    return [random.normal(96, 4, like.shape).clip(0, 255).astype(np.uint8) for _ in range(count)]


def test_somebody_who_comes_is_found_in_the_same_frame_as_without_the_gate(room: Room, carl: list[Image]) -> None:
    """Nobody, a man, nobody, the man again: what is told is the same, to the tick of his first and last sight."""
    frames = [*empty(carl[0], 47), *carl[:30], *empty(carl[0], 83), *carl[60:80], *empty(carl[0], 50)]
    gated, ungated = (room.show(frames, detector__motion=motion, events__cool_down_s=2) for motion in (True, False))
    assert [event["event_type"] for event in gated] == ["unknown", "left"] * 2
    assert gated == ungated


class SlowClip(LiveClip):
    """A live camera of two frames a second, so that minutes are not many frames."""

    fps = 2.0


def test_somebody_who_stands_still_stays_in_view_for_minutes(room: Room, carl: list[Image]) -> None:
    """The very same picture for three minutes: no `left` before its end."""
    told = room.show([*empty(carl[0], 10), *[carl[0]] * 360], clip=SlowClip)
    assert [event["event_type"] for event in told] == ["unknown", "left"]
    assert told[1]["seen_s"] == pytest.approx(180 - 1 / SlowClip.fps, abs=0.01)


@pytest.mark.parametrize("fade_s", [3, 20])
def test_somebody_who_appears_by_and_by_is_found_within_a_second(room: Room, carl: list[Image], fade_s: int) -> None:
    """However slowly the picture turns into one of a man: not a second later than if every frame were searched."""
    count = fade_s * FPS
    nobody = empty(carl[0], 40)
    fading = [
        cv2.addWeighted(carl[0], number / count, nobody[0], 1 - number / count, 0).astype(np.uint8)
        for number in range(count)
    ]
    seen_s = [
        room.show([*nobody, *fading, *[carl[0]] * 10], detector__motion=motion)[-1]["seen_s"]
        for motion in (True, False)
    ]
    assert 0 <= seen_s[1] - seen_s[0] <= 1.01


def machine(root: Path, temperature: str, bits: str) -> Machine:
    """Return a board of that temperature, thousandths of a degree, and with these bits, as its kernel tells them."""
    told = {
        "sys/class/thermal/thermal_zone0/temp": temperature,
        "sys/devices/platform/soc/soc:firmware/get_throttled": bits,
    }
    for name, text in told.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Machine(root)


@pytest.mark.parametrize("cools_down", [False, True])
def test_a_node_that_is_too_hot_looks_at_half_of_the_frames(
    room: Room, carl: list[Image], tmp_path: Path, caplog: pytest.LogCaptureFixture, *, cools_down: bool
) -> None:
    """Told by the frame rate, and once in the log, as is the end of it; who is in view is told all the same."""
    board = machine(tmp_path / "board", *HOT)

    class Warming(LiveClip):
        """A clip amidst which the board may cool down."""

        def before(self, number: int) -> None:
            if cools_down and number == 3 * FPS:
                machine(tmp_path / "board", *COOL)

    with caplog.at_level(logging.INFO):
        told = room.show([carl[0]] * (12 * FPS), board, Warming, health__every_s=5)
    assert [event["event_type"] for event in told] == ["unknown", "left"]
    assert room.health["fps"] == pytest.approx(FPS if cools_down else FPS / 2, abs=0.3)
    assert (room.health["cpu_c"], room.health["throttled"]) == ((70.0, False) if cools_down else (85.0, True))
    lines = [record.getMessage() for record in caplog.records if "processor" in record.getMessage()]
    assert len(lines) == 1 + cools_down
    assert "85 °C, above health.max_cpu_c" in lines[0]
    assert not cools_down or "cooled down to 70 °C" in lines[1]
