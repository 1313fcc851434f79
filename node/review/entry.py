"""What is kept of one visit, so that an owner can say who it was."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from node.clock import Stamp
from node.domain import Flaw, Image, Vector
from node.people.likeness import Comparison, Faces

MAX_EVENTS = 8
"""Most ids of events that an entry keeps, the latest."""


@dataclass(frozen=True, slots=True, eq=False)
class BestFace:
    """The best usable look at a visitor.

    Attributes:
        embedding: shape (n,), float32, unit length.
        crop: the aligned face, shape (height, width, 3), uint8, RGB.
        weight: how much it counts, 0..1.
    """

    embedding: Vector
    crop: Image
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class ReviewEntry:
    """One visit.

    Attributes:
        id: eight hex digits.
        began: when it began.
        seen: when the visitor was last seen.
        space: the space of the embeddings.
        person: whom the events named; None for a stranger, or if there was too little evidence.
        looks: number of usable looks.
        flaws: number of looks that failed each gate; one look may fail several.
        embedding: mean over the usable looks, shape (n,), float32, unit length; None without any.
        best: the best usable look; None without any.
        picture: a JPEG with hair and shoulders; None unless pictures are kept.
        events: ids of the events about the visit.
        handled: when the owner decided about it; None until then.
        assigned: the id of the person to whom the owner gave the face; None without one.
        failed: the aligned face of the widest look that failed a gate, shape (height, width, 3), uint8, RGB; None if
            there is a usable look.
    """

    id: str
    began: Stamp
    seen: Stamp
    space: str
    person: str | None = None
    looks: int = 0
    flaws: Mapping[Flaw, int] = field(default_factory=lambda: MappingProxyType({}))
    embedding: Vector | None = None
    best: BestFace | None = None
    picture: bytes | None = None
    events: tuple[str, ...] = ()
    handled: Stamp | None = None
    assigned: str | None = None
    failed: Image | None = None

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        crop = self.best.crop if self.best else self.failed
        return (0 if crop is None else crop.nbytes) + len(self.picture or b"")

    def joined(self, later: "ReviewEntry") -> "ReviewEntry":
        """Return this entry with what was seen later in the same visit."""
        better = self.best is None or (later.best is not None and later.best.weight > self.best.weight)
        return replace(
            self,
            seen=later.seen,
            person=later.person,
            looks=self.looks + later.looks,
            flaws=MappingProxyType(dict(Counter(self.flaws) + Counter(later.flaws))),
            embedding=_mean(self, later),
            best=later.best if better else self.best,
            failed=None if self.best or later.best else self.failed if later.failed is None else later.failed,
            picture=later.picture or self.picture if better else self.picture or later.picture,
            events=tuple(dict.fromkeys((*self.events, *later.events)))[-MAX_EVENTS:],
        )

    def names(self, person: str) -> bool:
        """Return whether the entry holds the id of a person."""
        return person in (self.person, self.assigned)

    def may_show(self, person: str, faces: Faces | None, same: Comparison) -> bool:
        """Return whether the face may be a person's: theirs by name, a stranger's, or like one of theirs.

        A face that cannot be compared, since it is of another network, may be anybody's.

        Args:
            person: the id.
            faces: of the person; None without any that can be compared.
            same: how faces that may be of one person are compared.
        """
        if self.person is None or self.names(person) or not self.fits(same):
            return True
        rows = self._embeddings
        return bool(rows) and faces is not None and bool(np.max(same.margins(same.faces(rows), faces)) >= 0)

    def fits(self, comparison: Comparison) -> bool:
        """Return whether the face can be compared."""
        return self.space == comparison.space and all(comparison.fits(row, self.space) for row in self._embeddings)

    @property
    def _embeddings(self) -> list[Vector]:
        return [row for row in (self.embedding, self.best.embedding if self.best else None) if row is not None]


def _mean(first: ReviewEntry, second: ReviewEntry) -> Vector | None:
    """Return the mean of two embeddings, weighted by the numbers of looks, at unit length."""
    if first.embedding is None or second.embedding is None:
        return second.embedding if first.embedding is None else first.embedding
    total = first.looks * first.embedding + second.looks * second.embedding
    return (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
