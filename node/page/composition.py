"""Options -> the page, with every concrete class that it is made of."""

import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.types import ASGIApp

from node.page.application import Parts, build_application
from node.page.backend import Backend
from node.page.boot_time import SystemBootTime
from node.page.doors.door import Door
from node.page.doors.ingress import IngressDoor
from node.page.doors.lan import LanDoor
from node.page.doors.loopback import LoopbackDoor
from node.page.doors.supervisor import SupervisorUsers
from node.page.helper_process import HelperProcess
from node.page.listening import listen
from node.page.login_link import LoginLink
from node.page.names import certificate_names, machine_names
from node.page.options import PageOptions
from node.page.own_certificate import Certificate, ensure
from node.page.page_files import PageFiles
from node.page.page_url import page_url
from node.page.password import PasswordFile
from node.page.server import IDLE_S, Serving, serve
from node.page.sessions import Sessions
from node.page.texts import load_texts

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """The page, ready to be served.

    Attributes:
        application: answers.
        serving: how it is served.
        helper: its own process.
        activated: whether systemd opened its socket.
        address: at which the network reaches it; None at another door.
    """

    application: ASGIApp
    serving: Serving
    helper: HelperProcess
    activated: bool
    address: str | None

    @property
    def fingerprint(self) -> str:
        """By which a browser's owner knows that it is this page; empty without HTTPS."""
        return self.serving.certificate.fingerprint if self.serving.certificate else ""

    def run(self) -> None:
        """Serve it until a signal asks for a stop, or until nobody has asked for a while."""
        try:
            serve(self.application, self.serving)
        finally:
            self.helper.close()


def build_page(options: PageOptions) -> Page:
    """Return the page that options describe.

    Raises:
        ServeError: it cannot listen.
        OSError: a file of it cannot be read or written.
    """
    files = PageFiles(options.storage)
    boot_time, password = SystemBootTime(), PasswordFile(files)
    certificate = _certificate(options, files)
    listener = listen(options.door, options.port)
    helper = HelperProcess(options.helper)
    parts = Parts(
        node_name=options.node_name,
        door=_door(options, password),
        sessions=Sessions(files, boot_time),
        password=password,
        link=LoginLink(files),
        boot_time=boot_time,
        backend=Backend(options.storage, helper),
        texts=load_texts(),
    )
    _log.info("page: open by the door %s", options.door)
    serving = Serving(listener.sockets, certificate, IDLE_S if listener.activated else None)
    address = page_url(options.door, options.port, options.hosts) if certificate else None
    return Page(build_application(parts), serving, helper, listener.activated, address)


def _door(options: PageOptions, password: PasswordFile) -> Door:
    if options.door == "lan":
        return LanDoor(password, machine_names, options.hosts)
    if options.door == "ingress":
        return IngressDoor(password, SupervisorUsers(os.environ.get("SUPERVISOR_TOKEN", "")))
    return LoopbackDoor(options.hosts)


def _certificate(options: PageOptions, files: PageFiles) -> Certificate | None:
    if options.door != "lan":
        return None
    return ensure(files, certificate_names(options.hosts), datetime.now(UTC))
