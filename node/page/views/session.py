"""Logging in and out: by the password, or by a link that is good once."""

import threading
import time
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from node.page.boot_time import BootTime
from node.page.doors.door import Door, Login
from node.page.doors.loopback import base_of
from node.page.form import Form
from node.page.login_link import LoginLink
from node.page.pages import Pages
from node.page.password import MAX_LENGTH, Attempts, PasswordFile
from node.page.sessions import Sessions
from node.page.texts import Sentence, say
from node.page.visit import Visit, visit_of

_MAX_FIELDS = 4


class SessionViews:
    """Log in and out.

    Args:
        door: through which browsers come.
        sessions: of those who have logged in.
        password: of the page.
        link: that logs in once.
        boot_time: the time.
        pages: renders what is shown.
    """

    def __init__(  # noqa: PLR0913 - whatever a login is made of
        self,
        door: Door,
        sessions: Sessions,
        *,
        password: PasswordFile,
        link: LoginLink,
        boot_time: BootTime,
        pages: Pages,
    ) -> None:
        self._door, self._sessions, self._password, self._link = door, sessions, password, link
        self._boot_time, self._pages = boot_time, pages
        self._attempts, self._one = Attempts(), threading.Lock()

    async def login(self, request: Request) -> Response:
        """Show the way to log in, or try a password."""
        visit = visit_of(request)
        if request.method != "POST":
            return self._ask(visit, 200)
        form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
        given = form.get("password")
        return await run_in_threadpool(self._try, visit, given if isinstance(given, str) else "")

    async def enter(self, request: Request) -> Response:
        """Log in by a link. A browser that only looks ahead does not use it up."""
        visit = visit_of(request)
        if request.method != "GET" or "prefetch" in visit.caller.header("sec-purpose"):
            return Response(status_code=503)
        return await run_in_threadpool(self._enter, visit, str(request.path_params["key"]))

    def logout(self, visit: Visit, request: Request, form: Form) -> Response:
        """End the session."""
        del request, form
        self._sessions.end(visit.token)
        answer = self._ask(visit, 200, say("done.logged_out"))
        answer.headers["set-cookie"] = self._door.cookie(visit.admission, visit.caller).header("")
        return answer

    def _try(self, visit: Visit, password: str) -> Response:
        """Try a password, one at a time: each takes memory."""
        if visit.admission.login is not Login.PASSWORD:
            return self._ask(visit, 403, say("login.refused"))
        wait_s = self._attempts.begin(time.monotonic())
        if wait_s:
            answer = self._ask(visit, 429, say("login.too_many", seconds=int(wait_s) + 1))
            answer.headers["retry-after"] = str(int(wait_s) + 1)
            return answer
        with self._one:
            known = self._password.read()
            right = known is not None and len(password) <= MAX_LENGTH and known.fits(password)
        if known is None or not right:
            return self._ask(visit, 403, say("login.wrong"))
        self._attempts.succeeded()
        former = self._door.cookie(visit.admission, visit.caller).token(visit.caller)
        token = self._sessions.begin(self._door.name, known.id, visit.admission.user, replaced=former or None)
        answer = RedirectResponse(f"{visit.base}/", status_code=303)
        answer.headers["set-cookie"] = self._door.cookie(visit.admission, visit.caller).header(token)
        return answer

    def _enter(self, visit: Visit, key: str) -> Response:
        if visit.admission.login is not Login.LINK or not self._link.use(key, self._boot_time.now()):
            return self._ask(visit, 403, say("login.link_used"))
        token = self._sessions.begin(self._door.name)
        base = base_of(token)
        answer = RedirectResponse(f"{base}/", status_code=303)
        within = replace(visit.admission, base=base)
        answer.headers["set-cookie"] = self._door.cookie(within, visit.caller).header(token)
        return answer

    def _ask(self, visit: Visit, status: int, message: Sentence | None = None) -> Response:
        return self._pages.show_plain(
            visit, "login.html", status, login=str(visit.admission.login), message=message,
            has_password=bool(visit.admission.secret),
        )  # fmt: skip
