"""A request of a browser -> the answer of the page's application, without a server; and a node that answers it."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

from node.errors import PeopleError, Reason
from node.page.application import Parts, build_application
from node.page.backend import Backend
from node.page.boot_time import Moment
from node.page.doors.door import Door
from node.page.doors.loopback import LoopbackDoor
from node.page.login_link import LoginLink
from node.page.page_files import PageFiles
from node.page.password import PasswordFile
from node.page.sessions import Sessions
from node.page.texts import load_texts

HOST = "localhost:8470"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


class ManualBootTime:
    """The boot-time clock of a test.

    Attributes:
        moment: now.
    """

    def __init__(self) -> None:
        self.moment = Moment("boot-1", 1000.0)

    def now(self) -> Moment:
        """Return the present moment."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment = Moment(self.moment.boot, self.moment.boot_s + seconds)


class PlayedNode:
    """A node that answers as it is told, and remembers what it was asked.

    Attributes:
        answers: data of the answer by verb, an error to raise, or a function of the fields.
        asked: verbs and fields, in their order.
        runs: whether it runs at all.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "hello": {"v": 1}, "check": {"camera": "ok"}, "people_list": [], "people_undo_list": [],
            "inbox_list": {"groups": [], "keep_days": 0, "most": 100}, "people_overview": [],
        }  # fmt: skip
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.runs = True

    def ask_node(self, storage: Path, verb: str, **fields: object) -> Any:  # noqa: ANN401 - whatever it is told
        """Answer as the node."""
        del storage
        if not self.runs:
            raise PeopleError("no node answers", Reason.AWAY)
        return self._answer(verb, fields)

    def ask(self, verb: str, fields: dict[str, Any], files: tuple[BinaryIO, ...] = ()) -> Any:  # noqa: ANN401
        """Answer as the page's own process, which reads the files that it is given."""
        contents = [file.read() for file in files]
        return self._answer(verb, {**fields, **({"contents": contents} if files else {})})

    def asked_for(self, verb: str) -> list[dict[str, Any]]:
        """Return the fields with which a verb was asked for."""
        return [fields for name, fields in self.asked if name == verb]

    def _answer(self, verb: str, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        self.asked.append((verb, fields))
        answer = self.answers[verb]
        if isinstance(answer, Exception):
            raise answer
        return answer(**fields) if callable(answer) else answer


@dataclass(frozen=True)
class PageAnswer:
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.headers["location"]


class PageClient:
    """A browser, as far as the page can tell.

    Args:
        storage: `storage.dir`.
        door: the way to the page; that of the machine itself unless given.
        node: answers.

    Attributes:
        cookie: that is sent with each request.
        base: the path before each path.
        headers: sent with each request.
        peer: address from which it comes.
        own: address to which it is connected.
    """

    def __init__(self, storage: Path, door: Door | None = None, node: PlayedNode | None = None) -> None:
        self.files, self.time = PageFiles(storage), ManualBootTime()
        self.node, self.password = node or PlayedNode(), PasswordFile(self.files)
        self.sessions, self.link = Sessions(self.files, self.time), LoginLink(self.files)
        self.door = door or LoopbackDoor()
        self.cookie, self.base, self.peer, self.own = "", "", "127.0.0.1", "127.0.0.1"
        self.headers = {"host": HOST}
        self.app = build_application(
            Parts(
                "hall", self.door, self.sessions, self.password, self.link, self.time,
                Backend(storage, self.node, self.node.ask_node), load_texts(),
            )
        )  # fmt: skip

    def log_in_by_link(self) -> None:
        """Get a session by a link."""
        answer = self.request("GET", f"/enter/{self.link.make(self.time.now())}")
        assert answer.status == 303, answer.text
        self.base = answer.location.rstrip("/")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def log_in_by_password(self, password: str) -> PageAnswer:
        """Try a password, and keep the cookie that it gives."""
        answer = self.post("/login", {"password": password})
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def token(self) -> str:
        """Return the token of a form of this session."""
        found = TOKEN.search(self.get("/help").text)
        assert found is not None
        return found[1]

    def get(self, path: str, **headers: str) -> PageAnswer:
        """Ask for a page."""
        return self.request("GET", f"{self.base}{path}", headers)

    def post(self, path: str, fields: Mapping[str, object], **headers: str) -> PageAnswer:
        """Send a form as a browser does."""
        content = urlencode(fields, doseq=True).encode()
        given = {"content-type": "application/x-www-form-urlencoded", "origin": self.origin} | headers
        return self.request("POST", f"{self.base}{path}", given, content)

    def send(self, path: str, fields: Mapping[str, object], **headers: str) -> PageAnswer:
        """Send a form with the token of the session."""
        return self.post(path, {"token": self.token(), **fields}, **headers)

    def upload(self, path: str, fields: Mapping[str, str], files: Sequence[tuple[str, bytes]]) -> PageAnswer:
        """Send a form with files and the token of the session."""
        mark = "x" * 24
        parts = [
            f'--{mark}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {"token": self.token(), **fields}.items()
        ]
        for name, content in files:
            head = f'--{mark}\r\ncontent-disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
            parts.append(head.encode() + content + b"\r\n")
        content = b"".join([*parts, f"--{mark}--\r\n".encode()])
        headers = {"content-type": f"multipart/form-data; boundary={mark}", "origin": self.origin}
        return self.request("POST", f"{self.base}{path}", headers, content)

    @property
    def origin(self) -> str:
        """The site that a browser names with a form."""
        return f"http://{self.headers['host']}"

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        receive: Callable[[], Any] | None = None,
    ) -> PageAnswer:
        """Send a request as it is; a header with an empty value is left out."""
        split = urlsplit(path)
        given = {"cookie": self.cookie, "content-length": str(len(content)) if content else "", **self.headers}
        given |= headers or {}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": split.path, "raw_path": split.path.encode(), "query_string": split.query.encode(), "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items() if value],
            "client": (self.peer, 50000), "server": (self.own, 8470),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": content, "more_body": False}]

        async def give() -> Any:  # noqa: ANN401 - a message of ASGI
            if receive is not None:
                return receive()
            if not waiting:
                await asyncio.Event().wait()  # a browser stays until it has the answer
            return waiting.pop()

        async def take(message: Any) -> None:  # noqa: ANN401 - as above
            sent.append(message)

        async def serve() -> None:
            await self.app(scope, give, take)

        asyncio.run(serve())
        start = next(message for message in sent if message["type"] == "http.response.start")
        body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return PageAnswer(start["status"], found, body)
