"""Options of the first run -> its page, served until the owner ends it or its half hour is over."""

import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from node.errors import FacenodeError, ServeError
from node.page.backend import Backend, Helper
from node.page.boot_time import SystemBootTime
from node.page.first_run.gate import CodeGate, FirstRunDoor
from node.page.first_run.hand_over import HandOver
from node.page.first_run.kept_page import keep
from node.page.first_run.steps import FirstRunViews
from node.page.form import FormRefusedError
from node.page.guard import Guard
from node.page.helper_process import HelperProcess
from node.page.listening import listen
from node.page.names import certificate_names, machine_names
from node.page.own_certificate import ensure
from node.page.page_files import PageFiles
from node.page.page_url import page_url
from node.page.pages import Pages
from node.page.password import PasswordFile
from node.page.server import Serving, serve
from node.page.sessions import Sessions
from node.page.texts import load_texts, say
from node.page.visit import visit_of
from node.setup.code import LASTS_S, CodeState
from node.system.terminal import LogFormatter, print_error, print_line

_STATIC = Path(__file__).resolve().parents[1] / "static"


@dataclass(frozen=True, slots=True)
class FirstRunOptions:
    """What the page of the first run needs.

    Attributes:
        port: at which it listens.
        storage: `storage.dir`, for the certificate and the node's socket.
        folder: of the first run, where answers are handed over.
        helper: the command of the process that tries cameras and brokers.
        code: what is kept of the code.
    """

    port: int
    storage: Path
    folder: Path
    helper: tuple[str, ...]
    code: CodeState

    @classmethod
    def read(cls, text: str) -> "FirstRunOptions":
        """Return the options in a line of JSON."""
        fields: dict[str, Any] = json.loads(text)
        return cls(
            fields["port"],
            Path(fields["storage"]),
            Path(fields["folder"]),
            tuple(fields["helper"]),
            CodeState.from_fields(fields["code"]),
        )


def build_application(options: FirstRunOptions, helper: Helper, backend: Backend | None = None) -> ASGIApp:
    """Return the page of the first run."""
    files = PageFiles(options.storage)
    gate = CodeGate(options.code, time.monotonic)
    passwords = PasswordFile(files)
    door = FirstRunDoor(gate, passwords, machine_names)
    sessions, pages = Sessions(files, SystemBootTime()), Pages("Facenode", lambda: None)
    views = FirstRunViews(
        gate, door, sessions, helper=helper, backend=backend or Backend(options.storage, helper),
        hand_over=HandOver(options.folder), keep=lambda: keep(passwords, options.port), pages=pages,
    )  # fmt: skip

    async def refused(request: Request, error: Exception) -> Response:
        form = isinstance(error, FormRefusedError)
        status = error.status_code if isinstance(error, HTTPException) else 500
        known = {404: "error.not_found", 405: "error.method", 500: "error.internal"}
        text = "refused.form" if form else known.get(status, "error.form")
        return pages.show_plain(visit_of(request), "problem.html", status, sentence=say(text))

    routes = [
        Mount("/static", StaticFiles(directory=_STATIC)),
        Route("/login", views.login, methods=["GET", "POST"]),
        Route("/", views.endpoint(views.show)),
        Route("/step/{step}", views.endpoint(views.show)),
        Route("/step/{step}", views.change(views.take, "/step/{step}"), methods=["POST"]),
        Route("/still", views.endpoint(views.still)),
        Route("/progress", views.endpoint(views.progress)),
        Route("/enroll", views.change(views.enroll, "/progress"), methods=["POST"]),
        Route("/blueprint", views.endpoint(views.blueprint)),
        Route("/end", views.change(views.end, "/progress"), methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: refused, Exception: refused})
    return Guard(app, door, sessions, pages, load_texts())


def main() -> int:
    """Serve the page that a line of JSON on standard input describes. Return the exit code."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        options = FirstRunOptions.read(sys.stdin.readline())
        certificate = ensure(PageFiles(options.storage), certificate_names(()), datetime.now(UTC))
        listener = listen("lan", options.port, {})
        print_line(f"address      {page_url('lan', options.port, ())}")
        print_line(f"fingerprint  {certificate.fingerprint} (SHA-256)")
        helper = HelperProcess(options.helper)
        timer = threading.Timer(LASTS_S, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()
        try:
            serve(build_application(options, helper), Serving(listener.sockets, certificate, None))
        finally:
            helper.close()
    except FacenodeError as error:
        print_error(error)
        return error.exit_code
    except OSError as error:
        print_error(f"{error.filename or 'page'}: {error.strerror or error}")
        return ServeError.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
