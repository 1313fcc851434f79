"""The photos of a person -> whether they are recognized surely, and how many more would help. Pure.

The rule: if one photo of a person recognizes a share q of the others, n photos recognize a new look in 1 - (1 - q)^n of
cases. For n = 1 to 5 that is at most 2 points from what `tests/benchmarks/photos_needed.py` measures on people of LFW.
Several looks at once, as a node takes them, are recognized more often still.

Who is a child is not asked of the network: its groups of age begin with "under 35". What counts is what makes children
need more photos, that the network sees many faces like theirs, and it is so for some adults too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from node.domain import counted
from node.people.likeness import Faces
from node.people.matcher import in_space, usual
from node.people.person import Anchor, Person
from node.people.selftest import PersonResult, Report, Stranger
from node.vision.cohort import Cohort

ENOUGH_VIEWS = 3
"""Views of a person that are always wanted: another light, another pose."""

SURE = 0.95
"""Share of looks, each taken for itself, that the photos of a person recognize if they are enough."""

ALIKE_COSINE = 0.9
"""Cosine from which two photos are one view; 1 % of the pairs of photos of one person in LFW reach it."""

CHILDLIKE_USUAL = 0.55
"""What is usual for a face from which this is said of it: in UTKFace's validation part that is so for 9 of 10 children
under 12, and for 1 of 16 adults."""

_MOST_AT_ONCE = 5
_SHARES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01, 0.0)
_COSINES = (0.3, 0.55, 0.64, 0.72, 0.79, 0.83, 0.86, 0.9, 1.0)
"""A share of the pairs of photos of one person in LFW has at least this cosine."""
_ASSUMED_PAIRS = 2
"""Weight of what is assumed of a person by that table, in pairs of their own photos."""


@dataclass(frozen=True, slots=True)
class Need:
    """How surely the photos of a person recognize them.

    Attributes:
        person: the id.
        faces: photos that can be compared.
        views: photos that differ from each other.
        more: views that would help; 0 if they are enough.
        recognized: estimated share of looks, each taken for itself, that are recognized.
        childlike: whether the network sees many faces like this, as it does for children.
    """

    person: str
    faces: int
    views: int
    more: int
    recognized: float
    childlike: bool


def need(person: Person, space: str, threshold: float, cohort: Cohort | None = None) -> Need:
    """Return how surely the photos of a person recognize them.

    Args:
        person: who.
        space: of the network; anchors of other spaces do not count.
        threshold: least score that names somebody.
        cohort: of the network; None if the cosine alone decides.
    """
    faces = in_space(person.anchors, space)
    if not faces:
        return Need(person.id, 0, 0, ENOUGH_VIEWS, 0.0, childlike=False)
    views = _views(faces)
    compared = Faces.of(views, cohort)
    pairs = compared.scores(compared)[np.triu_indices(len(views), 1)]
    assumed = float(np.interp(threshold + 2 * float(compared.offsets.mean()), _COSINES, _SHARES))
    share = float((np.sum(pairs >= threshold) + _ASSUMED_PAIRS * assumed) / (len(pairs) + _ASSUMED_PAIRS))
    wanted = max(ENOUGH_VIEWS, _views_for(share))
    return Need(
        person=person.id,
        faces=len(faces),
        views=len(views),
        more=max(0, min(wanted - len(views), _MOST_AT_ONCE)),
        recognized=1 - (1 - share) ** len(views),
        childlike=cohort is not None and float(usual(faces, cohort).mean()) >= CHILDLIKE_USUAL,
    )


def sentence(found: Need) -> str | None:
    """Return what would help a person, as one sentence in plain words; None if their photos are enough."""
    if not found.more:
        return None
    known = f"{found.person}: {counted(found.faces, 'face')} known"
    if found.views < found.faces:
        known += f", so alike that they count as {found.views}"
    if found.childlike:
        return (
            f"{known}; to the network this face is like many others, as children's faces are, so it stays unknown more "
            f"often: add {found.more} or more from other days, and for a child new ones every year; the best are those "
            f"that the node sees: facenode people add {found.person} --event EVENT_ID"
        )
    if found.views >= ENOUGH_VIEWS:
        tenths = min(9, max(1, round(10 * found.recognized)))
        known += f", which recognize about {tenths} of 10 looks"
    return f"{known}: add {found.more} or more in another light and pose"


def advise(report: Report, needs: Sequence[Need], strangers: Sequence[Stranger] = ()) -> tuple[str, ...]:
    """Return what would help everybody, one sentence each; empty if nothing needs attention."""
    lines = [line for row, each in zip(report.people, needs, strict=True) for line in _advise_person(row, each)]
    for similarity in report.similarities:
        if similarity.score.margin >= 0:
            (a, b), (first, second) = similarity.people, similarity.sources
            lines.append(
                f"{a} and {b} look alike to the network ({similarity.score.margin:+.2f}: {first} and {second}): if one "
                "photo shows the wrong person, enroll that person again without it; otherwise add photos of both"
            )
    lines += [
        f"{stranger.photo}: a stranger is called {stranger.person} ({stranger.margin:+.2f}): check the photos of "
        f"{stranger.person}, or lower people.max_fpir"
        for stranger in strangers
        if stranger.named
    ]
    return tuple(lines)


def _advise_person(row: PersonResult, found: Need) -> list[str]:
    lines = []
    if row.incomparable:
        lines.append(
            f"{row.person}: {counted(row.incomparable, 'face')} enrolled with another network, not comparable: "
            "add those photos again"
        )
    if (line := sentence(found)) is not None:
        lines.append(line)
    for anchor in row.anchors if len(row.anchors) > 1 else ():
        if anchor.identified_as is None:
            margin = "" if anchor.score is None else f" ({anchor.score.margin:+.2f})"
            lines.append(
                f"{row.person}: {anchor.source} is not recognized by the other photos{margin}: add photos like it, or "
                f"enroll {row.person} again without it if it shows somebody else"
            )
        elif anchor.identified_as != row.person:
            lines.append(
                f"{row.person}: {anchor.source} is taken for {anchor.identified_as}: if it shows "
                f"{anchor.identified_as}, enroll {row.person} again without it; otherwise add photos like it"
            )
    return lines


def _views(faces: Sequence[Anchor]) -> list[Anchor]:
    """Return the photos that differ from all before them."""
    views: list[Anchor] = []
    for face in faces:
        if all(float(face.embedding @ view.embedding) < ALIKE_COSINE for view in views):
            views.append(face)
    return views


_LEAST_SHARE = 1e-9
"""Share of looks below which no number of photos is enough."""


def _views_for(share: float) -> int:
    """Return the number of views of which each recognizes a share of looks, so that together they recognize `SURE`."""
    if share >= SURE:
        return 1
    return math.ceil(math.log(1 - SURE) / math.log1p(-share)) if share > _LEAST_SHARE else 1 << 30
