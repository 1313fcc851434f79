"""One person: photos, name, mark, merging with another, erasing."""

import base64
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from node.errors import PeopleError, Reason
from node.page.backend import Backend
from node.page.erasure_list import trace_sentences
from node.page.form import Form
from node.page.ids import PERSON, PHOTO, path_id
from node.page.pages import Pages
from node.page.people_names import PeopleNames
from node.page.problems import PageError
from node.page.texts import Sentence, say
from node.page.views.inbox import checked_name
from node.page.views.picture import picture
from node.page.visit import Visit


class PersonViews:
    """Show a person, and correct what is wrong about them.

    Args:
        backend: asks the node.
        names: of the people.
        pages: renders what is shown.
        erased: called when somebody is erased: the page forgets every face that it keeps for a moment.
    """

    def __init__(self, backend: Backend, names: PeopleNames, pages: Pages, erased: Callable[[], None]) -> None:
        self._backend, self._names, self._pages, self._erased = backend, names, pages, erased

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page of a person."""
        id_ = path_id(request, "person", PERSON)
        people = self._backend.ask("people_overview")
        person = next((each for each in people if each["id"] == id_), None)
        if person is None:
            raise PeopleError(f"{id_}: nobody", Reason.NOBODY, {"id": id_})
        names = {each["id"]: each["name"] for each in sorted(people, key=lambda each: each["name"].lower())}
        photos = self._backend.ask("people_photos", id=id_)
        return self._pages.show(
            visit, "person.html", page="people", person=person, photos=photos, names=names,
            others={other: name for other, name in names.items() if other != id_},
        )  # fmt: skip

    def photo(self, visit: Visit, request: Request) -> Response:
        """Return the aligned face of a photo."""
        del visit
        person, photo = path_id(request, "person", PERSON), path_id(request, "photo", PHOTO)
        answer = self._backend.ask("people_photo", id=person, photo=photo)
        return picture(base64.b64decode(answer["png"]), "image/png")

    def remove_photo(self, visit: Visit, request: Request, form: Form) -> Response:
        """Remove a photo."""
        del form
        person, photo = path_id(request, "person", PERSON), path_id(request, "photo", PHOTO)
        self._backend.ask("people_photo_remove", id=person, photo=photo)
        return self._back(visit, person, say("done.photo_removed", name=self._name(person)))

    def move_photo(self, visit: Visit, request: Request, form: Form) -> Response:
        """Give a photo to another person."""
        person, photo = path_id(request, "person", PERSON), path_id(request, "photo", PHOTO)
        other = _other(form)
        self._backend.ask("people_photo_move", id=person, photo=photo, to=other)
        return self._back(visit, person, say("done.photo_moved", name=self._name(other)))

    def rename(self, visit: Visit, request: Request, form: Form) -> Response:
        """Change the display name."""
        person, name = path_id(request, "person", PERSON), checked_name(form.value("name"))
        self._backend.ask("people_rename", id=person, name=name)
        return self._back(visit, person, say("done.renamed", name=name))

    def merge(self, visit: Visit, request: Request, form: Form) -> Response:
        """Merge the person into another."""
        person, other = path_id(request, "person", PERSON), _other(form)
        former = self._name(person)
        self._backend.ask("people_merge", id=person, into=other)
        return self._back(visit, other, say("done.merged", person=former, name=self._name(other)))

    def ignore(self, visit: Visit, request: Request, form: Form) -> Response:
        """Publish no events about the person, or publish them again."""
        person, state = path_id(request, "person", PERSON), form.value("state")
        if state not in ("on", "off"):
            raise PageError(say("error.form"))
        self._backend.ask("people_ignore", id=person, state=state)
        key = "done.ignored" if state == "on" else "done.noticed"
        return self._back(visit, person, say(key, name=self._name(person)))

    def ask_erase(self, visit: Visit, request: Request) -> Response:
        """Return the page that lists what erasing would erase: the one thing that cannot be undone."""
        person = path_id(request, "person", PERSON)
        traces = trace_sentences(self._backend.ask("people_traces", id=person))
        return self._pages.show(
            visit, "erase.html", page="people", person=person, name=self._name(person), traces=traces
        )

    def erase(self, visit: Visit, request: Request, form: Form) -> Response:
        """Erase the person."""
        del form
        person = path_id(request, "person", PERSON)
        name = self._name(person)
        self._backend.ask("people_remove", id=person)
        self._erased()
        return self._pages.go_to(visit, "/people", say("done.erased", name=name))

    def _name(self, person: str) -> str:
        return self._names.known().get(person, person)

    def _back(self, visit: Visit, person: str, sentence: Sentence) -> Response:
        return self._pages.go_to(visit, f"/people/{person}", sentence)


def _other(form: Form) -> str:
    """Return the other person whom a form names.

    Raises:
        PageError: it names nobody.
    """
    other = form.value("to", PERSON.fullmatch)
    if not other:
        raise PageError(say("error.no_person"))
    return other
