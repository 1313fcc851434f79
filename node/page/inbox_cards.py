"""The node's inbox -> a card for each group of visits: one sentence, the faces, and what can be decided. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from node.page.problems import reasons
from node.page.texts import Sentence, say, say_count

CLOSE = 0.1
"""Margin below which a name is a close call, as `node.people.likeness` has it."""


@dataclass(frozen=True, slots=True)
class Face:
    """A visit in a card.

    Attributes:
        entry: the id.
        seen: when, ISO 8601.
        picture: whether there is a picture, else only the aligned face, if any.
        face: whether there is an aligned face.
        flaws: number of looks that failed each gate.
    """

    entry: str
    seen: str
    picture: bool
    face: bool
    flaws: Mapping[str, int]


class Section(StrEnum):
    """Where on the page a card stands."""

    AGAIN = "again"
    UNCERTAIN = "uncertain"
    ONCE = "once"
    KNOWN = "known"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Card:
    """A group of visits that show one person.

    Attributes:
        section: where it stands; faces of people who are known surely are not offered for teaching.
        faces: the visits, the latest first.
        sentence: what the node makes of them.
        likely: the id of the person whom they may show; empty for nobody.
        rejectable: the id of the person of whom can be said that it is not them; empty for nobody.
    """

    section: Section
    faces: tuple[Face, ...]
    sentence: Sentence
    likely: str = ""
    rejectable: str = ""

    @property
    def key(self) -> str:
        """The id of its latest visit."""
        return self.faces[0].entry

    @property
    def entries(self) -> str:
        """The ids of all its visits, with commas."""
        return ",".join(face.entry for face in self.faces)

    @property
    def apart(self) -> bool:
        """Whether a face can be taken out of it."""
        return len(self.faces) > 1


def cards(groups: Sequence[Mapping[str, Any]], names: Mapping[str, str], apart: Sequence[str]) -> list[Card]:
    """Return the cards of an inbox, in the node's order.

    Args:
        groups: as `inbox_list` answers them.
        names: the display name of each person, by id.
        apart: ids of visits that the owner took out of their groups.
    """
    found = []
    for group in groups:
        entries = group["entries"]
        together = [entry for entry in entries if entry["entry"] not in apart]
        parts = [together, *([entry] for entry in entries if entry["entry"] in apart)]
        found += [_card(group["use"], part, names) for part in parts if part]
    return found


def _card(use: str, entries: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Card:
    faces = tuple(
        Face(each["entry"], each["seen"], each["picture"], bool(each["looks"]), each["flaws"]) for each in entries
    )
    if use == "unusable":
        return Card(Section.UNUSABLE, faces, _unusable(entries))
    entry = next((each for each in entries if _is_close(each, names)), entries[0])
    if entry["person"] in names:
        return _named(entry, faces, names)
    nearest = entry["nearest"]
    if _is_close(entry, names):
        sentence = say("inbox.likely", name=names[nearest], **_numbers(entry))
        return Card(Section.UNCERTAIN, faces, sentence, likely=nearest, rejectable=nearest)
    section = Section.AGAIN if len(entries) > 1 else Section.ONCE
    return Card(section, faces, _stranger(entries, nearest, names))


def _named(entry: Mapping[str, Any], faces: tuple[Face, ...], names: Mapping[str, str]) -> Card:
    """Return the card of visits that the events named, by the most doubtful of them."""
    named, nearest, numbers = entry["person"], entry["nearest"], _numbers(entry)
    if not _is_close(entry, names):
        return Card(Section.KNOWN, faces, say("inbox.known_sentence", name=names[named], **numbers), rejectable=named)
    if entry["margin"] < 0:  # what they were recognized by is no longer there
        likely, sentence = "", say("inbox.doubted", name=names[named], **numbers)
    elif nearest != named:
        likely, sentence = nearest, say("inbox.taken", name=names[named], other=names[nearest], **numbers)
    else:
        likely, sentence = named, say("inbox.barely", name=names[named], **numbers)
    return Card(Section.UNCERTAIN, faces, sentence, likely=likely, rejectable=named)


def _is_close(entry: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    """Return whether the name that the events gave, or that they gave none, is a close call among the people known."""
    margin, nearest = entry["margin"], entry["nearest"]
    if margin is None or nearest not in names:
        return False
    if entry["person"] not in names:
        return bool(margin > -CLOSE)
    return bool(margin < CLOSE) or nearest != entry["person"]


def _stranger(entries: Sequence[Mapping[str, Any]], nearest: str | None, names: Mapping[str, str]) -> Sentence:
    if nearest is None or nearest not in names:
        return say_count("inbox.stranger_alone", len(entries))
    return say_count("inbox.stranger", len(entries), name=names[nearest], **_numbers(entries[0]))


def _unusable(entries: Sequence[Mapping[str, Any]]) -> Sentence:
    counts: dict[str, int] = {}
    for entry in entries:
        for flaw, count in entry["flaws"].items():
            counts[flaw] = counts.get(flaw, 0) + count
    worst = sorted(counts, key=lambda flaw: -counts[flaw])
    return say("inbox.unusable", why=reasons([f"flaw.{flaw}" for flaw in worst]))


def _numbers(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the score of a face with the nearest person, and the one at which it would be named."""
    score, margin = entry["score"], entry["margin"]
    if score is None or margin is None:
        return {"score": "?", "needs": "?"}
    return {"score": f"{score:.2f}", "needs": f"{score - margin:.2f}"}
