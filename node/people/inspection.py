"""A frame -> what the node makes of each face in it: who it is, or by how much it fails the gates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from node.domain import Face, Frame, Match
from node.people.enrolment import FaceDetector
from node.people.matcher import Matcher
from node.vision.masks import Masks
from node.vision.quality import Shortfall
from node.vision.recognizer import Recognizer

MAX_FACES = 16
"""Most faces of a frame that are inspected, the largest."""


@dataclass(frozen=True, slots=True)
class InspectedFace:
    """A face, and what the node makes of it.

    Attributes:
        face: the face.
        masked: whether it is in a part of the view that is not looked at; then nothing else is known of it.
        match: who it is; None if it is no evidence of who it is.
        shortfalls: by how much it fails the gates.
    """

    face: Face
    masked: bool = False
    match: Match | None = None
    shortfalls: tuple[Shortfall, ...] = ()


class Inspector:
    """Inspect single frames for their owner, one at a time and only when asked: each takes as long as a busy frame.

    Args:
        detector: finds faces.
        recognizer: runs the network on them.
        matcher: returns what decides about identity now.
        masks: the parts of the view that are not looked at.
    """

    def __init__(
        self, detector: FaceDetector, recognizer: Recognizer, matcher: Callable[[], Matcher], masks: Masks
    ) -> None:
        self._detector, self._recognizer, self._matcher, self._masks = detector, recognizer, matcher, masks

    def inspect(self, frame: Frame) -> Sequence[InspectedFace]:
        """Return the faces of a frame, the largest first."""
        faces = self._detector.detect(frame)[:MAX_FACES]
        visible = self._masks.visible(faces)
        return [self._inspect(frame, face) if face in visible else InspectedFace(face, masked=True) for face in faces]

    def _inspect(self, frame: Frame, face: Face) -> InspectedFace:
        look = self._recognizer.look(frame.image, face)
        if look.embedding is None:
            return InspectedFace(face, shortfalls=self._recognizer.shortfalls(frame.image, face))
        return InspectedFace(face, match=self._matcher().match(look.embedding, look.heads))
