"""The pages of the first run: code, camera, broker, name, you, and what came of it."""

import base64
import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from node.errors import PeopleError
from node.page.backend import Backend, Helper
from node.page.first_run.gate import CodeGate, FirstRunDoor
from node.page.first_run.hand_over import HandOver
from node.page.first_run.kept_page import KeptPage
from node.page.first_run.progress import Progress
from node.page.form import Form, read_form
from node.page.pages import Pages
from node.page.sessions import Sessions
from node.page.texts import Sentence, say
from node.page.views.picture import picture
from node.page.visit import Visit, visit_of
from node.setup.code import MAX_LENGTH, Attempt
from node.setup.outcome import FIRST_BLUEPRINT
from node.system import bundled

_REFRESH_S = 2
_STOP_S = 3.0
_NAMES: Mapping[str, tuple[str, ...]] = {
    "camera": ("source", "rotate"),
    "broker": ("host", "port", "username", "password", "tls", "ca"),
    "name": ("name", "area", "timezone", "id", "take_over"),
    "you": ("person", "keep"),
}
"""The fields of each form."""


class FirstRunViews:
    """Show the steps and take their answers.

    Args:
        gate: the code.
        door: through which the browser comes.
        sessions: of the browser.
        helper: the page's own process, which tries cameras and brokers.
        backend: asks the node, once it runs.
        hand_over: to root.
        keep: gives the page for every day a password.
        pages: renders what is shown.
    """

    def __init__(  # noqa: PLR0913 - whatever the first run is made of
        self,
        gate: CodeGate,
        door: FirstRunDoor,
        sessions: Sessions,
        *,
        helper: Helper,
        backend: Backend,
        hand_over: HandOver,
        keep: Callable[[], KeptPage],
        pages: Pages,
    ) -> None:
        self._gate, self._door, self._sessions = gate, door, sessions
        self._helper, self._backend, self._hand_over, self._pages = helper, backend, hand_over, pages
        self._keep_page = keep
        self._progress = Progress()

    async def login(self, request: Request) -> Response:
        """Show the field for the code, or try one."""
        visit = visit_of(request)
        if request.method != "POST":
            return self._ask_code(visit, 200)
        form = await request.form(max_files=0, max_fields=4)
        given = form.get("code")
        return await run_in_threadpool(self._try_code, visit, given if isinstance(given, str) else "")

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page of a step, or that of the first step that has no answer."""
        step = str(request.path_params.get("step", ""))
        progress = self._progress
        if progress.handed:
            return self._pages.go_to(visit, "/progress")
        if step not in _NAMES or not progress.is_open(step):
            return self._pages.go_to(visit, f"/step/{progress.next}")
        offered = self._helper.ask(f"setup_{step}", {"answers": self._shown_answers()}) if step != "you" else {}
        return self._page(visit, step, offered=offered)

    def take(self, visit: Visit, request: Request, form: Form) -> Response:
        """Take the answers of a step: they are tried at once, and what is wrong is a sentence above the form."""
        step = str(request.path_params["step"])
        progress = self._progress
        if progress.handed or step not in _NAMES or not progress.is_open(step):
            return self._pages.go_to(visit, "/")
        given = {name: form.value(name) for name in _NAMES[step]}
        if step == "camera" and form.value("use"):
            progress.words["camera"] = progress.words.get("tried", "")
            return self._pages.go_to(visit, "/step/broker" if progress.words["camera"] else "/step/camera")
        if step == "broker" and not given["password"]:
            given["password"] = str(progress.answers.get("broker", {}).get("password", ""))
        progress.typed[step] = {name: value for name, value in given.items() if name != "password"}
        tried = self._helper.ask(f"setup_try_{step}", {"given": given, "answers": progress.answers})
        self._keep(step, tried)
        if step == "camera":
            return self._pages.go_to(visit, "/step/camera")
        if step == "you":
            self._hand_over.give(self._gate.code, self._gate.browser, self._progress.answers)
            progress.handed = True
            return self._pages.go_to(visit, "/progress")
        return self._pages.go_to(visit, f"/step/{progress.next}", say("first.heard", words=tried["words"]))

    def still(self, visit: Visit, request: Request) -> Response:
        """Return the picture of the camera that was tried."""
        del visit, request
        return picture(self._progress.still, "image/jpeg")

    def progress(self, visit: Visit, request: Request) -> Response:
        """Say what came of the answers; ask again in two seconds while nothing is known."""
        del request
        if not self._progress.handed:
            return self._pages.go_to(visit, "/")
        result = self._hand_over.result()
        if result:
            self._progress.handed = False
            return self._pages.go_to(visit, "/step/you", say("first.heard", words=result), problem=True)
        progress = self._progress
        if result == "" and progress.kept is None and progress.answers.get("page", {}).get("keep"):
            progress.kept = self._keep_page()
        values = {
            "done": result == "", "person": progress.answers.get("person"), "name": self._node_name,
            "kept": progress.kept,
        }  # fmt: skip
        return self._render(visit, "first_progress.html", refresh=None if result == "" else _REFRESH_S, **values)

    def enroll(self, visit: Visit, request: Request, form: Form) -> Response:
        """Enroll whoever looks into the camera of the node."""
        del request, form
        person = self._progress.answers.get("person") or {}
        if self._hand_over.result() == "" and person:
            self._backend.ask("people_enroll", id=person["id"], name=person["name"])
            return self._pages.go_to(visit, "/progress", say("first.known", name=person["name"]))
        return self._pages.go_to(visit, "/progress")

    def blueprint(self, visit: Visit, request: Request) -> Response:
        """Return the blueprint of the first notification, as a file."""
        del visit, request
        named = {"content-disposition": f'attachment; filename="{FIRST_BLUEPRINT}"'}
        return Response(bundled.path(FIRST_BLUEPRINT).read_bytes(), media_type="application/yaml", headers=named)

    def end(self, visit: Visit, request: Request, form: Form) -> Response:
        """End the first run: the socket is closed once this answer is sent."""
        del request, form
        answer = self._pages.show_plain(visit, "first_ended.html", 200)
        answer.background = BackgroundTask(_stop_soon)
        return answer

    def endpoint(self, view: Callable[[Visit, Request], Response]) -> Callable[[Request], Any]:
        """Return the endpoint of a page; what the helper refuses is a sentence on it."""

        async def answer(request: Request) -> Response:
            visit = visit_of(request)
            try:
                return await run_in_threadpool(view, visit, request)
            except PeopleError as error:
                sentence = say("first.heard", words=str(error))
                return self._pages.show_plain(visit, "problem.html", 503, sentence=sentence)

        return answer

    def change(self, view: Callable[[Visit, Request, Form], Response], back: str) -> Callable[[Request], Any]:
        """Return the endpoint of a change; what is refused leads back, with a sentence."""

        async def answer(request: Request) -> Response:
            visit = visit_of(request)
            form = await read_form(request, visit)
            try:
                return await run_in_threadpool(view, visit, request, form)
            except PeopleError as error:
                path = back.format(**request.path_params)
                return self._pages.go_to(visit, path, say("first.heard", words=str(error)), problem=True)

        return answer

    @property
    def _node_name(self) -> str:
        node = self._progress.answers.get("node", {})
        return str(node.get("name") or node.get("id") or "")

    def _keep(self, step: str, tried: Mapping[str, Any]) -> None:
        progress = self._progress
        progress.typed.pop(step, None)
        progress.answers |= tried["answers"]
        if step == "camera":
            progress.words["tried"] = tried["words"]
            progress.still = base64.b64decode(tried["jpeg"]) if tried["jpeg"] else None
            progress.turn = tried["turn"]
        else:
            progress.words[step] = tried["words"]
        if step == "you" and "person" not in tried["answers"]:
            progress.answers.pop("person", None)

    def _shown_answers(self) -> dict[str, Any]:
        """Return the answers without the password."""
        return {
            section: {key: value for key, value in given.items() if key != "password"}
            for section, given in self._progress.answers.items()
        }

    def _page(self, visit: Visit, step: str, *, offered: Mapping[str, Any]) -> Response:
        progress = self._progress
        return self._render(
            visit, "first_run.html", step=step, offered=offered, answers=self._shown_answers(), tried=progress.words,
            typed=progress.typed.get(step, {}),
            has_still=progress.still is not None, turn=progress.turn,
        )  # fmt: skip

    def _render(self, visit: Visit, template: str, **values: object) -> Response:
        message = self._pages.messages.take(visit)
        return self._pages.show_plain(visit, template, 200, form_token=visit.form_token, message=message, **values)

    def _try_code(self, visit: Visit, code: str) -> Response:
        attempt = self._gate.attempt(code[: MAX_LENGTH + 1])
        if attempt is not Attempt.ACCEPTED:
            return self._ask_code(visit, 403, say(f"first.{attempt}"))
        token = self._sessions.begin(self._door.name, self._gate.id)
        answer = RedirectResponse(f"{visit.base}/", status_code=303)
        answer.headers["set-cookie"] = self._door.cookie(visit.admission, visit.caller).header(token)
        return answer

    def _ask_code(self, visit: Visit, status: int, message: Sentence | None = None) -> Response:
        return self._pages.show_plain(visit, "login.html", status, login="code", message=message, has_password=False)


def _stop_soon() -> None:
    """Send this process the signal that ends it cleanly, once the browser has what the last page consists of."""
    timer = threading.Timer(_STOP_S, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()
