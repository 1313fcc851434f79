"""Visitors in front of a camera, tick by tick -> the inbox of a node, without a network or a camera."""

from pathlib import Path

import numpy as np
from makers import face, instant, unit
from manual_clock import ManualClock
from samples import OneBoot, crop, undoable_gallery

from node.domain import Box, Event, EventType, Flaw, Frame, Image, Look, Tick, Track, Vector
from node.events.engine import Decision
from node.people.likeness import Comparison, Nearest, nearest
from node.people.matcher import GalleryMatcher
from node.review.actions import ReviewActions
from node.review.collector import Collector
from node.review.files import ReviewFiles
from node.review.inbox import Keeping, ReviewInbox

SAME, THRESHOLD = 0.8, 0.85


def encode(image: Image, box: Box) -> bytes:
    """Return what stands for a JPEG."""
    del image, box
    return b"\xff\xd8picture"


def embed(image: Image) -> Vector:
    """Return what a network makes of a face that failed a gate: always the same."""
    del image
    return unit(0, 0, 1)


class ReviewScene:
    """A camera, the collector behind it, and the people.

    Attributes:
        storage: the folder.
        clock: the time, which each tick moves by half a second.
    """

    def __init__(
        self, storage: Path, *, days: int = 0, pictures: bool = False, space: str = "s", crop_px: int = 32
    ) -> None:
        self.storage, self.clock, self._crop_px = storage, ManualClock(), crop_px
        self._keeping = Keeping(days, pictures, Comparison(space, 3, SAME))
        self.gallery = undoable_gallery(storage, self.clock)
        self._number = 0
        self.start()

    def start(self) -> None:
        """Start the process."""
        anchors = self.gallery.changes.store.anchors
        self.inbox = ReviewInbox(self._keeping, ReviewFiles(self.storage), self.clock, OneBoot(), anchors)
        self.inbox.load()
        self.collector = Collector(self.inbox, encode)
        self.actions = ReviewActions(self.collector, self.gallery, keep_crops=True, embed=embed)

    def compare(self, embedding: Vector) -> Nearest | None:
        """Return who is nearest to a face."""
        return nearest(GalleryMatcher(self.gallery.load(), "s", THRESHOLD), embedding)

    def visit(  # noqa: PLR0913 - a visitor, what is seen of them, and what the node makes of it
        self,
        embedding: Vector,
        person: str | None = None,
        *,
        looks: int = 3,
        flaws: tuple[Flaw, ...] = (),
        ignored: bool = False,
        key: str | None = None,
        stays: bool = False,
    ) -> int:
        """Let somebody come, be looked at, and leave unless they stay. Return the number of their track.

        Args:
            embedding: of their face.
            person: whom the node takes them for.
            looks: how often they are looked at.
            flaws: what is wrong with each look.
            ignored: whether the owner wants no events about them.
            key: names the visit; one of their own unless given.
            stays: whether they stay in view.
        """
        self._number += 1
        number = self._number
        for count in range(1, looks + 1):
            decision = self.decision(person, key=key or f"v{number}", ignored=ignored)
            self.tick(number, self.look(embedding, number, flaws, count), count, decision)
        if not stays:
            self.tick(number, None, looks, None, gone=True)
        return number

    def look(self, embedding: Vector, number: int, flaws: tuple[Flaw, ...] = (), count: int = 1) -> Look:
        """Return a look at a face, a little better each time."""
        if flaws:
            return Look(face(), flaws, crop=crop(number, self._crop_px))
        return Look(face(), (), embedding, {}, 0.5 + count / 100, crop(number, self._crop_px))

    def decision(self, person: str | None, *, key: str, ignored: bool = False) -> Decision:
        """Return what the node makes of a track."""
        return Decision(person, ignored, None if ignored else (key, 0.0))

    def tick(
        self, number: int, look: Look | None, looks: int, decision: Decision | None, *, gone: bool = False
    ) -> None:
        """Let half a second pass, in which one person is seen or has gone; the first and the last have an event."""
        self.clock.advance(0.5)
        at, began = instant(self.clock.mono_s), instant(self.clock.mono_s - looks / 2)
        embedding = look.embedding if look else None
        track = Track(number, face(), began, at, looks, embedding, best=look, latest=look)
        event = Event(EventType.LEFT if gone else EventType.RECOGNIZED, at, number, face().box)
        events = [(f"{'left' if gone else 'event'}-{number}", event)] if gone or looks == 1 else []
        self.collector.update(
            Tick(at, Frame(np.zeros((8, 8, 3), np.uint8))),
            [] if gone else [track],
            {} if look is None else {number: look},
            {} if decision is None else {number: decision},
            events,
        )
