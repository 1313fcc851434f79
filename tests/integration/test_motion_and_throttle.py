"""A live camera: the motion gate misses nobody, and a node that is too hot processes half of the frames."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clocked_clip import LiveClip
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import comparable, events, load_settings, settings_for

from node.assembly import build_node
from node.camera.video import read_video
from node.clock import SystemClock
from node.domain import Image
from node.system.machine import Machine

pytestmark = pytest.mark.broker
FPS = 10
HOT, COOL = ("85000\n", "80008\n"), ("70000\n", "80000\n")  # throttled by the soft temperature limit: now; in the past


class Room:
    """A room that a live camera shows to a node, at ten frames a second."""

    def __init__(self, broker: Mosquitto, folder: Path) -> None:
        self._broker = broker
        self._folder = folder
        self._runs = 0
        self.health: dict[str, Any] = {}
        """The last health message of the latest node."""

    def show(
        self, frames: Sequence[Image], machine: Machine | None = None, clip: type[LiveClip] = LiveClip, **more: object
    ) -> list[dict[str, Any]]:
        """Run a node on the frames; return its events without the fields that differ between runs."""
        self._runs += 1
        given = settings_for(self._broker, Path("none"), self._folder / str(self._runs))
        given |= {key.replace("__", "."): value for key, value in more.items()}
        clock = SystemClock()
        with closing(Subscriber(self._broker.settings(), "facenode/hall/#")) as subscriber:
            build_node(load_settings(given), clip(frames, clock), clock, machine=machine).run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            self.health = json.loads(subscriber.on("facenode/hall/health")[-1])
            return [comparable(event) for event in events(subscriber.messages)]


@pytest.fixture
def room(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Room:
    """Return a room."""
    return Room(mosquitto(), tmp_path)


@pytest.fixture(scope="module")
def carl(media_dir: Path) -> list[Image]:
    """Return the frames of the man in the clip."""
    return list(read_video(media_dir / "carphone.mp4"))


def empty(like: Image, count: int) -> list[Image]:
    """Return frames of an empty room with sensor noise of four grey levels (standard deviation)."""
    random = np.random.default_rng(count)
    return [random.normal(96, 4, like.shape).clip(0, 255).astype(np.uint8) for _ in range(count)]


def test_the_motion_gate_delays_no_event(room: Room, carl: list[Image]) -> None:
    """The events are the same with and without the gate, including the ticks of first and last sight."""
    frames = [*empty(carl[0], 47), *carl[:30], *empty(carl[0], 83), *carl[60:80], *empty(carl[0], 50)]
    gated, ungated = (room.show(frames, detector__motion=motion, events__cool_down_s=2) for motion in (True, False))
    assert [event["event_type"] for event in gated] == ["unknown", "left"] * 2
    assert gated == ungated


class SlowClip(LiveClip):
    """A live camera of two frames a second, so that minutes need few frames."""

    fps = 2.0


def test_a_person_who_stands_still_stays_in_view_for_minutes(room: Room, carl: list[Image]) -> None:
    """An unchanged picture for three minutes gives no `left` before its end."""
    published = room.show([*empty(carl[0], 10), *[carl[0]] * 360], clip=SlowClip)
    assert [event["event_type"] for event in published] == ["unknown", "left"]
    assert published[1]["seen_s"] == pytest.approx(180 - 1 / SlowClip.fps, abs=0.01)


@pytest.mark.parametrize("fade_s", [3, 20])
def test_a_person_who_fades_in_is_found_within_a_second(room: Room, carl: list[Image], fade_s: int) -> None:
    """However slowly the picture changes, the delay over searching every frame is at most a second."""
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
    """Return a board with this temperature, in thousandths of a degree, and these throttling bits."""
    published = {
        "sys/class/thermal/thermal_zone0/temp": temperature,
        "sys/devices/platform/soc/soc:firmware/get_throttled": bits,
    }
    for name, text in published.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Machine(root)


@pytest.mark.parametrize("cools_down", [False, True])
def test_a_node_that_is_too_hot_processes_half_of_the_frames(
    room: Room, carl: list[Image], tmp_path: Path, caplog: pytest.LogCaptureFixture, *, cools_down: bool
) -> None:
    """The frame rate and one log line show it, as does one line once it has cooled down; events go on."""
    pi = machine(tmp_path / "pi", *HOT)

    class Warming(LiveClip):
        """A clip during which the board may cool down."""

        def before_frame(self, number: int) -> None:
            if cools_down and number == 3 * FPS:
                machine(tmp_path / "pi", *COOL)

    with caplog.at_level(logging.INFO):
        published = room.show([carl[0]] * (12 * FPS), pi, Warming, health__every_s=5)
    assert [event["event_type"] for event in published] == ["unknown", "left"]
    assert room.health["fps"] == pytest.approx(FPS if cools_down else FPS / 2, abs=0.3)
    assert (room.health["cpu_c"], room.health["throttled"]) == ((70.0, False) if cools_down else (85.0, True))
    lines = [record.getMessage() for record in caplog.records if "processor" in record.getMessage()]
    assert len(lines) == 1 + cools_down
    assert "85 °C, above health.max_cpu_c" in lines[0]
    assert not cools_down or "cooled down to 70 °C" in lines[1]
