"""A request of this machine for the view -> a JPEG of the next frame as the node looks at it, with its masks drawn.

It never leaves the machine, so it does not depend on `publish.snapshots`. Privacy mode shows no frame, here neither.
"""

import base64

from node.domain import Instant
from node.requests.answer import Answer
from node.requests.local_request import TakeStill
from node.requests.view import View
from node.vision.jpeg import still_jpeg
from node.vision.masks import Masks

_WAIT_S = 3.0
"""Seconds for which a request waits for a frame."""


class Stills:
    """Take stills, on the main loop's thread only.

    Args:
        masks: what is drawn on them.
    """

    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self._waiting: list[tuple[Answer, float]] = []

    def request(self, request: TakeStill, at: Instant, answer: Answer) -> None:
        """Take a request; `update` carries it out with the next frame."""
        del request
        self._waiting.append((answer, at.mono_s + _WAIT_S))

    def update(self, view: View) -> None:
        """Answer the requests if there is a frame, or a reason why there is none."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        frame = view.tick.frame
        jpeg = None if frame is None or view.problem else still_jpeg(frame.image, self._masks)
        for answer, until_s in waiting:
            if jpeg is not None:
                answer.ok({"jpeg": base64.b64encode(jpeg).decode(), "masks": len(self._masks)})
            elif view.problem or view.at.mono_s >= until_s:
                answer.error(view.problem or f"the camera gives no frame within {_WAIT_S:g} s: try again")
            else:
                self._waiting.append((answer, until_s))
