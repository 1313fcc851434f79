"""A track -> the person it shows, a stranger, or somebody to be ignored. Pure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from node.domain import Match, Vector
from node.people.person import Anchor, Person
from node.vision.sidecar import ClassificationHead


class Matcher(Protocol):
    """Who decides about identity: the gallery, or the network's closed set; never both."""

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return whom a face belongs to.

        Args:
            embedding: shape (n,), float32, unit length.
            heads: softmax scores by head, shape (classes,), float32.
        """
        ...


class GalleryMatcher:
    """The nearest anchor decides, if it is near enough.

    Somebody who is nearer by what is known not to be them (a negative anchor) than by what is known to be them is out
    of the question, and the next person is considered.

    Args:
        people: everybody enrolled.
        space: that of the embeddings to come; anchors of another are left out.
        threshold: least cosine that names somebody.
    """

    def __init__(self, people: Sequence[Person], space: str, threshold: float) -> None:
        self._people = [person for person in people if _within(person.anchors, space)]
        self._positive = _Rows([_within(person.anchors, space) for person in self._people])
        self._negative = _Rows([_within(person.negatives, space) for person in self._people])
        self._ignored = {person.id for person in self._people if person.ignored}
        self.threshold = threshold

    def scores(self, embedding: Vector) -> dict[str, float]:
        """Return the cosine to the nearest anchor of everybody who is in question, by id."""
        positive, negative = self._positive.nearest(embedding), self._negative.nearest(embedding)
        return {
            person.id: float(np.clip(score, -1, 1))
            for person, score, against in zip(self._people, positive, negative, strict=True)
            if score > against
        }

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return who is nearest, or a stranger where that is further than the threshold."""
        del heads
        scores = self.scores(embedding)
        if not scores:
            return Match(None, 0.0)
        nearest = max(scores, key=scores.__getitem__)
        if scores[nearest] < self.threshold:
            return Match(None, scores[nearest])
        return Match(nearest, scores[nearest], nearest in self._ignored)


class HeadMatcher:
    """The identity head decides: the closed set of people that the network was trained on.

    Args:
        classes: its labels, and the softmax score below which nobody is named.
    """

    def __init__(self, classes: ClassificationHead) -> None:
        self._classes = classes

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return the label with the highest score, or a stranger where that is below the reject score."""
        del embedding
        scores = heads["identity"]
        best = int(np.argmax(scores))
        score = float(scores[best])
        if score < (self._classes.reject or 0.0):
            return Match(None, score)
        return Match(self._classes.labels[best], score)


class _Rows:
    """The anchors of each person under each other, so that one product compares a face with all of them."""

    def __init__(self, anchors: Sequence[Sequence[Anchor]]) -> None:
        counts = np.array([len(own) for own in anchors], dtype=np.int64)
        self._some = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._some]
        rows = [anchor.embedding for own in anchors for anchor in own]
        self._rows = np.stack(rows) if rows else None
        self._people = len(counts)

    def nearest(self, embedding: Vector) -> npt.NDArray[np.float32]:
        """Return the greatest cosine to each person's anchors, shape (people,); minus infinity where there is none."""
        found = np.full(self._people, -np.inf, dtype=np.float32)
        if self._rows is not None:
            found[self._some] = np.maximum.reduceat(self._rows @ embedding, self._starts)
        return found


def _within(anchors: Sequence[Anchor], space: str) -> list[Anchor]:
    return [anchor for anchor in anchors if anchor.space == space]
