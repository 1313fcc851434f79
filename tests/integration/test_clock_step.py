"""A step of the wall clock, as the first answer of a time server makes one, changes nothing that happens."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from clips import ClockedClip
from realbroker import Mosquitto, Subscriber, eventually
from told import essence, events, node_settings, settings_for

from node.assembly import build_node
from node.camera.video import read_video
from node.clock import SystemClock
from node.domain import Image, Instant

pytestmark = pytest.mark.broker
STEP_AT = 20


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


class SteppedClip(ClockedClip):
    """A clip amidst which the clock takes its step."""

    def __init__(self, frames: Sequence[Image], clock: SteppingClock) -> None:
        super().__init__(frames, clock)
        self._stepping = clock

    def before(self, number: int) -> None:
        """Take the step."""
        self._stepping.stepped = number >= STEP_AT


@pytest.mark.parametrize("days", [3, -3])
def test_a_step_of_three_days_makes_no_event_and_loses_none(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path, days: int
) -> None:
    """The same events as without a step, none of them late; what was told before the step says `unsynced`."""
    broker = mosquitto()
    told = []
    for name, step in (("plain", timedelta()), ("step", timedelta(days=days))):
        clip = media_dir / "carphone.mp4"
        settings = node_settings(settings_for(broker, clip, tmp_path / name))
        clock = SteppingClock(step)
        with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
            build_node(settings, SteppedClip(list(read_video(clip))[:60], clock), clock).run()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            assert not [m for m in subscriber.messages if "/late/" in m.topic]
            told.append([essence(event) for event in events(subscriber.messages)])
    plain, stepped = told
    assert [event["event_type"] for event in plain] == ["unknown", "left"]
    assert stepped == plain
    assert [event.get("clock") for event in plain] == ["unsynced", None]
