"""The socket of the page for every day: open to the network, and out of the way while the first run has its address."""

from pathlib import Path

from node.errors import SetupError
from node.setup.systemd_service import Run, reason, run_command

UNIT = "facenode-page.socket"
DROP_IN = Path(f"/etc/systemd/system/{UNIT}.d/network.conf")
"""What `systemctl edit` would make; removing the package with its settings removes it, too."""


class PageSocket:
    """The unit of the page's address.

    Args:
        drop_in: where the address for the network is written.
        run: runs a command.
    """

    def __init__(self, drop_in: Path = DROP_IN, run: Run = run_command) -> None:
        self._drop_in, self._run = drop_in, run

    def pause(self) -> bool:
        """Close the address; return whether it was open."""
        if self._run(("systemctl", "is-active", "--quiet", UNIT))[0]:
            return False
        self._do("systemctl", "stop", UNIT, "facenode-page.service")
        return True

    def resume(self) -> None:
        """Open the address again, as it was.

        Raises:
            SetupError: it cannot be opened.
        """
        self._do("systemctl", "start", UNIT)

    def open_to_network(self, port: int) -> None:
        """Open the address to the network, now and at each boot.

        Args:
            port: at which it listens.

        Raises:
            SetupError: it cannot be opened.
        """
        try:
            self._drop_in.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._drop_in.write_text(
                f"# Made by `facenode setup`.\n[Socket]\nListenStream=\nListenStream={port}\n", encoding="ascii"
            )
            self._drop_in.chmod(0o644)
        except OSError as error:
            raise SetupError(f"{self._drop_in}: {error.strerror or error}: the page is not kept") from error
        self._do("systemctl", "daemon-reload")
        self._do("systemctl", "enable", UNIT)
        self._do("systemctl", "restart", UNIT)

    def _do(self, *command: str) -> None:
        code, text = self._run(command)
        if code:
            raise SetupError(f"{' '.join(command)}: {reason(code, text)}: see `systemctl status {UNIT}`")
