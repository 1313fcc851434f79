"""The camera: one still when the owner asks for it, with what the node makes of each face."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from node.page.backend import Backend
from node.page.form import Form
from node.page.ids import KEPT, path_id
from node.page.kept import Kept
from node.page.pages import Pages
from node.page.people_names import PeopleNames
from node.page.shortfalls import shortfall_sentence
from node.page.texts import Sentence, say
from node.page.views.picture import picture
from node.page.visit import Visit

_MOST, _LASTS_S = 4, 60.0


@dataclass(frozen=True, slots=True)
class FaceInView:
    """A face of a still.

    Attributes:
        box: left, top, width and height, percent of the picture's height.
        known: whether it has a name.
        what: who it is, or why it is no evidence.
    """

    box: tuple[float, ...]
    known: bool
    what: Sentence


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of the view.

    Attributes:
        jpeg: the picture.
        width: of the picture, percent of its height.
        faces: in it.
        masks: number of parts that are not looked at.
        recognition: whether faces are looked at.
    """

    jpeg: bytes
    width: float
    faces: tuple[FaceInView, ...]
    masks: int
    recognition: bool


class CameraViews:
    """Take stills and show them.

    Args:
        backend: asks the node.
        names: of the people.
        pages: renders what is shown.
    """

    def __init__(self, backend: Backend, names: PeopleNames, pages: Pages) -> None:
        self._backend, self._names, self._pages = backend, names, pages
        self.stills: Kept[Still] = Kept(_MOST, _LASTS_S)

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page, with the still that was just taken, if any."""
        wanted = request.query_params.get("still", "")
        still = self.stills.find(visit.form_token, wanted) if KEPT.fullmatch(wanted) else None
        return self._pages.show(
            visit, "camera.html", page="camera", still=still, still_id=wanted, gone=bool(wanted) and still is None,
            away=not self._backend.node_runs,
        )  # fmt: skip

    def take(self, visit: Visit, request: Request, form: Form) -> Response:
        """Take a still."""
        del request, form
        answer = self._backend.ask("still")
        names, aspect = self._names.known(), float(answer["aspect"])
        faces = tuple(_face(each, aspect, names) for each in answer["faces"])
        jpeg, recognition = base64.b64decode(answer["jpeg"]), answer["recognition"] == "on"
        still = Still(jpeg, 100 * aspect, faces, answer["masks"], recognition)
        return self._pages.go_to(visit, f"/camera?still={self.stills.put(visit.form_token, still)}")

    def picture(self, visit: Visit, request: Request) -> Response:
        """Return the picture of a still."""
        still = self.stills.find(visit.form_token, path_id(request, "still", KEPT))
        return picture(None if still is None else still.jpeg, "image/jpeg")


def _face(given: Mapping[str, Any], aspect: float, names: Mapping[str, str]) -> FaceInView:
    left, top, width, height = given["box"]
    box = tuple(round(100 * value, 2) for value in (left * aspect, top, width * aspect, height))
    person: str | None = given["person"]
    return FaceInView(box, person is not None, _what(given, person, names))


def _what(given: Mapping[str, Any], person: str | None, names: Mapping[str, str]) -> Sentence:
    shortfalls: Sequence[Mapping[str, Any]] = given["shortfalls"]
    if given["masked"]:
        return say("camera.masked")
    if shortfalls:
        return shortfall_sentence(shortfalls[0])
    if person is None:
        return say("camera.stranger")
    return say("camera.person", name=names.get(person, person), score=f"{given['score']:.2f}")
