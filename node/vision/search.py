"""A tick -> the faces in its frame: detector, motion and throttle behind one call."""

from dataclasses import dataclass

from node.domain import Face, Tick
from node.vision.detector import Detector
from node.vision.motion import Motion
from node.vision.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        looked: whether the frame was processed; False without a frame, and if the throttle skipped it.
        faces: the faces, largest first; None if the frame was not searched, because nothing moved in it.
    """

    looked: bool
    faces: tuple[Face, ...] | None


NOTHING = Found(looked=False, faces=None)
"""The result for a tick whose frame is not processed."""


class Search:
    """Finds faces, but skips frames that need no search.

    Args:
        detector: finds the faces of a frame.
        motion: decides which frames are searched while nobody is in view; None: every frame.
        throttle: skips frames while the processor is too hot; None: never.
    """

    def __init__(self, detector: Detector, motion: Motion | None = None, throttle: Throttle | None = None) -> None:
        self._detector, self._motion, self._throttle = detector, motion, throttle

    def faces(self, tick: Tick, *, anyone_in_view: bool) -> Found:
        """Return the faces in the frame of a tick.

        Args:
            tick: the moment, and its frame if there is one.
            anyone_in_view: whether somebody is in view; then every frame is searched.
        """
        if tick.frame is None or (self._throttle and self._throttle.skips(tick.at)):
            return NOTHING
        if self._motion and not self._motion.needs_search(tick.at, tick.frame, anyone_in_view=anyone_in_view):
            return Found(looked=True, faces=None)
        return Found(looked=True, faces=self._detector.detect(tick.frame))
