"""The app: read the options, ask for the broker, run the node and its page until a signal asks for a stop."""

import logging
import os
import pwd
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from start.broker_files import BrokerFiles
from start.errors import AppError
from start.mqtt_service import URL, ServiceApi
from start.options import Surroundings, read_options
from start.program import Launch, Program, account_of, without_token
from start.restarts import Restarts
from start.storage import camera_groups, hand_over, place_storage

_LOOK_S, _FOLLOW_S = 0.5, 60.0
_NODE_END_S, _PAGE_END_S = 15.0, 5.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are in the container.

    Attributes:
        data: the folder that the Supervisor keeps, with the options.
        settings: the folder of the settings file, where every command of Facenode finds it.
        run: the folder of the file that says that the node is ready.
        service: address of the Supervisor's service.
        facenode: the program.
    """

    data: Path = Path("/data")
    settings: Path = Path("/etc/facenode")
    run: Path = Path("/run/facenode")
    service: str = URL
    facenode: Sequence[str] = ("facenode",)


def main() -> int:
    """Run the app. Return its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    user = pwd.getpwnam("facenode")
    try:
        return run_app(Places(), os.environ, user.pw_uid, user.pw_gid, stop)
    except AppError as error:
        logging.error("app: %s", error)  # noqa: LOG015, TRY400 - the last line of the app; a sentence, no traceback
        return error.exit_code
    except OSError as error:
        logging.error("app: %s", error)  # noqa: LOG015, TRY400 - as above
        return 1


def run_app(places: Places, environ: Mapping[str, str], uid: int, gid: int, stop: threading.Event) -> int:
    """Run the node and its page until a stop is asked for, or until one of them is over for good.

    Args:
        places: where things are.
        environ: of the app.
        uid: user of the node and the page.
        gid: their group.
        stop: set to end.

    Raises:
        AppError: the app cannot start.
        OSError: a folder cannot be used.
    """
    options = read_options(places.data / "options.json")
    storage = place_storage(places.data, backup_crops=options.backup_crops)
    for folder in (places.settings, places.run):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (storage, places.run):
        hand_over(folder, uid, gid)
    api = ServiceApi(environ.get("SUPERVISOR_TOKEN", ""), places.service)
    surroundings = Surroundings(storage, environ.get("TZ", ""))
    files = BrokerFiles(api.ask, options, surroundings, places.settings, gid)
    if not files.wait_for_broker(stop):
        return 0
    account = account_of(uid, gid, camera_groups)
    config, ready = ("--config", str(files.settings)), ("--ready", str(places.run / "ready"))
    node = Launch("node", (*places.facenode, "run", *config, *ready), without_token(environ), account)
    # The page asks the Supervisor who is an administrator, and so has the token.
    page = Launch("page", (*places.facenode, "page", *config), environ, account)
    return _run_both(Program(node, Restarts(lasting=False)), Program(page, Restarts(lasting=True)), files, stop)


def _run_both(node: Program, page: Program, files: BrokerFiles, stop: threading.Event) -> int:
    try:
        return _watch(node, page, files, stop)
    finally:
        page.end(_PAGE_END_S)
        node.end(_NODE_END_S)


def _watch(node: Program, page: Program, files: BrokerFiles, stop: threading.Event) -> int:
    asked_s = time.monotonic()
    while not stop.is_set():
        for program in (node, page):
            code = program.look()
            if code is not None:
                return code
        if time.monotonic() - asked_s >= _FOLLOW_S:
            asked_s = time.monotonic()
            if files.follow():
                node.restart(_NODE_END_S)
        stop.wait(_LOOK_S)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
