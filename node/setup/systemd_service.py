"""The service `facenode` of systemd, and the node that it runs."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from node.errors import PeopleError, SetupError, StorageError
from node.requests.local_client import call
from node.requests.verb import Verb
from node.system.privileges import as_owner

UNIT = "facenode.service"
_BOOTED = Path("/run/systemd/system")
"""Exists where systemd runs: sd_booted(3)."""
_COMMAND_S = 150.0
"""Longer than the unit gives the node to start."""

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command, and returns its exit code and what it printed."""


def run_command(command: Sequence[str]) -> tuple[int, str]:
    """Run a command without a shell; return its exit code and what it printed."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands below, with fixed arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_COMMAND_S, check=False
        )
    except OSError as error:
        return 127, str(error)
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {_COMMAND_S:.0f} s"
    return done.returncode, (done.stderr or done.stdout).strip()


def reason(code: int, text: str) -> str:
    """Return why a command failed: the first line that it printed, else its exit code."""
    return text.splitlines()[0] if text else f"exit code {code}"


class SystemdService:
    """The service that runs the node.

    Args:
        storage: `storage.dir` of the settings that it reads.
        managed: whether it reads the settings that are written; if not, there is nothing to start.
        run: runs a command.
        booted: exists where systemd runs.
    """

    def __init__(
        self, storage: Callable[[], Path], *, managed: bool, run: Run = run_command, booted: Path = _BOOTED
    ) -> None:
        self._storage, self._managed, self._run, self._booted = storage, managed, run, booted

    @property
    def present(self) -> bool:
        """Whether there is a service to start."""
        return self._managed and self._booted.is_dir() and self._run(("systemctl", "cat", UNIT))[0] == 0

    def restart(self) -> None:
        """Start the service, also at each boot; restart it if it runs.

        Raises:
            SetupError: it does not start.
        """
        for command in (("systemctl", "enable", UNIT), ("systemctl", "restart", UNIT)):
            code, text = self._run(command)
            if code:
                raise SetupError(
                    f"{' '.join(command)}: {reason(code, text)}: the settings are written; see `journalctl -u facenode`"
                )

    def report(self) -> Mapping[str, object] | None:
        """Return what the running node says of itself; None while none answers."""
        try:
            storage = self._storage()
            with as_owner(storage):
                return dict(call(storage, Verb.CHECK))
        except (PeopleError, StorageError, TypeError, ValueError):
            return None

    def enroll(self, person: str, name: str) -> int:
        """Enroll whoever looks into the camera of the running node, and return how many faces of them are known.

        Raises:
            PeopleError: nobody could be enrolled.
        """
        storage = self._storage()
        try:
            with as_owner(storage):
                answer = call(storage, Verb.PEOPLE_ENROLL, id=person, name=name)
        except StorageError as error:
            raise PeopleError(str(error)) from error
        return int(answer["faces"])

    def wait(self, seconds: float) -> float:
        """Let time pass, and return seconds of the monotonic clock."""
        time.sleep(seconds)
        return time.monotonic()
