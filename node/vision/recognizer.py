"""A frame and the tracks that are due -> a look at each: flaws, embedding, scores of the heads."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from node.domain import Face, Flaw, Frame, Image, Look, Track
from node.vision.aligner import Aligner
from node.vision.orientation import Orientation, OrientationMeter
from node.vision.orientation_memory import OrientationMemory
from node.vision.quality import Gates, Shortfall, can_be_oriented, flaws, measure, shortfalls, tilt, weight
from node.vision.tflite import Network


class Recognizer:
    """The aligner, the gates and the network behind one call.

    Args:
        network: with an embedding head.
        orientation: measures whether a face is upright.
        gates: the bounds of a usable look.
        heads: names of the heads whose scores are wanted; scores of the others are dropped at once.
    """

    def __init__(self, network: Network, orientation: OrientationMeter, gates: Gates, heads: Iterable[str]) -> None:
        expected = network.sidecar.input
        self._network = network
        self._orientation, self._orientations = orientation, OrientationMemory()
        self._gates = gates
        self._heads = tuple(head for head in heads if head in network.sidecar.heads.lengths)
        self.aligner = Aligner(expected.alignment.points, expected.size)

    def recognize(self, frame: Frame | None, tracks: Iterable[Track]) -> Mapping[int, Look]:
        """Return a look by track number; the network does not run on unusable looks.

        How a face is turned is measured again only after `orientation_memory.EVERY_S`.
        """
        if frame is None:
            return {}
        image = frame.image

        def look(track: Track) -> Look:
            measure = partial(self._orientation.measure, image, track.face)
            return self._look(image, track.face, lambda: self._orientations.of(track, measure))

        return {track.number: look(track) for track in tracks}

    def look(self, image: Image, face: Face, *, include_unusable: bool = False) -> Look:
        """Return a look at one face of an image.

        Args:
            image: full resolution, shape (height, width, 3), uint8, RGB.
            face: one of its faces.
            include_unusable: also run the network on an unusable look.
        """
        measure = partial(self._orientation.measure, image, face)
        return self._look(image, face, measure, include_unusable=include_unusable)

    def shortfalls(self, image: Image, face: Face) -> tuple[Shortfall, ...]:
        """Return by how much a face fails the gates, for its owner to see; empty if it is usable."""
        quality = measure(face, image, self.aligner.align(image, face))
        found = shortfalls(quality, self._gates)
        if can_be_oriented(flaws(quality, self._gates)):
            orientation = self._orientation.measure(image, face)
            if tilt(orientation, self._gates):
                found += (Shortfall(Flaw.TILT, "tilted", orientation.lead, self._gates.min_upright),)
        return found

    def _look(
        self, image: Image, face: Face, orient: Callable[[], Orientation], *, include_unusable: bool = False
    ) -> Look:
        aligned = self.aligner.align(image, face)
        quality = measure(face, image, aligned)
        failed, turn = flaws(quality, self._gates), None
        if can_be_oriented(failed):
            orientation = orient()
            failed, turn = failed + tilt(orientation, self._gates), orientation.turn
        if failed and not include_unusable:
            return Look(face, failed, crop=aligned.crop, turn=turn)
        outputs = self._network.infer(aligned.crop)
        heads = {head: outputs[head] for head in self._heads}
        return Look(face, failed, outputs["embedding"], heads, weight(quality), aligned.crop, turn)
