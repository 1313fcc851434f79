"""Faces -> how alike they are by the score that decides, and whether that is enough: the one place beside the matcher.

What is returned is a margin: the score less the threshold, as in events. It means the same with a cohort and without.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.domain import Vector
from node.people.matcher import GalleryMatcher, offsets
from node.people.person import Anchor
from node.people.scoring import Scoring
from node.vision.cohort import Cohort

UNCERTAIN = 0.1
"""Distance of a margin from 0 within which a name, or none, is a close call."""

_SAME_PERSON_FPIR = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Embeddings of one space, ready to be compared.

    Attributes:
        rows: shape (faces, n), float32, each of unit length.
        offsets: what is subtracted from the cosines of each, shape (faces,), float32; 0 without a cohort.
    """

    rows: npt.NDArray[np.float32]
    offsets: Vector

    @classmethod
    def of(cls, anchors: Sequence[Anchor], cohort: Cohort | None) -> "Faces":
        """Return those of anchors of one space, at least one."""
        return cls(np.stack([anchor.embedding for anchor in anchors]), offsets(anchors, cohort))

    def cosines(self, others: "Faces") -> npt.NDArray[np.float32]:
        """Return the cosine of each face with each other face, shape (faces, others), float32."""
        cosines: npt.NDArray[np.float32] = np.einsum("ij,kj->ik", self.rows, others.rows)  # not BLAS, as in `Cohort`
        return cosines

    def scores(self, others: "Faces") -> npt.NDArray[np.float32]:
        """Return the score of each face with each other face, shape (faces, others), float32."""
        scores: npt.NDArray[np.float32] = self.cosines(others) - self.offsets[:, np.newaxis] - others.offsets
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """How two faces are compared.

    Attributes:
        space: of the embeddings that can be compared.
        length: numbers of each of them.
        threshold: least score at which two faces count as one person's.
        cohort: of the network; None if the cosine alone decides.
    """

    space: str
    length: int
    threshold: float
    cohort: Cohort | None = None

    @classmethod
    def of(cls, scoring: Scoring, fpir: float, people: int) -> "Comparison":
        """Return the comparison by which a share of strangers would be taken for somebody.

        Args:
            scoring: how the embeddings of the network are compared.
            fpir: the share.
            people: how many are enrolled.

        Raises:
            ModelError: the thresholds lack this rate.
        """
        threshold = scoring.thresholds.cosine(fpir, people)
        return cls(scoring.head.space, scoring.head.length, threshold, scoring.cohort)

    def fits(self, embedding: Vector, space: str) -> bool:
        """Return whether an embedding of a space can be compared."""
        return space == self.space and embedding.shape == (self.length,)

    def faces(self, embeddings: Sequence[Vector]) -> Faces:
        """Return embeddings, each of shape (n,), float32, unit length, ready to be compared; at least one."""
        return Faces.of([Anchor(embedding, self.space, "") for embedding in embeddings], self.cohort)

    def anchors(self, anchors: Sequence[Anchor]) -> Faces | None:
        """Return those of some anchors that can be compared; None without any."""
        found = [anchor for anchor in anchors if self.fits(anchor.embedding, anchor.space)]
        return Faces.of(found, self.cohort) if found else None

    def margins(self, faces: Faces, others: Faces) -> npt.NDArray[np.float32]:
        """Return by how much the score of each face with each other face reaches the threshold.

        Returns:
            Shape (faces, others), float32; two faces count as one person's from 0 on.
        """
        margins: npt.NDArray[np.float32] = faces.scores(others) - np.float32(self.threshold)
        return margins


def same_person(scoring: Scoring) -> Comparison:
    """Return the comparison by which two faces may be of one person: where 1 % of strangers would be mistaken."""
    return Comparison.of(scoring, _SAME_PERSON_FPIR, 1)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The person whose faces are most like one.

    Attributes:
        person: the id.
        score: the cosine to the nearest face of that person.
        margin: by how much the score that decides reaches the threshold of a name; negative for a stranger.
    """

    person: str
    score: float
    margin: float


def nearest(matcher: GalleryMatcher, embedding: Vector) -> Nearest | None:
    """Return the person who is nearest to a face, shape (n,), float32, unit length; None without candidates."""
    found = matcher.scores(embedding)
    if not found:
        return None
    person = max(found, key=lambda each: found[each].margin)
    return Nearest(person, found[person].cosine, found[person].margin)
