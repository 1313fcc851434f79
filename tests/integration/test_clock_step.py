"""A step of the wall clock, such as the first NTP answer causes, changes no event."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from clocked_clip import ClockedClip
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import comparable, events, load_settings, settings_for

from node.assembly import build_node
from node.camera.video import read_video
from node.clock import SystemClock
from node.domain import Image, Instant

pytestmark = pytest.mark.broker
STEP_AT = 20


class SteppingClock:
    """A clock that is unsynchronized until its wall time is stepped."""

    def __init__(self, step: timedelta) -> None:
        self._real = SystemClock()
        self._step = step
        self.stepped = False

    def now(self) -> Instant:
        """Return the current time, with the step applied once it has happened."""
        now = self._real.now()
        return replace(now, wall=now.wall + (self._step if self.stepped else timedelta()), synced=self.stepped)


class SteppedClip(ClockedClip):
    """A clip during which the clock is stepped."""

    def __init__(self, frames: Sequence[Image], clock: SteppingClock) -> None:
        super().__init__(frames, clock)
        self._stepping = clock

    def before_frame(self, number: int) -> None:
        """Step the clock at the given frame."""
        self._stepping.stepped = number >= STEP_AT


@pytest.mark.parametrize("days", [3, -3])
def test_a_clock_step_of_three_days_adds_and_loses_no_event(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path, days: int
) -> None:
    """The events are the same as without a step, none is late, and those before the step say `unsynced`."""
    broker = mosquitto()
    published = []
    for name, step in (("plain", timedelta()), ("step", timedelta(days=days))):
        clip = media_dir / "carphone.mp4"
        settings = load_settings(settings_for(broker, clip, tmp_path / name))
        clock = SteppingClock(step)
        with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
            build_node(settings, SteppedClip(list(read_video(clip))[:60], clock), clock).run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            assert not [m for m in subscriber.messages if "/late/" in m.topic]
            published.append([comparable(event) for event in events(subscriber.messages)])
    plain, stepped = published
    assert [event["event_type"] for event in plain] == ["unknown", "left"]
    assert stepped == plain
    assert [event.get("clock") for event in plain] == ["unsynced", None]
