"""`facenode setup --page`: the door for the first run, opened by root, and the one-shot that writes its answers."""

import grp
import json
import os
import pwd
import socket
import subprocess
import sys
import time
from pathlib import Path

from node.commands.page.helper import answer_all
from node.commands.setup.helper import SetupAnswers
from node.commands.setup.surroundings import GROUP, surroundings
from node.errors import FacenodeError, SettingsError, SetupError
from node.page.page_url import page_url
from node.settings.loader import DEFAULT_FILE, load
from node.settings.page import PageSettings
from node.setup.camera_look import LocalCameras
from node.setup.code import LASTS_S, CodeState, new_code
from node.setup.first_run import World, apply
from node.setup.one_shot import CODE, INBOX, KEEP, RESULT, take_answers, write_result
from node.setup.page_socket import PageSocket
from node.setup.systemd_service import reason, run_command
from node.system.files import write_privately
from node.system.stop_signals import on_stop
from node.system.terminal import print_error, print_line

FOLDER = Path("/run/facenode-setup")
PATH_UNIT = "facenode-setup.path"
_ROOT = 0
_END_S = 10.0


def open_page(*, again: bool) -> int:
    """Open the page of the first run, and close it when the owner has ended it or after half an hour.

    The page for every day has its address from then on, if the owner keeps one or had one before.

    Raises:
        SetupError: settings exist, or this machine is not as a package makes it.
    """
    if DEFAULT_FILE.exists() and not again:
        raise SetupError(f"{DEFAULT_FILE} exists: use --again to set this machine up anew")
    if os.geteuid() != _ROOT:
        raise SetupError("the first run needs root: run `sudo facenode setup --page`")
    code, state_s = new_code(), time.monotonic()
    state = CodeState.of(code, state_s)
    user = _prepare(FOLDER, state)
    everyday, paused = PageSocket(), False
    try:
        paused = everyday.pause()
        started, text = run_command(("systemctl", "start", PATH_UNIT))
        if started:
            raise SetupError(f"{PATH_UNIT} does not start: {reason(started, text)}: install the package")
        print_line(f"code         {code}")
        return _serve(user, state)
    finally:
        run_command(("systemctl", "stop", PATH_UNIT))
        kept = (FOLDER / KEEP).exists()
        _remove(FOLDER)
        if kept:
            keep_page(everyday)
        elif paused:
            everyday.resume()


def keep_page(everyday: PageSocket) -> None:
    """Open the page for every day to the network.

    Args:
        everyday: its socket.

    Raises:
        SetupError: it cannot be opened.
    """
    page = load(DEFAULT_FILE, environ={}).page
    everyday.open_to_network(page.port)
    print_line(f"The page stays at {page_url(page.door, page.port, page.hosts)}")
    print_line("`sudo facenode page --new-password` sets a new password for it.")


def carry_out(folder: Path = FOLDER, world: World | None = None) -> int:
    """Take the answers that the page has handed over, once, and write what came of it.

    Args:
        folder: of the first run.
        world: where they are carried out; this machine unless given.
    """
    sentence: str | None = None
    try:
        answers = take_answers(folder, time.monotonic())
        for said in apply(world or surroundings(None).world, answers):
            print_line(said.text)
        if answers.page.keep:
            (folder / KEEP).touch(mode=0o600)
    except FacenodeError as error:
        sentence = str(error)
        print_error(sentence)
    write_result(lambda content: _write_result(folder, content), sentence)
    return 0 if sentence is None else 1


def answer_page() -> int:
    """Answer the questions of the page, as the user of the service, on the socket that is standard input."""
    around = surroundings(None, writes=False)
    cameras = around.world.cameras
    assert isinstance(cameras, LocalCameras)  # noqa: S101 - `surroundings` makes them
    with socket.socket(fileno=0) as connection:
        answer_all(SetupAnswers(around, cameras), connection)
    return 0


def _prepare(folder: Path, state: CodeState) -> pwd.struct_passwd:
    """Make the folder of the first run: root's own, with an inbox that is the service's user's."""
    try:
        user, group = pwd.getpwnam(GROUP), grp.getgrnam(GROUP)
    except KeyError as error:
        raise SetupError(f"this machine has no user {GROUP}: install the package") from error
    _remove(folder)
    folder.mkdir(mode=0o750)
    os.chown(folder, _ROOT, group.gr_gid)
    (folder / INBOX).mkdir(mode=0o700)
    os.chown(folder / INBOX, user.pw_uid, group.gr_gid)
    write_privately(folder / CODE, json.dumps(state.fields()).encode())
    return user


def _serve(user: pwd.struct_passwd, state: CodeState) -> int:
    """Run the page as the user of the service until it ends, or until the code is of no use any more."""
    storage = Path("/var/lib/facenode")
    storage.mkdir(mode=0o700, exist_ok=True)
    os.chown(storage, user.pw_uid, user.pw_gid)
    options = {
        "port": _port(),
        "storage": str(storage),
        "folder": str(FOLDER),
        "helper": [sys.executable, "-m", "node.cli", "setup", "--helper"],
        "code": state.fields(),
    }
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    page = subprocess.Popen(
        [sys.executable, "-m", "node.page.first_run.composition"],
        stdin=subprocess.PIPE, text=True, user=user.pw_uid, group=user.pw_gid, extra_groups=groups, cwd="/",
        env={"HOME": str(storage), "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        with on_stop(page.terminate):
            page.communicate(json.dumps(options) + "\n", timeout=LASTS_S)
    except subprocess.TimeoutExpired:
        print_line("Half an hour is over: the page is closed.")
    finally:
        page.terminate()
        try:
            page.wait(_END_S)
        except subprocess.TimeoutExpired:
            page.kill()
            page.wait()
    return max(0, page.returncode)


def _port() -> int:
    """Return the port of the page for every day, which this page may become."""
    try:
        return load(environ={}, default_file=DEFAULT_FILE).page.port
    except SettingsError:  # settings that cannot be read are replaced
        return PageSettings().port


def _write_result(folder: Path, content: bytes) -> None:
    """Write a file that the page may read, and nobody may change but root."""
    part = folder / f".{RESULT}"
    write_privately(part, content)
    os.chown(part, -1, folder.stat().st_gid)
    part.chmod(0o640)
    part.replace(folder / RESULT)


def _remove(folder: Path) -> None:
    """Remove the folder of a first run and what is in it; whoever owns the inbox may have put anything there."""
    if os.path.lexists(folder):
        run_command(("rm", "-rf", "--one-file-system", str(folder)))
