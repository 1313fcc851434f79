"""A tick -> the faces in its frame: detector, motion, throttle and tracked search behind one call."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.domain import Face, Frame, Instant, Tick, Track
from node.vision.detector import Detector
from node.vision.masks import NO_MASKS, Masks
from node.vision.motion import Motion
from node.vision.throttle import Throttle
from node.vision.tracked_search import TrackedSearch


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        looked: whether the frame was processed; False without a frame, and if the throttle skipped it.
        faces: the faces that are not masked, largest first; None if the frame was not searched, because nothing moved
            in it.
    """

    looked: bool
    faces: tuple[Face, ...] | None


NOTHING = Found(looked=False, faces=None)
"""The result for a tick whose frame is not processed."""


class Search:
    """Finds faces, but skips frames and parts of frames that need no search.

    Args:
        detector: finds the faces of a frame.
        motion: decides which frames are searched while nobody is in view; None: every frame.
        throttle: skips frames while the processor is too hot; None: never.
        tracked: decides where a frame is searched while somebody is in view; None: everywhere.
        masks: the parts of the view whose faces are left out.
    """

    def __init__(
        self,
        detector: Detector,
        motion: Motion | None = None,
        throttle: Throttle | None = None,
        tracked: TrackedSearch | None = None,
        masks: Masks = NO_MASKS,
    ) -> None:
        self._detector, self._motion, self._throttle, self._tracked = detector, motion, throttle, tracked
        self._masks = masks

    def faces(self, tick: Tick, tracks: Sequence[Track]) -> Found:
        """Return the faces in the frame of a tick.

        Args:
            tick: the moment, and its frame if there is one.
            tracks: whoever is in view, as of the tick before; with somebody in view every frame is searched.
        """
        if tick.frame is None or (self._throttle and self._throttle.skips(tick.at)):
            return NOTHING
        if self._motion and not self._motion.needs_search(tick.at, tick.frame, anyone_in_view=bool(tracks)):
            return Found(looked=True, faces=None)
        return Found(looked=True, faces=self._search(tick.at, tick.frame, tracks))

    def _search(self, at: Instant, frame: Frame, tracks: Sequence[Track]) -> tuple[Face, ...]:
        if self._tracked is None:
            return self._everywhere(frame)
        regions = self._tracked.regions(at, frame, tracks, self._detector.searched_size(frame))
        faces = None
        if regions:
            # A masked face that a region cuts is no reason to search everywhere.
            found = self._detector.detect_in(frame, regions)
            faces = self._tracked.faces([self._masks.visible(each) for each in found])
        if faces is None:
            faces = self._everywhere(frame)
            self._tracked.searched_everywhere(at, frame, faces)
        return faces

    def _everywhere(self, frame: Frame) -> tuple[Face, ...]:
        return self._masks.visible(self._detector.detect(frame))
