"""The parts of the page -> one ASGI application: its paths, and before them the guard."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from node.page.backend import Backend
from node.page.boot_time import BootTime
from node.page.bounded_body import MAX_UPLOAD_BYTES, BodyRefusedError
from node.page.doors.door import Door
from node.page.form import FormRefusedError
from node.page.guard import Guard
from node.page.login_link import LoginLink
from node.page.pages import Pages
from node.page.password import PasswordFile
from node.page.people_names import PeopleNames
from node.page.sessions import Sessions
from node.page.texts import Texts, say
from node.page.views.camera import CameraViews
from node.page.views.endpoints import Endpoints
from node.page.views.inbox import InboxViews
from node.page.views.people import PeopleViews
from node.page.views.person import PersonViews
from node.page.views.session import SessionViews
from node.page.views.undo import UndoLine, UndoViews
from node.page.views.upload import UploadViews
from node.page.visit import visit_of

_STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of.

    Attributes:
        node_name: of the node, for the heading.
        door: the way to the page.
        sessions: of the browsers that have logged in.
        password: of the page.
        link: that logs in once.
        boot_time: the time.
        backend: asks the node.
        texts: of each language.
    """

    node_name: str
    door: Door
    sessions: Sessions
    password: PasswordFile
    link: LoginLink
    boot_time: BootTime
    backend: Backend
    texts: Mapping[str, Texts]


def build_application(parts: Parts) -> ASGIApp:
    """Return the page."""
    names = PeopleNames(parts.backend)
    undo = UndoLine(parts.backend, names)
    pages = Pages(parts.node_name, undo)
    problems = _Problems(pages)
    app = Starlette(
        routes=_routes(parts, names, undo, pages),
        exception_handlers={HTTPException: problems.refused, OSError: problems.disk, Exception: problems.internal},
    )
    return Guard(app, parts.door, parts.sessions, pages, parts.texts)


def _routes(parts: Parts, names: PeopleNames, undo: UndoLine, pages: Pages) -> list[Route | Mount]:
    backend, endpoints = parts.backend, Endpoints(pages, names)
    inbox, people = InboxViews(backend, names, pages), PeopleViews(backend, pages)
    camera, uploads = CameraViews(backend, names, pages), UploadViews(backend, names, pages)

    def forget() -> None:
        camera.stills.clear()
        uploads.uploads.clear()

    person, undoing = PersonViews(backend, names, pages, forget), UndoViews(backend, names, pages, undo)
    session = SessionViews(
        parts.door, parts.sessions, password=parts.password, link=parts.link, boot_time=parts.boot_time, pages=pages
    )
    show, change = endpoints.show, endpoints.change

    def to_inbox(_: Request) -> str:
        return "/"

    def to_people(_: Request) -> str:
        return "/people"

    def to_camera(_: Request) -> str:
        return "/camera"

    def to_person(request: Request) -> str:
        return f"/people/{request.path_params['person']}"

    def to_upload(request: Request) -> str:
        return f"/uploads/{request.path_params['upload']}"

    return [
        Mount("/static", StaticFiles(directory=_STATIC)),
        Route("/login", session.login, methods=["GET", "POST"]),
        Route("/enter/{key}", session.enter, methods=["GET"]),
        Route("/logout", change(session.logout, to_inbox), methods=["POST"]),
        Route("/", show(inbox.show)),
        Route("/decide", change(inbox.decide, to_inbox), methods=["POST"]),
        Route("/inbox/{entry}", show(inbox.picture)),
        Route("/people", show(people.show)),
        Route("/people/upload", change(uploads.add_new, to_people), methods=["POST"]),
        Route("/people/import", change(people.import_file, to_people), methods=["POST"]),
        Route("/people/export", change(people.export, to_people), methods=["POST"]),
        Route("/people/{person}", show(person.show)),
        Route("/people/{person}/upload", change(uploads.add, to_person), methods=["POST"]),
        Route("/people/{person}/rename", change(person.rename, to_person), methods=["POST"]),
        Route("/people/{person}/merge", change(person.merge, to_person), methods=["POST"]),
        Route("/people/{person}/ignore", change(person.ignore, to_person), methods=["POST"]),
        Route("/people/{person}/erase", show(person.ask_erase)),
        Route("/people/{person}/erase", change(person.erase, to_person), methods=["POST"]),
        Route("/people/{person}/photos/{photo}", show(person.photo)),
        Route("/people/{person}/photos/{photo}/remove", change(person.remove_photo, to_person), methods=["POST"]),
        Route("/people/{person}/photos/{photo}/move", change(person.move_photo, to_person), methods=["POST"]),
        Route("/uploads/{upload}", show(uploads.show)),
        Route("/uploads/{upload}", change(uploads.use, to_upload), methods=["POST"]),
        Route("/uploads/{upload}/{picture}/{face}", show(uploads.preview)),
        Route("/camera", show(camera.show)),
        Route("/camera", change(camera.take, to_camera), methods=["POST"]),
        Route("/camera/{still}", show(camera.picture)),
        Route("/undo", show(undoing.show)),
        Route("/undo", change(undoing.undo, to_inbox), methods=["POST"]),
        Route("/help", show(lambda visit, _: pages.show(visit, "help.html", page="help"))),
    ]


class _Problems:
    """Errors of any kind -> a page with one sentence.

    Args:
        pages: renders it.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def refused(self, request: Request, error: Exception) -> Response:
        """Return the page about a request that makes no sense, or is too much."""
        if isinstance(error, FormRefusedError):
            return self._plain(request, 403, error.text)
        if isinstance(error, BodyRefusedError):
            return self._plain(request, error.status_code, error.text)
        assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these alone
        texts = {404: "error.not_found", 405: "error.method"}
        return self._plain(request, error.status_code, texts.get(error.status_code, "error.form"))

    async def disk(self, request: Request, error: Exception) -> Response:
        """Return the page about a disk that cannot be read or written."""
        del error
        return self._plain(request, 507, "error.disk")

    async def internal(self, request: Request, error: Exception) -> Response:
        """Return the page about a fault of the program; the server logs it."""
        del error
        return self._plain(request, 500, "error.internal")

    def _plain(self, request: Request, status: int, text: str) -> Response:
        sentence = say(text, limit=MAX_UPLOAD_BYTES >> 20)
        return self._pages.show_plain(visit_of(request), "problem.html", status, sentence=sentence)
