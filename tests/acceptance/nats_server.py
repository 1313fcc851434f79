"""A configuration -> a NATS server of Debian 14, a process of its own."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from debian_root import command_inside
from mosquitto_broker import eventually, listens

_UP_S = 60.0
_STOP_S = 60.0


class NatsServer:
    """One server.

    Args:
        root: the root with NATS.
        name: its name, and that of its log.
        logs: the folder of its log.
        port: the MQTT port that it opens.
        heap_bytes: the memory from which on it saves memory, as its unit says; 0: it does not.

    Attributes:
        name: its name.
        port: its MQTT port.
        folder: its folder inside the root, which is removed when it is closed.
        store: where it stores its streams.
    """

    def __init__(self, root: Path, name: str, logs: Path, port: int, heap_bytes: int = 0) -> None:
        self._root, self.name, self.port = root, name, port
        self._environ = {"GOMEMLIMIT": str(heap_bytes)} if heap_bytes else {}
        self._log = logs / f"{name}.log"
        (root / "tmp").mkdir(exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="nats-", dir=root / "tmp"))
        self.store = self.folder / "store"
        self.store.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    def inside(self, file: Path) -> Path:
        """Return the path of a file of its folder as the server sees it."""
        return Path("/") / file.relative_to(self._root)

    @property
    def pid(self) -> int:
        """The process id; 0 if it is not running."""
        return 0 if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._process is not None and self._process.poll() is None

    def configure(self, text: str) -> None:
        """Write its configuration."""
        file = self.folder / "server.conf"
        file.touch(mode=0o600)
        file.write_text(text)

    def start(self) -> None:
        """Start it; its MQTT port opens before the cluster is ready."""
        command = command_inside(
            self._root, "/usr/sbin/nats-server", "-c", str(self.inside(self.folder / "server.conf"))
        )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"]} | self._environ, start_new_session=True,
            )  # fmt: skip
        assert eventually(lambda: listens("127.0.0.1", self.port) or not self.running, _UP_S), self.log()
        assert self.running, self.log()

    def start_if_down(self) -> None:
        """Start it unless it is running."""
        if not self.running:
            self.kill()
            self.start()

    def kill(self) -> None:
        """Kill it with SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def stop(self) -> None:
        """Stop it with SIGINT, as its systemd unit does."""
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait(_STOP_S)
            self._process = None

    def reload(self) -> None:
        """Let it read its configuration again."""
        assert self._process is not None
        self._process.send_signal(1)

    def log(self) -> str:
        """Return its log."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
