"""A root with RabbitMQ -> brokers on loopback that form a cluster."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mosquitto_broker import eventually, free_port, listens

from node.settings import MqttSettings

_UP_S, _JOIN_S = 90.0, 90.0
# The mounts end with the command, so none is left behind, whatever happens to the test.
_CHROOT_SCRIPT = 'for each in proc dev; do mount --rbind "/$each" "$1/$each"; done; exec chroot "$@"'
_CONFIG = """
listeners.tcp.1 = 127.0.0.1:{amqp}
mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt}
mqtt.allow_anonymous = true
mqtt.durable_queue_type = {queues}
cluster_formation.peer_discovery_backend = classic_config
{peers}
log.console = true
log.console.level = info
log.file = false
"""


class RabbitmqBroker:
    """One broker of a cluster.

    Args:
        root: the root with RabbitMQ.
        folder: this broker's folder, inside the root.
        name: this broker's node name.
        epmd: the port of epmd, which knows the ports of all brokers.
        log: its log file.

    Attributes:
        port: its MQTT port.
    """

    def __init__(self, root: Path, folder: Path, name: str, epmd: int, log: Path) -> None:
        self._root, self._folder, self.name, self._log = root, folder, name, log
        self._amqp, self.port, distribution = free_port(), free_port(), free_port()
        inside = Path("/") / folder.relative_to(root)
        self._environment = {
            "HOME": "/root",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # The broker replaces its start script, which would otherwise wait for it and survive a kill.
            "RUNNING_UNDER_SYSTEMD": "1",
            "RABBITMQ_NODENAME": name,
            "RABBITMQ_NODE_PORT": str(self._amqp),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": f"{inside}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{inside}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{inside}/db",
            "RABBITMQ_LOG_BASE": f"{inside}/log",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, names: Sequence[str], queues: str) -> None:
        """Write its configuration: the cluster's members, and the queue type of sessions."""
        self._folder.mkdir(parents=True)
        peers = "\n".join(
            f"cluster_formation.classic_config.nodes.{number} = {name}" for number, name in enumerate(names, 1)
        )
        text = _CONFIG.format(amqp=self._amqp, mqtt=self.port, queues=queues, peers=peers)
        (self._folder / "rabbitmq.conf").write_text(text)
        (self._folder / "plugins").write_text("[rabbitmq_mqtt].\n")

    def start(self) -> None:
        """Start it; it joins the cluster."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command_inside(self._root, "/usr/lib/rabbitmq/bin/rabbitmq-server"),
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until it accepts MQTT connections."""
        assert eventually(lambda: listens("127.0.0.1", self.port), _UP_S), self._log.read_text()[-4000:]

    @property
    def process_group(self) -> int:
        """The process group of the broker and its children; 0 if it is not running."""
        return 0 if self._process is None else self._process.pid

    def restart_if_down(self) -> None:
        """Start it again if it is not running."""
        if self._process is not None and self._process.poll() is None:
            return
        self.kill()
        self.start()
        self.wait()

    def kill(self) -> None:
        """Kill it with SIGKILL, as a power cut would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def rabbitmqctl(self, *command: str) -> str:
        """Run `rabbitmqctl` and return its output."""
        done = subprocess.run(
            command_inside(self._root, "/usr/lib/rabbitmq/bin/rabbitmqctl", *command),
            env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class RabbitmqCluster:
    """A cluster of brokers, running for as long as the context lasts.

    Args:
        root: the root with RabbitMQ.
        folder: the folder of the logs.
        count: the number of brokers.
        queues: the queue type of sessions, `classic` or `quorum`.

    Attributes:
        brokers: the brokers.
    """

    def __init__(self, root: Path, folder: Path, count: int = 3, queues: str = "quorum") -> None:
        self._root, self._queues, self._log = root, queues, folder / "epmd.log"
        self._folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=root / "tmp"))
        self._epmd_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        self.brokers = tuple(
            RabbitmqBroker(
                root, self._folder / str(number), f"r{number}@localhost", self._epmd_port, folder / f"r{number}.log"
            )
            for number in range(1, count + 1)
        )

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settings(self, *order: int, **more: object) -> MqttSettings:
        """Return the settings that try the brokers in this order, numbered from 0; by default in their own."""
        return MqttSettings.model_validate({"host": self.hosts(*order), **more})

    def hosts(self, *order: int) -> str:
        """Return the `mqtt.host` that tries the brokers in this order, numbered from 0; by default in their own."""
        return ",".join(f"127.0.0.1:{self.brokers[number].port}" for number in order or range(len(self.brokers)))

    def close(self) -> None:
        """Stop all processes."""
        for broker in self.brokers:
            broker.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        (self._root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        for cookie in (self._root / "var/lib/rabbitmq/.erlang.cookie", self._root / "root/.erlang.cookie"):
            cookie.unlink(missing_ok=True)
            cookie.write_text("acceptance")
            cookie.chmod(0o400)
        with self._log.open("ab") as log:
            # In the foreground, so that it ends with the cluster; one that a broker starts would survive it.
            self._epmd = subprocess.Popen(
                command_inside(self._root, "/usr/bin/epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert eventually(lambda: listens("127.0.0.1", self._epmd_port), 20), self._log.read_text()
        names = [broker.name for broker in self.brokers]
        for broker in self.brokers:
            broker.configure(names, self._queues)
            broker.start()
        for broker in self.brokers:
            broker.wait()
        first = self.brokers[0]
        assert eventually(lambda: all(name in first.rabbitmqctl("cluster_status") for name in names), _JOIN_S)


def command_inside(root: Path, *command: str) -> tuple[str, ...]:
    """Return the command that runs another one inside the root, with the same process id."""
    return ("unshare", "--mount", "sh", "-ec", _CHROOT_SCRIPT, "sh", str(root), *command)
