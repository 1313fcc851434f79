"""The step `person`: somebody looks into the camera of the running node and is enrolled."""

from node.errors import PeopleError, SetupError
from node.people.person import id_for
from node.setup.dialogue import Ask, Dialogue, Say, ask_until, ask_yes
from node.setup.schema import PersonAnswer, parse_person
from node.setup.world import Service

_SKIP = "-"


def person_step(*, anybody: bool) -> Dialogue[PersonAnswer | None]:
    """Ask who looks into the camera; return None for nobody.

    Args:
        anybody: whether somebody is enrolled already.
    """
    yield Say("You", heading=True)
    yield Say("The node learns faces, so that it can tell you from strangers. Pictures stay on this machine.")
    question = Ask(f"Your name, or {_SKIP} for nobody now", _SKIP if anybody else None)
    return (yield from ask_until(question, _named))


def _named(answer: str) -> PersonAnswer | None:
    if answer == _SKIP:
        return None
    if not answer:
        raise SetupError("Type a name, or -.")
    return parse_person({"name": answer})


def completed(person: PersonAnswer) -> PersonAnswer:
    """Return a person with an id."""
    return person if person.id else person.model_copy(update={"id": id_for(person.name, ())})


def enrol_step(service: Service, person: PersonAnswer) -> Dialogue[int]:
    """Enroll whoever looks into the camera, as often as the owner wants to try; return how many faces are known."""
    while True:
        yield Say(f"{person.name}, look into the camera, alone and from about a meter.")
        try:
            faces = service.enroll(person.id or "", person.name)
        except PeopleError as error:
            yield Say(f"{str(error)[0].upper()}{str(error)[1:]}.", problem=True)
            if not (yield from ask_yes("Try again?", default=True)):
                return 0
        else:
            yield Say(f"The node knows {person.name}.")
            return faces
