"""A step of the wall clock, as the first answer of a time server makes one, changes nothing that happens."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from realbroker import Mosquitto, Subscriber, eventually
from told import essence, events, settings_for

from node.app import Node
from node.camera.camera import Camera
from node.camera.video import read_video
from node.clock import SystemClock
from node.configuration import load
from node.domain import CameraState, Frame, Instant, Tick

pytestmark = pytest.mark.broker
FRAMES, STEP_AT = 60, 20


class SteppingClock:
    """A clock that is not synchronised until its wall time takes a step."""

    def __init__(self, step: timedelta) -> None:
        self._real = SystemClock()
        self._step = step
        self.stepped = False

    def now(self) -> Instant:
        """Return the present moment, on a wall clock that may have taken its step."""
        now = self._real.now()
        return replace(now, wall=now.wall + (self._step if self.stepped else timedelta()), synced=self.stepped)


class LiveClip(Camera):
    """A clip whose frames carry the clock's own moments, a tenth of a monotonic second apart, with the step amidst."""

    name, live, state, problem = "a clip", False, CameraState.OK, None

    def __init__(self, clip: Path, clock: SteppingClock) -> None:
        self._frames = list(read_video(clip))[:FRAMES]
        self._clock = clock

    def __iter__(self) -> Iterator[Tick]:
        start = self._clock.now()
        for number, image in enumerate(self._frames):
            self._clock.stepped = number >= STEP_AT
            yield Tick(replace(self._clock.now(), mono_s=start.mono_s + number / 10), Frame(image))

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("days", [3, -3])
def test_a_step_of_three_days_makes_no_event_and_loses_none(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path, days: int
) -> None:
    """The same events as without a step, none of them late; what was told before the step says `unsynced`."""
    broker = mosquitto()
    told = []
    for name, step in (("plain", timedelta()), ("step", timedelta(days=days))):
        clip = media_dir / "carphone.mp4"
        given: dict[str, dict[str, object]] = {}
        for key, value in settings_for(broker, clip, tmp_path / name).items():
            section, _, field = key.partition(".")
            given.setdefault(section, {})[field] = value
        clock = SteppingClock(step)
        with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
            Node(load(None, given, {}, tmp_path / "none"), LiveClip(clip, clock), clock).run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            assert not [m for m in subscriber.messages if "/late/" in m.topic]
            told.append([essence(event) for event in events(subscriber.messages)])
    plain, stepped = told
    assert [event["event_type"] for event in plain] == ["unknown", "left"]
    assert stepped == plain
    assert [event.get("clock") for event in plain] == ["unsynced", None]
