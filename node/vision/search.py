"""A tick -> the faces in its frame: detector, motion and throttle behind one call."""

from dataclasses import dataclass

from node.domain import Face, Tick
from node.vision.detector import Detector
from node.vision.motion import Motion
from node.vision.throttle import Heat


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to.

    Attributes:
        looked: whether the frame was looked at; False without a frame, and where the throttle left it out.
        faces: the faces, largest first; None where the frame was not searched, since nothing moved in it.
    """

    looked: bool
    faces: tuple[Face, ...] | None


NOTHING = Found(looked=False, faces=None)
"""What comes of a tick that is not looked at."""


class Search:
    """Find faces, without searching frames that need no search.

    Args:
        detector: finds the faces of a frame.
        motion: says which frames are searched while nobody is in view; None searches every frame.
        throttle: leaves frames out while the processor is too hot; None leaves none out.
    """

    def __init__(self, detector: Detector, motion: Motion | None = None, throttle: Heat | None = None) -> None:
        self._detector, self._motion, self._throttle = detector, motion, throttle

    def faces(self, tick: Tick, *, busy: bool) -> Found:
        """Return the faces in the frame of a tick.

        Args:
            tick: the moment, and its frame if there is one.
            busy: whether somebody is in view: then every frame is searched.
        """
        if tick.frame is None or (self._throttle and self._throttle.spares(tick.at)):
            return NOTHING
        if self._motion and not self._motion.opens(tick.at, tick.frame, busy=busy):
            return Found(looked=True, faces=None)
        return Found(looked=True, faces=self._detector.detect(tick.frame))
