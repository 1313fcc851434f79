"""Check how many people a node knows."""

import numpy as np

from node.diagnostics.finding import Finding
from node.diagnostics.people import people_finding
from node.errors import PeopleError
from node.people.person import Anchor, Person
from node.settings import PeopleSettings


def person(name: str, faces: int) -> Person:
    """Return somebody enrolled from that many photos."""
    anchors = tuple(Anchor(np.eye(8, dtype=np.float32)[each], "space", f"{each}.jpg") for each in range(faces))
    return Person(name, name, anchors)


def found(*people: Person) -> str:
    """Return the text of the finding about these people."""
    return people_finding(PeopleSettings(), lambda: people).text


def test_people_and_faces_are_counted_in_the_singular_and_in_the_plural() -> None:
    """One person is not `1 people`."""
    assert found(person("ada", 1)) == "1 person enrolled, 1 face"
    assert found(person("ada", 2), person("bob", 1)) == "2 people enrolled, 3 faces"


def test_an_empty_gallery_is_in_order_and_names_the_next_step() -> None:
    """A fresh node knows nobody: that is no fault, but its owner wants to know why every face is unknown."""
    finding = people_finding(PeopleSettings(), lambda: ())
    assert finding.ok
    assert "facenode people add ID PHOTO..." in finding.text


def unreadable() -> tuple[Person, ...]:
    """Fail as a gallery does that this user may not read."""
    raise PeopleError("/people: Permission denied")


def test_a_gallery_that_cannot_be_read_is_a_fault() -> None:
    """The error becomes a line of the check rather than its end."""
    finding = people_finding(PeopleSettings(), unreadable)
    assert finding == Finding("people", ok=False, text="/people: Permission denied")


def test_the_closed_set_needs_no_gallery() -> None:
    """With `people.source = "head"` the gallery is not even read."""
    finding = people_finding(PeopleSettings(source="head"), unreadable)
    assert finding == Finding("people", ok=True, text="the network's own closed set decides who is who")
