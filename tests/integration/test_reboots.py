"""A reboot within the cool-down: by a wall clock that was synchronized both times, else cool-downs begin anew."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from clocked_clip import LiveClip
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import events, load_settings, settings_for

from node.app import Node
from node.assembly import build_node
from node.camera.image_file import read_image
from node.clock import SystemClock
from node.domain import Image, Instant
from node.system.machine import Machine

pytestmark = pytest.mark.broker

FRAMES = 60
OFF_S = 20.0


class RebootedClock:
    """The clock of a machine whose monotonic time begins anew with each boot.

    Args:
        off_s: seconds for which the machine was off.
        synced: whether the wall clock is synchronized.
    """

    def __init__(self, off_s: float, *, synced: bool) -> None:
        self._real = SystemClock()
        self._began, self._off = self._real.now(), timedelta(seconds=off_s)
        self._synced = synced

    def now(self) -> Instant:
        """Return the current time."""
        now = self._real.now()
        return replace(
            now, wall=now.wall + self._off, mono_s=now.mono_s - self._began.mono_s + 5.0, synced=self._synced
        )


class PowerCut(LiveClip):
    """Somebody stands at the door until the node is stopped."""

    node: Node

    def __init__(self, frames: Sequence[Image], clock: RebootedClock) -> None:
        super().__init__(frames, clock)

    def before_frame(self, number: int) -> None:
        """Stop the node with the last frame."""
        if number == FRAMES - 1:
            self.node.stop()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (True, True, ["recognized"]),
        (True, False, ["recognized", "left"]),
        (False, True, ["recognized", "left"]),
    ],
)
def test_a_reboot_within_the_cool_down_reports_nobody_again(  # noqa: PLR0913, PLR0917 - a table
    mosquitto: Callable[..., Mosquitto],
    media_dir: Path,
    tmp_path: Path,
    before: bool,  # noqa: FBT001 - a table
    after: bool,  # noqa: FBT001 - a table
    expected: list[str],
) -> None:
    """Without a clock to go by they left, and their return belongs to the same visit until the cool-down has passed."""
    photo, broker = media_dir / "astronaut.jpg", mosquitto()
    given = settings_for(broker, photo, tmp_path / "s")
    assert facenode("people", "add", "eileen", photo, settings=given).code == 0
    settings = load_settings(given)
    with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
        for boot, (off_s, synced) in enumerate(((0.0, before), (OFF_S, after))):
            root = tmp_path / f"boot-{boot}"
            (root / "proc/sys/kernel/random").mkdir(parents=True)
            (root / "proc/sys/kernel/random/boot_id").write_text(f"{boot}\n")
            clock = RebootedClock(off_s, synced=synced)
            camera = PowerCut([read_image(photo)] * FRAMES, clock)
            camera.node = build_node(settings, camera, clock, machine=Machine(root))
            camera.node.run()
        assert eventually(lambda: [each["event_type"] for each in events(subscriber.messages)] == expected)
