"""Fake cameras for tests: a clip that plays in a loop, and a source whose reads a test scripts."""

import queue
import threading
from collections import deque
from pathlib import Path

import numpy as np

from node.camera.live import LiveCamera
from node.camera.video import VideoFile
from node.clock import Clock
from node.domain import Frame, Image
from node.errors import CameraError
from node.settings import CameraSettings

DEADLINE_S = 10.0
"""The time limit for anything that a test waits for, also on a busy machine."""


class LoopedClip:
    """A live source that plays a clip in a loop at 100 frames a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = VideoFile(path)
        self._pace = threading.Event()  # never set: its wait paces the frames

    def read(self) -> Frame | None:
        """Return the next frame."""
        self._pace.wait(0.01)
        item = self._file.read()
        if item is None:
            self.close()
            self._file = VideoFile(self._path)
            item = self._file.read()
        return Frame(item[1]) if item else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


Step = Image | Exception | None


class ScriptedSource:
    """An opener and source in one: each read returns the next step (picture, error, or None at the end) or blocks."""

    def __init__(self, *steps: Step, open_errors: tuple[Exception, ...] = ()) -> None:
        self.openings = 0
        self.closings = 0
        self._refusals = deque(open_errors)
        self._reads = 0
        self._cues: queue.SimpleQueue[Step] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self.add(*steps)

    def add(self, *steps: Step) -> None:
        """Add steps; a blocked read continues."""
        for step in steps:
            self._cues.put(step)

    def fail_next_opens(self, *errors: Exception) -> None:
        """Make the next openings fail."""
        self._refusals.extend(errors)

    def forgive(self) -> None:
        """Let all further openings succeed."""
        self._refusals.clear()

    def wait_reads(self, count: int) -> None:
        """Wait until this many reads have begun, so that one less has returned."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._reads >= count, DEADLINE_S), f"{self._reads} reads, not {count}"

    def wait_closings(self, count: int) -> None:
        """Wait until the source was closed this often."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.closings >= count, DEADLINE_S), f"closed {self.closings} times"

    def __call__(self) -> "ScriptedSource":
        """Open the source, unless this opening is to fail."""
        self.openings += 1
        if self._refusals:
            raise self._refusals.popleft()
        return self

    def read(self) -> Frame | None:
        """Return the next step as a frame, or raise it."""
        with self._changed:
            self._reads += 1
            self._changed.notify_all()
        step = self._cues.get(timeout=DEADLINE_S)
        if isinstance(step, Exception):
            raise step
        return None if step is None else Frame(step)

    def close(self) -> None:
        """Count the closing."""
        with self._changed:
            self.closings += 1
            self._changed.notify_all()


def picture(grey: int = 0) -> Image:
    """Return a small picture of one brightness, by which tests identify it."""
    return np.full((4, 6, 3), grey, np.uint8)


def open_error(number: int = 0) -> CameraError:
    """Return an error as an opener raises it."""
    return CameraError(f"fake: cannot be opened ({number}): see the test's script")


def fake_camera(
    source: ScriptedSource,
    clock: Clock,
    *,
    stall_s: float = 10.0,
    restart_after: int = 3,
    keeps_state: bool = False,
) -> LiveCamera:
    """Return a live camera on a source; ticks without a frame come after 10 ms, so that tests do not wait."""
    settings = CameraSettings(stall_s=stall_s, restart_after=restart_after)
    return LiveCamera("fake", source, clock, settings, keeps_state=keeps_state, tick_s=0.01)
