"""Fakes of cameras for tests: a clock set by hand, a clip played for ever, and a source that does as it is told."""

import queue
import threading
from collections import deque
from datetime import timedelta
from pathlib import Path

import numpy as np
from makers import START

from node.camera.live import LiveCamera
from node.camera.video import VideoFile
from node.clock import Clock
from node.domain import Frame, Image, Instant
from node.errors import CameraError
from node.settings import CameraSettings

DEADLINE_S = 10.0
"""Within which whatever a test waits for must have happened, also on a busy machine."""


class HandClock:
    """A clock that stands still until it is moved; for any thread."""

    def __init__(self, mono_s: float = 1000.0) -> None:
        self._mono_s = mono_s
        self._lock = threading.Lock()

    def now(self) -> Instant:
        """Return the moment it was moved to."""
        with self._lock:
            return Instant(START + timedelta(seconds=self._mono_s), self._mono_s, synced=True)

    def advance(self, by_s: float) -> None:
        """Move it on."""
        with self._lock:
            self._mono_s += by_s


class Reel:
    """A clip shown in a loop at 100 frames a second, as a live source."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = VideoFile(path)
        self._pace = threading.Event()  # never set: its wait is the time between two frames of a camera

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
        """Let go of the file."""
        self._file.close()


Cue = Image | Exception | None


class Stage:
    """An opener and source in one: a read gives the next cue (picture, error, or None for the end) or hangs."""

    def __init__(self, *cues: Cue, refusals: tuple[Exception, ...] = ()) -> None:
        self.openings = 0
        self.closings = 0
        self._refusals = deque(refusals)
        self._reads = 0
        self._cues: queue.SimpleQueue[Cue] = queue.SimpleQueue()
        self._told = threading.Condition()
        self.show(*cues)

    def show(self, *cues: Cue) -> None:
        """Add cues; a read that hangs goes on."""
        for cue in cues:
            self._cues.put(cue)

    def refuse(self, *errors: Exception) -> None:
        """Let the next openings fail."""
        self._refusals.extend(errors)

    def wait_reads(self, count: int) -> None:
        """Wait until this many reads have begun, so until one less has been handed over."""
        with self._told:
            assert self._told.wait_for(lambda: self._reads >= count, DEADLINE_S), f"{self._reads} reads, not {count}"

    def wait_closings(self, count: int) -> None:
        """Wait until the source was closed this often."""
        with self._told:
            assert self._told.wait_for(lambda: self.closings >= count, DEADLINE_S), f"closed {self.closings} times"

    def __call__(self) -> "Stage":
        """Open it, unless this opening is refused."""
        self.openings += 1
        if self._refusals:
            raise self._refusals.popleft()
        return self

    def read(self) -> Frame | None:
        """Return the next cue as a frame, or raise it."""
        with self._told:
            self._reads += 1
            self._told.notify_all()
        cue = self._cues.get(timeout=DEADLINE_S)
        if isinstance(cue, Exception):
            raise cue
        return None if cue is None else Frame(cue)

    def close(self) -> None:
        """Count the closing."""
        with self._told:
            self.closings += 1
            self._told.notify_all()


def picture(grey: int = 0) -> Image:
    """Return a small picture of one brightness, to be told from others by it."""
    return np.full((4, 6, 3), grey, np.uint8)


def refusal(number: int = 0) -> CameraError:
    """Return an error as an opener raises it."""
    return CameraError(f"fake: cannot be opened ({number}): look behind the stage")


def fake_camera(stage: Stage, clock: Clock, *, stall_s: float = 10.0, restart_after: int = 3) -> LiveCamera:
    """Return a live camera on a stage; frameless ticks come after 10 ms, so that no test waits for them."""
    settings = CameraSettings(stall_s=stall_s, restart_after=restart_after)
    return LiveCamera("fake", stage, clock, settings, tick_s=0.01)
