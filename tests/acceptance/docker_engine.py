"""A temporary folder -> a Docker Engine of its own, removed with everything in it when the context ends."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from debian_root import CACHE, debian_root, run_inside
from mosquitto_broker import eventually
from process import run

_START_S, _END_S = 60.0, 60.0
_PROGRAMS = {"docker": "docker.io", "dockerd": "docker.io", "docker-init": "docker.io", "unshare": "util-linux"}
_VARIABLE_PREFIXES = ("FACENODE", "DOCKER", "COMPOSE", "BUILDKIT")
"""Prefixes of environment variables that would change what is tested."""
_COMPOSE = "usr/libexec/docker/cli-plugins/docker-compose"
_FETCH = f"""
cd "$(mktemp -d)"
trap 'rm -rf "$PWD" /var/lib/apt/lists/*' EXIT
apt-get update -qq
apt-get download -qq docker-compose
dpkg-deb --fsys-tarfile docker-compose_*.deb | tar -x -O ./{_COMPOSE} >/opt/docker-compose
chmod 0755 /opt/docker-compose
"""


class DockerEngine:
    """A Docker Engine with its own data, socket, processes and mounts.

    It touches neither the machine's firewall nor a running engine. Its processes and mounts have their own namespace
    and end with it, even if the test is killed. Since it has no bridge before Compose makes one, images are built with
    the machine's network.

    Attributes:
        environ: the environment in which `docker` uses this engine.
    """

    def __init__(self) -> None:
        for program, package in _PROGRAMS.items():
            if shutil.which(program) is None:
                pytest.skip(f"no {program} program: install the package {package}")
        if os.geteuid() != 0:
            pytest.skip("Docker Engine needs root")
        # In /tmp, since the path of a socket is limited to 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="facenode-engine-", dir="/tmp"))
        kept = {name: value for name, value in os.environ.items() if name.split("_")[0] not in _VARIABLE_PREFIXES}
        self.environ = kept | {
            "DOCKER_HOST": f"unix://{self._folder}/socket",
            "DOCKER_CONFIG": str(self._folder / "config"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            _install_compose(self._folder / "config" / "cli-plugins")
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def docker(self, *arguments: str | Path) -> str:
        """Run `docker` and return its output."""
        return run("docker", *arguments, environ=self.environ)

    def import_root(self, root: Path, image: str) -> None:
        """Make an image from a root folder."""
        archive = self._folder / "root.tar"
        left_out = [f"--exclude=./{name}/*" for name in ("opt", "proc", "dev")]
        run("tar", "--one-file-system", *left_out, "-C", root, "-cf", archive, ".")
        self.docker("import", archive, image)
        archive.unlink()

    def all_resources(self) -> set[str]:
        """Return the names of all containers, networks and volumes, and of the machine's bridges."""
        return {
            *self.docker("container", "ls", "--all", "--format", "{{.Names}}").split(),
            *self.docker("network", "ls", "--format", "{{.Name}}").split(),
            *self.docker("volume", "ls", "--format", "{{.Name}}").split(),
            *(path.parent.name for path in Path("/sys/class/net").glob("*/bridge")),
        }

    def _start(self) -> None:
        command = [
            "setpriv", "--pdeathsig", "KILL",
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "docker-init", "--",
            "dockerd", "--host", self.environ["DOCKER_HOST"],
            "--data-root", self._folder / "data", "--exec-root", self._folder / "exec",
            "--pidfile", self._folder / "pid", "--cgroup-parent", f"/{self._folder.name}",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--storage-driver=overlay2",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ]  # fmt: skip
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        self._process = process
        eventually(lambda: self._answers() or process.poll() is not None, _START_S)
        if not self._answers():
            pytest.fail(f"dockerd does not answer:\n{(self._folder / 'log').read_text()}")

    def _answers(self) -> bool:
        asked = subprocess.run(["docker", "version"], env=self.environ, capture_output=True, check=False)
        return asked.returncode == 0

    def _end(self) -> None:
        if self._process is not None:
            if self._answers():
                containers = self.docker("ps", "--all", "--quiet").split()
                if containers:
                    self.docker("rm", "--force", "--volumes", *containers)
                # A network is a bridge of the machine and would outlive the engine.
                self.docker("network", "prune", "--force")
            # `unshare` ignores the signal, but ends with the last process of its namespace.
            for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGTERM)
            self._process.wait(_END_S)
        shutil.rmtree(self._folder)
        for pattern in (self._folder.name, f"*/{self._folder.name}"):  # one hierarchy, or one for each controller
            for group in Path("/sys/fs/cgroup").glob(pattern):
                for folder, _, _ in os.walk(group, topdown=False):
                    Path(folder).rmdir()


def _install_compose(plugins: Path) -> None:
    """Install Docker Compose 2 in a plugin folder, unless the machine has it; it comes from Debian 13."""
    plugins.mkdir(parents=True)
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return
    cached = CACHE / "docker-compose"
    if not cached.exists():
        root = debian_root()
        run_inside(root, "bash", "-ec", _FETCH)
        shutil.move(root / "opt" / "docker-compose", cached)
    (plugins / "docker-compose").symlink_to(cached)
