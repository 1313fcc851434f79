"""The anchors of everybody -> whether they tell these people apart. Pure.

The test leaves one anchor out at a time and matches it against all others, with the node's own matcher and threshold.
What would help is in `node.people.advice`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from node.people.likeness import Faces
from node.people.matcher import GalleryMatcher, Score, in_space
from node.people.person import Person
from node.vision.cohort import Cohort


@dataclass(frozen=True, slots=True)
class Similarity:
    """The two most similar faces of two people.

    Attributes:
        people: the two ids.
        sources: where the two faces come from, in the same order.
        score: their cosine, and by how much the score that decides reaches the threshold.
    """

    people: tuple[str, str]
    sources: tuple[str, str]
    score: Score


@dataclass(frozen=True, slots=True)
class AnchorResult:
    """The result for one anchor that was left out.

    Attributes:
        source: where the anchor comes from.
        identified_as: whom the other anchors name; None for nobody.
        score: how alike it is to the other anchors of its own person; None if the person is not a candidate.
    """

    source: str
    identified_as: str | None
    score: Score | None


@dataclass(frozen=True, slots=True)
class PersonResult:
    """The result for one person.

    Attributes:
        person: the id.
        anchors: the result for each anchor that can be compared.
        incomparable: number of anchors of another network.
    """

    person: str
    anchors: tuple[AnchorResult, ...]
    incomparable: int

    @property
    def recognized(self) -> int:
        """Number of anchors that are recognized by the others."""
        return sum(anchor.identified_as == self.person for anchor in self.anchors)

    @property
    def lowest_score(self) -> Score | None:
        """The lowest score of an anchor to the others; None without others."""
        known = (anchor.score for anchor in self.anchors if anchor.score is not None)
        return min(known, key=lambda score: score.margin, default=None)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the self-test.

    Attributes:
        threshold: least score that names somebody.
        people: one result a person.
        similarities: of every two people, the most alike first.
    """

    threshold: float
    people: tuple[PersonResult, ...]
    similarities: tuple[Similarity, ...]

    def most_similar(self, person: str) -> tuple[str, Score] | None:
        """Return who is most similar to a person, and the score; None without anybody else."""
        for similarity in self.similarities:
            if person in similarity.people:
                first, second = similarity.people
                return (second if first == person else first), similarity.score
        return None


@dataclass(frozen=True, slots=True)
class Stranger:
    """A person who is not enrolled, as the node would see them.

    Attributes:
        photo: the photo.
        person: who is nearest; None without candidates.
        score: how alike they are to that person; None without candidates.
    """

    photo: str
    person: str | None
    score: Score | None

    @property
    def margin(self) -> float:
        """By how much they reach the threshold; -inf without candidates."""
        return float("-inf") if self.score is None else self.score.margin

    @property
    def named(self) -> bool:
        """Whether they would be called by that name."""
        return self.margin >= 0


def examine(people: Sequence[Person], space: str, threshold: float, cohort: Cohort | None = None) -> Report:
    """Return how well the network tells people apart.

    Args:
        people: everybody enrolled.
        space: of the network; anchors of other spaces count as incomparable.
        threshold: least score that names somebody in a gallery of this size.
        cohort: of the network; None if the cosine alone decides.
    """
    rows = tuple(_row(number, people, space, threshold, cohort) for number in range(len(people)))
    return Report(threshold, rows, _similarities(people, space, threshold, cohort))


def _row(number: int, people: Sequence[Person], space: str, threshold: float, cohort: Cohort | None) -> PersonResult:
    person = people[number]
    anchors = []
    for anchor in in_space(person.anchors, space):
        rest = replace(person, anchors=tuple(other for other in person.anchors if other is not anchor))
        matcher = GalleryMatcher([*people[:number], rest, *people[number + 1 :]], space, threshold, cohort)
        named = matcher.match(anchor.embedding, {}).person
        anchors.append(AnchorResult(anchor.source, named, matcher.scores(anchor.embedding).get(person.id)))
    return PersonResult(person.id, tuple(anchors), len(person.anchors) - len(anchors))


def _similarities(
    people: Sequence[Person], space: str, threshold: float, cohort: Cohort | None
) -> tuple[Similarity, ...]:
    known = [(person.id, own) for person in people if (own := in_space(person.anchors, space))]
    faces = [Faces.of(own, cohort) for _, own in known]
    found = []
    for a, (first, ours) in enumerate(known):
        for b, (second, theirs) in enumerate(known[:a]):
            cosines, scores = faces[a].cosines(faces[b]), faces[a].scores(faces[b])
            i, j = np.unravel_index(int(np.argmax(scores)), scores.shape)
            score = Score(float(np.clip(cosines[i, j], -1, 1)), float(scores[i, j]) - threshold)
            found.append(Similarity((second, first), (theirs[j].source, ours[i].source), score))
    return tuple(sorted(found, key=lambda similarity: -similarity.score.margin))
