"""An embedding -> the person it shows, a stranger, or an ignored person. Pure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from node.domain import Match, Vector
from node.people.person import Anchor, Person
from node.vision.sidecar import ClassificationHead


class Matcher(Protocol):
    """Decides about identity: by the gallery or by the network's closed set, never both."""

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return the person that a face shows, or a stranger.

        Args:
            embedding: shape (n,), float32, unit length.
            heads: softmax scores by head, shape (classes,), float32.
        """
        ...


class GalleryMatcher:
    """Decides by the nearest anchor, if it is near enough.

    A person whose negative anchors are nearer than their anchors is not a candidate, and the next person is considered.

    Args:
        people: everybody enrolled.
        space: of the embeddings to match; anchors of other spaces are ignored.
        threshold: least cosine that names somebody.
    """

    def __init__(self, people: Sequence[Person], space: str, threshold: float) -> None:
        self._people = [person for person in people if _in_space(person.anchors, space)]
        self._positive = _AnchorMatrix([_in_space(person.anchors, space) for person in self._people])
        self._negative = _AnchorMatrix([_in_space(person.negatives, space) for person in self._people])
        self._ignored = {person.id for person in self._people if person.ignored}
        self.threshold = threshold

    def scores(self, embedding: Vector) -> dict[str, float]:
        """Return the cosine to the nearest anchor of each candidate, by id."""
        positive, negative = self._positive.nearest(embedding), self._negative.nearest(embedding)
        return {
            person.id: float(np.clip(score, -1, 1))
            for person, score, against in zip(self._people, positive, negative, strict=True)
            if score > against
        }

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return the nearest person, or a stranger if their score is below the threshold."""
        del heads
        scores = self.scores(embedding)
        if not scores:
            return Match(None, 0.0)
        nearest = max(scores, key=scores.__getitem__)
        if scores[nearest] < self.threshold:
            return Match(None, scores[nearest])
        return Match(nearest, scores[nearest], nearest in self._ignored)


class HeadMatcher:
    """Decides by the identity head: the closed set of people that the network was trained on.

    Args:
        head: its labels, and the softmax score below which nobody is named.
    """

    def __init__(self, head: ClassificationHead) -> None:
        self._head = head

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return the label with the highest score, or a stranger if that is below the reject score."""
        del embedding
        scores = heads["identity"]
        best = int(np.argmax(scores))
        score = float(scores[best])
        if score < (self._head.reject or 0.0):
            return Match(None, score)
        return Match(self._head.labels[best], score)


class _AnchorMatrix:
    """The anchors of everybody stacked in one matrix, so that one product compares a face with all of them."""

    def __init__(self, anchors: Sequence[Sequence[Anchor]]) -> None:
        counts = np.array([len(own) for own in anchors], dtype=np.int64)
        self._nonempty = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._nonempty]
        rows = [anchor.embedding for own in anchors for anchor in own]
        self._rows = np.stack(rows) if rows else None
        self._people = len(counts)

    def nearest(self, embedding: Vector) -> npt.NDArray[np.float32]:
        """Return the highest cosine to the anchors of each person, shape (people,), float32; -inf without anchors."""
        found = np.full(self._people, -np.inf, dtype=np.float32)
        if self._rows is not None:
            found[self._nonempty] = np.maximum.reduceat(self._rows @ embedding, self._starts)
        return found


def _in_space(anchors: Sequence[Anchor], space: str) -> list[Anchor]:
    return [anchor for anchor in anchors if anchor.space == space]
