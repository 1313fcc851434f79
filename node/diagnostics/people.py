"""The people enrolled -> a finding: how many, or why they cannot be read."""

from collections.abc import Callable, Sequence

from node.diagnostics.finding import Finding
from node.domain import counted
from node.errors import FacenodeError
from node.people.person import Person
from node.settings import PeopleSettings


def people_finding(settings: PeopleSettings, load: Callable[[], Sequence[Person]]) -> Finding:
    """Count the people and their faces.

    Args:
        settings: of the people.
        load: reads the gallery; may raise FacenodeError.
    """
    if settings.source == "head":
        return Finding("people", ok=True, text="the network's own closed set decides who is who")
    try:
        people = load()
    except FacenodeError as error:
        return Finding("people", ok=False, text=str(error))
    if not people:
        text = "nobody is enrolled, so every face is unknown: run facenode people add ID PHOTO..."
        return Finding("people", ok=True, text=text)
    faces = counted(sum(len(person.anchors) for person in people), "face")
    return Finding("people", ok=True, text=f"{counted(len(people), 'person', 'people')} enrolled, {faces}")
