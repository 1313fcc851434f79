"""Every request -> refused at the door, sent to the login, or let through with its session: one place decides.

In this order: the door (address, host, path), the session, the site that a change comes from, the size of its body. The
form's own token is checked where the form is read. Every answer gets the headers that keep a browser from doing more
than a page needs.
"""

import logging
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.page.bounded_body import MAX_FORM_BYTES, MAX_UPLOAD_BYTES, BoundedBody
from node.page.caller import Caller
from node.page.doors.door import Admission, Door, Refusal
from node.page.pages import Pages
from node.page.sessions import Session, Sessions
from node.page.texts import Texts, choose
from node.page.visit import Visit

_log = logging.getLogger(__name__)

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {frames}"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
OPEN = ("/static/", "/login", "/enter/")
"""How paths begin that need no session."""
UPLOADS = ("/upload", "/import")
"""How the paths end to which files may be sent."""


class Guard:
    """An ASGI application before that of the page.

    Args:
        app: the page.
        door: the way to it.
        sessions: of the browsers that have logged in.
        pages: renders refusals and the login.
        texts: of each language.
    """

    def __init__(self, app: ASGIApp, door: Door, sessions: Sessions, pages: Pages, texts: Mapping[str, Texts]) -> None:
        self._app, self._door, self._sessions, self._pages, self._texts = app, door, sessions, pages, texts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the page answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        caller = Caller.of(scope)
        texts = self._texts[choose(caller.header("accept-language"), list(self._texts))]
        sender = _Sender(send, framed=self._door.name == "ingress")
        try:
            refused = await self._answer(scope, receive, sender, caller, texts)
        except OSError as error:
            _log.error("page: %s: %s", error.filename or "storage.dir", error.strerror or error)
            refused = self._refusal(caller, texts, Refusal(500, "error.disk"))
        if refused is not None:
            await refused(scope, receive, sender)

    async def _answer(
        self, scope: Scope, receive: Receive, send: "_Sender", caller: Caller, texts: Texts
    ) -> Response | None:
        """Return why a request is not let through; None if the page has answered it."""
        admitted = await run_in_threadpool(self._door.check, caller)
        if isinstance(admitted, Refusal):
            return self._refusal(caller, texts, admitted)
        token = self._door.cookie(admitted, caller).token(caller)
        session = await run_in_threadpool(self._sessions.find, token, self._door.name, admitted.secret)
        if session is not None and not admitted.fits(session):
            session = None
        is_open = admitted.path.startswith(OPEN)
        if session is None and admitted.admitted and not is_open:
            token, session = await run_in_threadpool(self._begin, admitted)
            send.cookie = self._door.cookie(admitted, caller).header(token)
        visit = Visit(caller, admitted, texts, token if session else "")
        if caller.is_change and not self._door.comes_from_here(caller):
            return self._pages.show_plain(visit, "refused.html", 403, text="refused.site", value="")
        if session is None and not is_open:
            return self._login(visit)
        visit.keep(scope)
        most = MAX_UPLOAD_BYTES if session and admitted.path.endswith(UPLOADS) else MAX_FORM_BYTES
        inner = {**scope, "path": admitted.path, "raw_path": admitted.path.encode(), "root_path": ""}
        await self._app(inner, BoundedBody(receive, caller, most), send)
        return None

    def _begin(self, admission: Admission) -> tuple[str, Session | None]:
        """Begin a session for somebody who needs no login."""
        token = self._sessions.begin(self._door.name, admission.secret, admission.user)
        return token, self._sessions.find(token, self._door.name, admission.secret)

    def _login(self, visit: Visit) -> Response:
        """Return the way to log in, or to the page itself where a browser has held its cookie back.

        A browser sends this cookie only with requests that begin at this very site. From the link of another, such as
        Home Assistant's, it comes without; a page that leads to itself makes it a request of this site.
        """
        caller = visit.caller
        if caller.is_change:
            return self._pages.show_plain(visit, "refused.html", 403, text="refused.session", value="")
        if caller.header("sec-fetch-site") == "cross-site" and not caller.header("cookie"):
            return self._pages.show_plain(visit, "again.html", 200)
        return self._pages.show_plain(
            visit,
            "login.html",
            401,
            login=str(visit.admission.login),
            message=None,
            has_password=bool(visit.admission.secret),
        )

    def _refusal(self, caller: Caller, texts: Texts, refusal: Refusal) -> Response:
        visit = Visit(caller, Admission("", caller.path), texts)
        return self._pages.show_plain(visit, "refused.html", refusal.status, text=refusal.text, value=refusal.value)


class _Sender:
    """Send an answer with the headers that every answer has.

    Args:
        send: sends it.
        framed: whether the page may stand in a frame of the same site, as at Home Assistant.
    """

    def __init__(self, send: Send, *, framed: bool) -> None:
        self._send, self._framed = send, framed
        self.cookie: str | None = None

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            frames = "'self'" if self._framed else "'none'"
            headers["content-security-policy"] = _POLICY.format(frames=frames)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
            if self.cookie is not None:
                headers.append("set-cookie", self.cookie)
        await self._send(message)
