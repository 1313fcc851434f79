"""A network's sidecar and cohort -> how its embeddings are compared, and from which score on they show one person."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.domain import Vector
from node.people.matcher import GalleryMatcher, Probe
from node.people.person import Person
from node.vision.cohort import Cohort
from node.vision.sidecar import EmbeddingHead, Sidecar, Thresholds


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """How the embeddings of one network are compared.

    Attributes:
        head: the head that gives them.
        thresholds: of the score that decides.
        cohort: what that score is normalized with; None if the cosine decides.
    """

    head: EmbeddingHead
    thresholds: Thresholds
    cohort: Cohort | None = None

    @classmethod
    def of(cls, sidecar: Sidecar, cohort: Cohort | None) -> "Scoring":
        """Return that of a network, with the thresholds that belong to its cohort, or to the cosine without one."""
        described = sidecar.cohort
        thresholds = sidecar.thresholds if cohort is None or described is None else described.thresholds
        return cls(sidecar.heads.embedding, thresholds, cohort)

    def matcher(self, people: Sequence[Person], max_fpir: float) -> GalleryMatcher:
        """Return the matcher over these people, with the threshold for a gallery of this size.

        Args:
            people: everybody enrolled.
            max_fpir: greatest share of strangers called by a name.

        Raises:
            ModelError: the thresholds lack this rate.
        """
        threshold = self.thresholds.cosine(max_fpir, len(people))
        return GalleryMatcher(people, self.head.space, threshold, self.cohort)

    def probe(self, embedding: Vector) -> Probe:
        """Return an embedding, shape (n,), float32, unit length, ready to be scored against others."""
        return Probe.of(embedding, self.cohort)
