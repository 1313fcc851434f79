"""A command -> a process that is started again when it fails, and ends when the app ends."""

import logging
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from start.restarts import BAD_SETTINGS, Outcome, Restarts

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """As whom a process runs.

    Attributes:
        uid: number of the user.
        gid: number of the group.
        groups: further groups.
    """

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process is started.

    Attributes:
        name: in the log.
        command: the program and its arguments.
        environ: its environment.
        account: returns as whom it runs; None for this process's own user.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    account: Callable[[], Account | None]


class Program:
    """A process of the app.

    Args:
        launch: how it is started.
        restarts: when it is started again.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, launch: Launch, restarts: Restarts, mono_s: Callable[[], float] = time.monotonic) -> None:
        self._launch, self._restarts, self._mono_s = launch, restarts, mono_s
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._due_s: float | None = 0.0

    def look(self) -> int | None:
        """Start it if it is due; return its exit code once it is over for good."""
        if self._process is None:
            if self._due_s is not None and self._mono_s() >= self._due_s:
                self._start()
            return None
        code = self._process.poll()
        if code is None:
            return None
        self._process = None
        outcome, pause_s = self._restarts.after(code, self._mono_s() - self._started_s)
        if outcome is Outcome.OVER:
            self._due_s = None
            if code == BAD_SETTINGS:
                _log.error(
                    "app: the %s cannot run with these options: change them, and start the app again", self._launch.name
                )
            return code
        _log.warning("app: the %s ended (%s): it is started again in %.0f s", self._launch.name, _ending(code), pause_s)
        self._due_s = self._mono_s() + pause_s
        return None

    def restart(self, timeout_s: float) -> None:
        """End it and let the next look start it."""
        self.end(timeout_s)
        self._due_s = self._mono_s()

    def end(self, timeout_s: float) -> None:
        """End it for good: by SIGTERM, and after a while by SIGKILL."""
        self._due_s = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                _log.warning("app: the %s does not end: it is killed", self._launch.name)
                self._process.kill()
                self._process.wait()
            self._process = None

    def _start(self) -> None:
        account = self._launch.account()
        self._started_s = self._mono_s()
        self._process = subprocess.Popen(  # noqa: S603 - the app's own programs
            self._launch.command,
            env=self._launch.environ,
            stdin=subprocess.DEVNULL,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else account.groups,
            umask=0o077,
        )


def without_token(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that opens nothing at the Supervisor."""
    return {name: value for name, value in environ.items() if name not in ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")}


def account_of(uid: int, gid: int, groups: Callable[[], tuple[int, ...]]) -> Callable[[], Account | None]:
    """Return what gives the account of a process, with the groups of the cameras that are there by then."""
    return lambda: Account(uid, gid, groups()) if os.geteuid() == 0 else None


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
