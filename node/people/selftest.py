"""The anchors of everybody -> whether they tell these people apart, and what would help. Pure.

Each anchor is left out once and looked for among all others, by the node's own matcher and threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person, counted

ENOUGH_FACES = 3
"""Faces of a person with which the self-test is content."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """The two most alike faces of two people.

    Attributes:
        people: the two ids.
        sources: where the two faces came from, in the same order.
        score: their cosine.
    """

    people: tuple[str, str]
    sources: tuple[str, str]
    score: float


@dataclass(frozen=True, slots=True)
class AnchorResult:
    """What became of an anchor that was left out.

    Attributes:
        source: where it came from.
        identified_as: whom the others named; None for nobody.
        score: cosine to its own person's other anchors; None if there is no other, or they are out of the question.
    """

    source: str
    identified_as: str | None
    score: float | None


@dataclass(frozen=True, slots=True)
class PersonResult:
    """How it stands with one person.

    Attributes:
        person: the id.
        anchors: of each anchor that can be compared.
        dormant: anchors of another network, which cannot be.
    """

    person: str
    anchors: tuple[AnchorResult, ...]
    incomparable: int

    @property
    def recognized(self) -> int:
        """How many anchors are recognised by the others."""
        return sum(anchor.identified_as == self.person for anchor in self.anchors)

    @property
    def lowest_score(self) -> float | None:
        """The least score of an anchor to the others; None where there are no others."""
        return min((anchor.score for anchor in self.anchors if anchor.score is not None), default=None)


@dataclass(frozen=True, slots=True)
class Report:
    """What the self-test found.

    Attributes:
        threshold: least cosine that names somebody.
        rows: one a person.
        similarities: of every two people, the most alike first.
    """

    threshold: float
    people: tuple[PersonResult, ...]
    similarities: tuple[Similarity, ...]

    def most_similar(self, person: str) -> tuple[str, float] | None:
        """Return who is most like somebody, and the score; None with nobody else."""
        for likeness in self.similarities:
            if person in likeness.people:
                first, second = likeness.people
                return (second if first == person else first), likeness.score
        return None


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who is not enrolled, as the node would see them.

    Attributes:
        photo: which photo.
        person: who is nearest; None where nobody is in question.
        score: cosine to that person.
        named: whether that is near enough to be called by the name.
    """

    photo: str
    person: str | None
    score: float
    named: bool


def examine(people: Sequence[Person], space: str, threshold: float) -> Report:
    """Return how well people are told apart.

    Args:
        people: everybody enrolled.
        space: that of the network; anchors of another count as dormant.
        threshold: least cosine that names somebody in a gallery of this size.
    """
    rows = tuple(_row(number, people, space, threshold) for number in range(len(people)))
    return Report(threshold, rows, _likenesses(people, space))


def advise(report: Report, strangers: Sequence[Stranger] = ()) -> tuple[str, ...]:
    """Return what would help, a sentence each; nothing if all is well."""
    lines = [line for row in report.people for line in _for_one(row)]
    for likeness in report.similarities:
        if likeness.score >= report.threshold:
            (a, b), (one, other) = likeness.people, likeness.sources
            lines.append(
                f"{a} and {b} look alike to the network ({likeness.score:.2f}: {one} and {other}): if one photo shows "
                f"the other of the two, enrol its person again without it; else add photos of both"
            )
    lines += [
        f"{stranger.photo}: a stranger is called {stranger.person} ({stranger.score:.2f}): look through the photos of "
        f"{stranger.person}, or set people.max_fpir lower"
        for stranger in strangers
        if stranger.named
    ]
    return tuple(lines)


def _for_one(row: PersonResult) -> list[str]:
    lines = []
    if row.incomparable:
        lines.append(
            f"{row.person}: {counted(row.incomparable, 'face')} enrolled with another network, which cannot be compared: "
            "add those photos again"
        )
    count = len(row.anchors)
    if count < ENOUGH_FACES:
        lines.append(
            f"{row.person}: {counted(count, 'face')} known: add {ENOUGH_FACES - count} or more in another light and pose"
        )
    for anchor in row.anchors if count > 1 else ():
        if anchor.identified_as is None:
            score = "" if anchor.score is None else f" ({anchor.score:.2f})"
            lines.append(
                f"{row.person}: {anchor.source} is not recognised by the other photos{score}: add photos like it, or "
                f"enrol {row.person} again without it if it shows somebody else"
            )
        elif anchor.identified_as != row.person:
            lines.append(
                f"{row.person}: {anchor.source} is taken for {anchor.identified_as}: enrol {row.person} again without it if "
                f"it shows {anchor.identified_as}, else add photos like it"
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


def _likenesses(people: Sequence[Person], space: str) -> tuple[Similarity, ...]:
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
    return tuple(sorted(found, key=lambda likeness: -likeness.score))
