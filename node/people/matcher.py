"""An embedding -> the person it shows, a stranger, or an ignored person. Pure.

What decides is a score. Without a cohort it is the cosine of two embeddings. With one it is the cosine less what is
usual for the two faces, so that a threshold means the same for every kind of face (`node.vision.cohort`):

    score(a, b) = cos(a, b) - weight * (usual(a) + usual(b)) / 2
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from node.domain import Match, Vector
from node.people.person import Anchor, Person
from node.vision.cohort import Cohort
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


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """An embedding, ready to be scored against others of its space.

    Attributes:
        embedding: shape (n,), float32, unit length.
        offset: what is subtracted from its cosines; 0 without a cohort.
    """

    embedding: Vector
    offset: float = 0.0

    @classmethod
    def of(cls, embedding: Vector, cohort: Cohort | None) -> "Probe":
        """Return the probe of an embedding, shape (n,), float32, unit length."""
        if cohort is None:
            return cls(embedding)
        return cls(embedding, cohort.weight / 2 * float(cohort.usual(embedding[np.newaxis])[0]))

    def score(self, other: "Probe") -> float:
        """Return the score that decides whether two probes show one person."""
        return float(self.embedding @ other.embedding) - self.offset - other.offset


@dataclass(frozen=True, slots=True)
class Score:
    """How alike a face is to a person.

    Attributes:
        cosine: to the nearest anchor of the person.
        margin: the score that decides less the threshold: the person is a match from 0 on.
    """

    cosine: float
    margin: float


class GalleryMatcher:
    """Decides by the anchor with the highest score, if that reaches the threshold.

    A person whose negative anchors have a higher score than their anchors is not a candidate, and the next person is
    considered.

    Args:
        people: everybody enrolled.
        space: of the embeddings to match; anchors of other spaces are ignored.
        threshold: least score that names somebody.
        cohort: of the network; None if the cosine alone decides.
    """

    def __init__(self, people: Sequence[Person], space: str, threshold: float, cohort: Cohort | None = None) -> None:
        self._people = [person for person in people if in_space(person.anchors, space)]
        self._positive = _AnchorMatrix([in_space(person.anchors, space) for person in self._people], cohort)
        self._negative = _AnchorMatrix([in_space(person.negatives, space) for person in self._people], cohort)
        self._ignored = {person.id for person in self._people if person.ignored}
        self.threshold, self._cohort = threshold, cohort

    def scores(self, embedding: Vector) -> dict[str, Score]:
        """Return how alike a face is to each candidate, by id."""
        if not self._people:
            return {}
        offset = Probe.of(embedding, self._cohort).offset
        (cosines, positive), (_, negative) = self._positive.nearest(embedding), self._negative.nearest(embedding)
        return {
            person.id: Score(float(np.clip(cosine, -1, 1)), float(score) - offset - self.threshold)
            for person, cosine, score, against in zip(self._people, cosines, positive, negative, strict=True)
            if score > against
        }

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return the person with the highest score, or a stranger if it is below the threshold."""
        del heads
        scores = self.scores(embedding)
        if not scores:
            return Match(None, 0.0)
        nearest = max(scores, key=lambda person: scores[person].margin)
        cosine, margin = scores[nearest].cosine, scores[nearest].margin
        if margin < 0:
            return Match(None, cosine, margin=margin)
        return Match(nearest, cosine, nearest in self._ignored, margin)


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

    def __init__(self, anchors: Sequence[Sequence[Anchor]], cohort: Cohort | None) -> None:
        counts = np.array([len(own) for own in anchors], dtype=np.int64)
        self._nonempty = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._nonempty]
        everything = [anchor for own in anchors for anchor in own]
        self._rows = np.stack([anchor.embedding for anchor in everything]) if everything else None
        self._offsets = offsets(everything, cohort)
        self._people = len(counts)

    def nearest(self, embedding: Vector) -> tuple[Vector, Vector]:
        """Return the highest cosine and the highest score to the anchors of each person; -inf without anchors.

        The offset of the embedding itself, which is the same for everybody, is not subtracted.
        """
        cosines, scores = np.full((2, self._people), -np.inf, dtype=np.float32)
        if self._rows is not None:
            found = np.einsum("ij,j->i", self._rows, embedding)  # not BLAS, as in `Cohort.usual`
            cosines[self._nonempty] = np.maximum.reduceat(found, self._starts)
            scores[self._nonempty] = np.maximum.reduceat(found - self._offsets, self._starts)
        return cosines, scores


def offsets(anchors: Sequence[Anchor], cohort: Cohort | None) -> Vector:
    """Return what is subtracted from the cosines of each anchor, shape (anchors,), float32; 0 without a cohort."""
    if cohort is None:
        return np.zeros(len(anchors), np.float32)
    return np.float32(cohort.weight / 2) * usual(anchors, cohort)


def usual(anchors: Sequence[Anchor], cohort: Cohort) -> Vector:
    """Return what is usual for each anchor, shape (anchors,), float32; compute it where the anchor does not have it."""
    found = np.array([np.nan if anchor.usual is None else anchor.usual for anchor in anchors], np.float32)
    if missing := [number for number, anchor in enumerate(anchors) if anchor.usual is None]:
        found[missing] = cohort.usual(np.stack([anchors[number].embedding for number in missing]))
    return found


def in_space(anchors: Sequence[Anchor], space: str) -> list[Anchor]:
    """Return the anchors of a space: only they can be compared."""
    return [anchor for anchor in anchors if anchor.space == space]
