"""Settings -> the page, with every concrete class that it is made of."""

import logging
import os
from collections.abc import Sequence
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
from node.page.own_certificate import Certificate, ensure
from node.page.page_files import PageFiles
from node.page.password import PasswordFile
from node.page.server import IDLE_S, Serving, serve
from node.page.sessions import Sessions
from node.page.texts import load_texts
from node.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """The page, ready to be served.

    Attributes:
        application: answers.
        serving: how it is served.
        helper: its own process.
        activated: whether systemd opened its socket.
    """

    application: ASGIApp
    serving: Serving
    helper: HelperProcess
    activated: bool

    def run(self) -> None:
        """Serve it until a signal asks for a stop, or until nobody has asked for a while."""
        try:
            serve(self.application, self.serving)
        finally:
            self.helper.close()


def build_page(settings: Settings, files: PageFiles, helper_command: Sequence[str]) -> Page:
    """Return the page that the settings describe.

    Raises:
        FacenodeError: it cannot listen.
        OSError: a file of it cannot be read or written.
    """
    boot_time, password = SystemBootTime(), PasswordFile(files)
    listener = listen(settings.page.door, settings.page.port)
    helper = HelperProcess(helper_command)
    parts = Parts(
        node_name=settings.node.name or settings.node.id,
        door=_door(settings, password),
        sessions=Sessions(files, boot_time),
        password=password,
        link=LoginLink(files),
        boot_time=boot_time,
        backend=Backend(settings.storage.dir, helper),
        texts=load_texts(),
    )
    certificate = _certificate(settings, files)
    _log.info("page: open by the door %s", settings.page.door)
    serving = Serving(listener.sockets, certificate, IDLE_S if listener.activated else None)
    return Page(build_application(parts), serving, helper, listener.activated)


def _door(settings: Settings, password: PasswordFile) -> Door:
    page = settings.page
    if page.door == "lan":
        return LanDoor(password, machine_names, page.hosts)
    if page.door == "ingress":
        return IngressDoor(password, SupervisorUsers(os.environ.get("SUPERVISOR_TOKEN", "")))
    return LoopbackDoor(page.hosts)


def _certificate(settings: Settings, files: PageFiles) -> Certificate | None:
    if settings.page.door != "lan":
        return None
    return ensure(files, certificate_names(settings.page.hosts), datetime.now(UTC))
