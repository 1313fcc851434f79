"""A request of this machine for the view -> a JPEG of the next frame with its masks drawn, and its faces.

It never leaves the machine, so it does not depend on `publish.snapshots`. Privacy mode shows no frame, here neither.
"""

import base64
from collections.abc import Callable, Sequence

from node.contract.payloads import Fields
from node.domain import Box, CameraState, Frame, Instant
from node.errors import Reason
from node.people.inspection import InspectedFace
from node.requests.answer import Answer
from node.requests.local_request import TakeStill
from node.requests.view import View
from node.vision.jpeg import still_jpeg
from node.vision.masks import Masks
from node.vision.quality import Shortfall

_WAIT_S = 3.0
"""Seconds for which a request waits for a frame."""

Inspect = Callable[[Frame], Sequence[InspectedFace]]
"""Returns what the node makes of each face of a frame."""


class Stills:
    """Take stills, on the main loop's thread only.

    Args:
        masks: what is drawn on them.
        inspect: looks at the faces of a frame.
        recognizing: returns whether faces may be recognized now.
    """

    def __init__(
        self, masks: Masks, inspect: Inspect = lambda _: (), recognizing: Callable[[], bool] = lambda: True
    ) -> None:
        self._masks, self._inspect, self._recognizing = masks, inspect, recognizing
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
        fields = None if frame is None or view.problem else self._fields(frame)
        for answer, until_s in waiting:
            if fields is not None:
                answer.ok(fields)
            elif view.problem:
                answer.error(view.problem, _REASONS.get(view.camera))
            elif view.at.mono_s >= until_s:
                answer.error(f"the camera gives no frame within {_WAIT_S:g} s: try again", Reason.NO_FRAME)
            else:
                self._waiting.append((answer, until_s))

    def _fields(self, frame: Frame) -> Fields:
        recognizing, (height, width, _) = self._recognizing(), frame.image.shape
        faces = self._inspect(frame) if recognizing else ()
        return {
            "jpeg": base64.b64encode(still_jpeg(frame.image, self._masks)).decode(),
            "aspect": round(width / height, 4),
            "masks": len(self._masks),
            "recognition": "on" if recognizing else "off",
            "faces": [face_fields(each) for each in faces],
        }


_REASONS: dict[CameraState | None, Reason] = {CameraState.PRIVATE: Reason.PRIVATE, CameraState.LOST: Reason.CAMERA_LOST}


def face_fields(inspected: InspectedFace) -> Fields:
    """Return what is answered about a face of a frame."""
    match = inspected.match
    return {
        "box": box_fields(inspected.face.box),
        "masked": inspected.masked,
        "person": match.person if match else None,
        "score": round(match.score, 2) if match else None,
        "shortfalls": [shortfall_fields(each) for each in inspected.shortfalls],
    }


def box_fields(box: Box) -> list[float]:
    """Return a box as it is answered: left, top, width, height."""
    return [round(value, 4) for value in (box.left, box.top, box.width, box.height)]


def shortfall_fields(shortfall: Shortfall) -> Fields:
    """Return by how much a face fails a gate, as it is answered."""
    return {
        "flaw": str(shortfall.flaw),
        "what": shortfall.what,
        "measured": round(shortfall.measured, 2),
        "needed": round(shortfall.needed, 2),
    }
