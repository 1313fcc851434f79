"""A temporary folder -> a Docker Engine of the test's own, gone with all that it made when the context ends."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from debianroot import CACHE, debian_root, inside
from process import run

_START_S, _END_S = 60.0, 60.0
_PLUGIN = "usr/libexec/docker/cli-plugins/docker-compose"


class Engine:
    """Docker Engine with its own data, socket and process namespace.

    It touches neither the machine's firewall nor an engine that already runs. All its processes are in one process
    namespace and all its mounts in one mount namespace, so that they end with it, even where the test is killed.

    Attributes:
        environ: variables under which `docker` speaks to it.
    """

    def __init__(self) -> None:
        for program, package in {"dockerd": "docker.io", "unshare": "util-linux"}.items():
            if shutil.which(program) is None:
                pytest.skip(f"no {program} program: install the package {package}")
        if os.geteuid() != 0:
            pytest.skip("Docker Engine needs root")
        # A path of a socket may have no more than 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="facenode-engine-"))
        self._cgroup = self._folder.name
        self.environ = {
            "DOCKER_HOST": f"unix://{self._folder}/socket",
            "DOCKER_CONFIG": str(self._folder / "config"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def docker(self, *arguments: str | Path, code: int = 0) -> str:
        """Run `docker` and return what it printed."""
        return run("docker", *arguments, environ=self.environ, code=code)

    def import_root(self, root: Path, image: str) -> None:
        """Make an image of a root folder."""
        archive = self._folder / "root.tar"
        run(
            "tar", "--one-file-system", "--exclude=./opt/*", "--exclude=./proc/*", "--exclude=./dev/*",
            "-C", root, "-cf", archive, ".",
        )  # fmt: skip
        self.docker("import", archive, image)
        archive.unlink()

    def names(self, kind: str) -> set[str]:
        """Return the names of all that there is of a kind: container, network, volume."""
        filters = ["--all"] if kind == "container" else []
        field = "{{.Names}}" if kind == "container" else "{{.Name}}"
        return set(self.docker(kind, "ls", *filters, "--format", field).split())

    def _start(self) -> None:
        _plug_compose_in(Path(self.environ["DOCKER_CONFIG"]))
        command = [
            "setpriv", "--pdeathsig", "KILL",
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "dockerd", "--host", self.environ["DOCKER_HOST"],
            "--data-root", self._folder / "data", "--exec-root", self._folder / "exec",
            "--pidfile", self._folder / "pid", "--cgroup-parent", f"/{self._cgroup}",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
            "--storage-driver=overlay2",
        ]  # fmt: skip
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        pause = threading.Event()
        for _ in range(int(_START_S / 0.25)):
            if self._answers() or self._process.poll() is not None:
                break
            pause.wait(0.25)
        if not self._answers():
            pytest.fail(f"dockerd does not answer:\n{(self._folder / 'log').read_text()}")

    def _answers(self) -> bool:
        asked = subprocess.run(
            ["docker", "version"], env={**os.environ, **self.environ}, capture_output=True, check=False
        )
        return asked.returncode == 0

    def _end(self) -> None:
        if self._process is not None:
            if self._answers():
                containers = self.docker("ps", "--all", "--quiet").split()
                if containers:
                    self.docker("rm", "--force", "--volumes", *containers)
                # A network is a bridge of the machine, and would outlive the engine.
                self.docker("network", "prune", "--force")
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_END_S)
        shutil.rmtree(self._folder)
        for group in Path("/sys/fs/cgroup").glob(f"**/{self._cgroup}"):
            group.rmdir()


def _plug_compose_in(config: Path) -> None:
    """Give the configuration folder Docker Compose 2: the machine's, else that of Debian 13."""
    plugins = config / "cli-plugins"
    plugins.mkdir(parents=True)
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return
    cached = CACHE / "docker-compose"
    if not cached.exists():
        _fetch_compose(cached)
    (plugins / "docker-compose").symlink_to(cached)


def _fetch_compose(cached: Path) -> None:
    root = debian_root()
    script = """
        cd "$(mktemp -d)"
        trap 'rm -rf "$PWD" /var/lib/apt/lists/*' EXIT
        apt-get update -qq
        apt-get download -qq docker-compose
        dpkg-deb --fsys-tarfile docker-compose_*.deb | tar -x -O ./{PLUGIN} >/opt/docker-compose
        chmod 0755 /opt/docker-compose
    """
    inside(root, "bash", "-ec", script.replace("{PLUGIN}", _PLUGIN))
    shutil.move(root / "opt/docker-compose", cached)
