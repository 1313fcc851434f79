"""The anchors of everybody -> whether they tell these people apart, and what would help. Pure.

The test leaves one anchor out at a time and matches it against all others, with the node's own matcher and threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from node.domain import counted
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person

ENOUGH_FACES = 3
"""Faces per person that the self-test considers enough."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """The two most similar faces of two people.

    Attributes:
        people: the two ids.
        sources: where the two faces come from, in the same order.
        score: their cosine.
    """

    people: tuple[str, str]
    sources: tuple[str, str]
    score: float


@dataclass(frozen=True, slots=True)
class AnchorResult:
    """The result for one anchor that was left out.

    Attributes:
        source: where the anchor comes from.
        identified_as: whom the other anchors name; None for nobody.
        score: cosine to the nearest other anchor of its own person; None if the person is not a candidate.
    """

    source: str
    identified_as: str | None
    score: float | None


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
    def lowest_score(self) -> float | None:
        """The lowest score of an anchor to the others; None without others."""
        return min((anchor.score for anchor in self.anchors if anchor.score is not None), default=None)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the self-test.

    Attributes:
        threshold: least cosine that names somebody.
        rows: one a person.
        similarities: of every two people, the most alike first.
    """

    threshold: float
    people: tuple[PersonResult, ...]
    similarities: tuple[Similarity, ...]

    def most_similar(self, person: str) -> tuple[str, float] | None:
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
        score: cosine to that person.
        named: whether the score is high enough to call them by that name.
    """

    photo: str
    person: str | None
    score: float
    named: bool


def examine(people: Sequence[Person], space: str, threshold: float) -> Report:
    """Return how well the network tells people apart.

    Args:
        people: everybody enrolled.
        space: of the network; anchors of other spaces count as incomparable.
        threshold: least cosine that names somebody in a gallery of this size.
    """
    rows = tuple(_row(number, people, space, threshold) for number in range(len(people)))
    return Report(threshold, rows, _similarities(people, space))


def advise(report: Report, strangers: Sequence[Stranger] = ()) -> tuple[str, ...]:
    """Return what would help, one sentence each; empty if nothing needs attention."""
    lines = [line for row in report.people for line in _advise_person(row)]
    for similarity in report.similarities:
        if similarity.score >= report.threshold:
            (a, b), (first, second) = similarity.people, similarity.sources
            lines.append(
                f"{a} and {b} look alike to the network ({similarity.score:.2f}: {first} and {second}): if one photo "
                f"shows the wrong person, enroll that person again without it; otherwise add photos of both"
            )
    lines += [
        f"{stranger.photo}: a stranger is called {stranger.person} ({stranger.score:.2f}): check the photos of "
        f"{stranger.person}, or lower people.max_fpir"
        for stranger in strangers
        if stranger.named
    ]
    return tuple(lines)


def _advise_person(row: PersonResult) -> list[str]:
    lines = []
    if row.incomparable:
        lines.append(
            f"{row.person}: {counted(row.incomparable, 'face')} enrolled with another network, not comparable: "
            "add those photos again"
        )
    count = len(row.anchors)
    if count < ENOUGH_FACES:
        lines.append(
            f"{row.person}: {counted(count, 'face')} known: "
            f"add {ENOUGH_FACES - count} or more in another light and pose"
        )
    for anchor in row.anchors if count > 1 else ():
        if anchor.identified_as is None:
            score = "" if anchor.score is None else f" ({anchor.score:.2f})"
            lines.append(
                f"{row.person}: {anchor.source} is not recognized by the other photos{score}: add photos like it, or "
                f"enroll {row.person} again without it if it shows somebody else"
            )
        elif anchor.identified_as != row.person:
            lines.append(
                f"{row.person}: {anchor.source} is taken for {anchor.identified_as}: if it shows "
                f"{anchor.identified_as}, enroll {row.person} again without it; otherwise add photos like it"
            )
    return lines


def _row(number: int, people: Sequence[Person], space: str, threshold: float) -> PersonResult:
    person = people[number]
    anchors = []
    for anchor in person.anchors:
        if anchor.space == space:
            rest = replace(person, anchors=tuple(other for other in person.anchors if other is not anchor))
            matcher = GalleryMatcher([*people[:number], rest, *people[number + 1 :]], space, threshold)
            named = matcher.match(anchor.embedding, {}).person
            anchors.append(AnchorResult(anchor.source, named, matcher.scores(anchor.embedding).get(person.id)))
    return PersonResult(person.id, tuple(anchors), len(person.anchors) - len(anchors))


def _similarities(people: Sequence[Person], space: str) -> tuple[Similarity, ...]:
    known: list[tuple[str, list[Anchor]]] = []
    for person in people:
        own = [anchor for anchor in person.anchors if anchor.space == space]
        if own:
            known.append((person.id, own))
    rows = [np.stack([anchor.embedding for anchor in own]) for _, own in known]
    found = []
    for a, (first, ours) in enumerate(known):
        for b, (second, theirs) in enumerate(known[:a]):
            cosines = rows[a] @ rows[b].T
            i, j = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
            sources = (theirs[j].source, ours[i].source)
            found.append(Similarity((second, first), sources, float(np.clip(cosines[i, j], -1, 1))))
    return tuple(sorted(found, key=lambda similarity: -similarity.score))
