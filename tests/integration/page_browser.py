"""A browser without pictures and scripts: follows links and sends the forms of a real page, over HTTP or HTTPS."""

import http.client
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from facenode_command import environment, facenode
from mosquitto_broker import eventually, listens

_BOUNDARY = "x" * 24


@dataclass(frozen=True)
class Loaded:
    """A page as it was loaded."""

    status: int
    path: str
    body: bytes

    @property
    def text(self) -> str:
        """The page as text."""
        return self.body.decode()

    @property
    def words(self) -> str:
        """What a reader sees of its content."""
        content = self.text.partition("<main")[2].partition("</main>")[0]
        return " ".join(re.sub(r"<[^>]*>", " ", content).split())


class PageBrowser:
    """A browser with one session.

    Args:
        port: of the page, on this machine.
        context: for HTTPS; None for HTTP.
    """

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._port, self._context, self._cookie = port, context, ""
        self.page = Loaded(0, "/", b"")

    @property
    def base(self) -> str:
        """The path before those of the page."""
        found = re.match(r"/[0-9a-f]{16}(?=/)", self.page.path)
        return found[0] if found else ""

    def open(self, path: str) -> Loaded:
        """Load a page, and those to which it leads."""
        return self._load("GET", path, {}, b"")

    def go(self, path: str) -> Loaded:
        """Load a page under the path of the session."""
        return self.open(f"{self.base}{path}")

    def send(self, action: str, fields: Mapping[str, object], files: Mapping[str, bytes] | None = None) -> Loaded:
        """Send the first form of the page that has this action, with some of its fields filled in."""
        form = next(form for form in forms(self.page.text) if form.action.endswith(action))
        values: dict[str, object] = {**form.values, **fields}
        if files is None:
            content, kind = urlencode(values, doseq=True).encode(), "application/x-www-form-urlencoded"
        else:
            content, kind = _multipart(values, files, form.file_field), f"multipart/form-data; boundary={_BOUNDARY}"
        origin = f"{'https' if self._context else 'http'}://127.0.0.1:{self._port}"
        return self._load("POST", form.action, {"Content-Type": kind, "Origin": origin}, content)

    def _load(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Loaded:
        if self._context is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=150)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=150, context=self._context)
        given = {**headers, **({"Cookie": self._cookie} if self._cookie else {})}
        try:
            connection.request(method, path, content or None, given)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if cookie := answer.getheader("set-cookie"):
            self._cookie = cookie.partition(";")[0]
        if answer.status == 303:
            return self._load("GET", str(answer.getheader("location")).partition("#")[0], {}, b"")
        loaded = Loaded(answer.status, path, body)
        if "text/html" in str(answer.getheader("content-type")):
            self.page = loaded
        return loaded


@dataclass
class HtmlForm:
    """A form of a page: where it is sent, and the values that its fields have."""

    action: str
    values: dict[str, object]
    file_field: str = ""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[HtmlForm] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take over a form or one of its fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(HtmlForm(given.get("action", ""), {}))
        elif tag == "input" and self.found and "name" in given and "form" not in given:
            if given.get("type") == "file":
                self.found[-1].file_field = given["name"]
            elif given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.found[-1].values[given["name"]] = given.get("value", "")


def forms(text: str) -> list[HtmlForm]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(text)
    return parser.found


def _multipart(values: Mapping[str, object], files: Mapping[str, bytes], field: str) -> bytes:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values.items()
    ]
    for name, content in files.items():
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


@contextmanager
def running_page(settings: Mapping[str, object]) -> Iterator["subprocess.Popen[str]"]:
    """Run `facenode page` for as long as the context lasts."""
    port = int(str(settings["page.port"]))
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "page"],
        env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert eventually(lambda: listens("127.0.0.1", port) or process.poll() is not None, 60)
        assert process.poll() is None, process.stderr
        yield process
    finally:
        process.terminate()
        process.communicate()


def opened_by_link(settings: Mapping[str, object]) -> PageBrowser:
    """Return a browser that was opened by a link of `facenode page --link`."""
    browser = PageBrowser(int(str(settings["page.port"])))
    link = facenode("page", "--link", settings=settings).out.split()[0]
    assert browser.open(urlsplit(link).path).status == 200
    return browser


def gallery_bytes(storage: Path) -> dict[str, bytes]:
    """Return every file of the gallery."""
    people = storage / "people"
    return {str(path.relative_to(people)): path.read_bytes() for path in people.rglob("*") if path.is_file()}
