"""A track -> the person it shows, a stranger, or somebody to be ignored. Pure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from node.domain import Match, Vector
from node.people.person import Person
from node.vision.sidecar import Classes


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

    Args:
        people: everybody enrolled.
        space: that of the embeddings to come; anchors of another are left out.
        threshold: least cosine that names somebody.
    """

    def __init__(self, people: Sequence[Person], space: str, threshold: float) -> None:
        owned = [(person, anchor.embedding) for person in people for anchor in person.anchors if anchor.space == space]
        self._owners = [person for person, _ in owned]
        self._anchors = np.stack([embedding for _, embedding in owned]) if owned else None
        self.threshold = threshold

    def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
        """Return the owner of the nearest anchor, or a stranger where it is further than the threshold."""
        del heads
        if self._anchors is None:
            return Match(None, 0.0)
        cosines = self._anchors @ embedding
        nearest = int(np.argmax(cosines))
        score = float(np.clip(cosines[nearest], -1, 1))
        if score < self.threshold:
            return Match(None, score)
        owner = self._owners[nearest]
        return Match(owner.id, score, owner.ignored)


class HeadMatcher:
    """The identity head decides: the closed set of people that the network was trained on.

    Args:
        classes: its labels, and the softmax score below which nobody is named.
    """

    def __init__(self, classes: Classes) -> None:
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
