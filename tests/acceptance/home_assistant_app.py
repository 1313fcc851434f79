"""The app and a Docker Engine -> the app installed, started, updated, backed up and restored as the Supervisor does."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from checkout_copy import copy_checkout
from debian_root import CACHE
from docker_engine import DockerEngine
from played_supervisor import ADDRESS, GATEWAY, SUBNET, PlayedSupervisor
from process import run

ROOT = Path(__file__).resolve().parents[2]
APP_ADDRESS = "172.30.33.7"
OLDER = "0.0.9"
_NAME, _HOST = "app_local_facenode", "local-facenode"
_STOP_S = 60


def lay_out(folder: Path, version: str = "") -> Path:
    """Lay out the app of this checkout, for this machine's architecture, and return its folder.

    Args:
        folder: for the files.
        version: of the program, unless its own.
    """
    source = folder / "source"
    copy_checkout(source)
    if version:
        (source / "node/__init__.py").write_text(
            f'"""Another version of the program."""\n\n__version__ = "{version}"\n', encoding="utf-8"
        )
    tools = next(each for each in (ROOT / ".venv-fleet/bin", ROOT / ".venv-release/bin") if (each / "uv").exists())
    run(
        tools / "python", ROOT / "ansible/tools/app_repository.py", "--source", source, "--folder", folder,
        "--wheelhouse", CACHE / "app-wheels", "--architecture", "amd64", timeout_s=1200,
    )  # fmt: skip
    return folder / "homeassistant" / "facenode"


class InstalledApp:
    """The app as the Supervisor runs it.

    Args:
        engine: the Docker Engine.
        supervisor: the played Supervisor.
        folder: for /data, as the Supervisor keeps it.

    Attributes:
        data: the folder /data of the app.
        environ: further variables of the container.
    """

    def __init__(self, engine: DockerEngine, supervisor: PlayedSupervisor, folder: Path) -> None:
        self._engine, self._supervisor = engine, supervisor
        self.data = folder / "data"
        self.data.mkdir()
        self.config: dict[str, Any] = {}
        self._image = ""

    def install(self, app: Path) -> None:
        """Build the image as the Supervisor does, from the folder of the app; an update keeps /data."""
        self.config = yaml.safe_load((app / "config.yaml").read_text(encoding="utf-8"))
        version = self.config["version"]
        self._image = f"local/amd64-addon-facenode:{version}"
        # The Supervisor's own command has `--pull`, which needs a registry; and this engine has no bridge to build in.
        self._engine.docker(
            "build", app, "--tag", self._image, "--file", app / "Dockerfile", "--platform", "linux/amd64",
            "--network", "host", "--label", "io.hass.type=app", "--build-arg", f"BUILD_VERSION={version}",
            "--build-arg", "BUILD_ARCH=amd64",
        )  # fmt: skip

    def start(self, options: Mapping[str, Any]) -> None:
        """Write the options and start a new container, as each start does."""
        for left in self._engine.docker("ps", "--all", "--quiet", "--filter", f"name={_NAME}").split():
            self._engine.docker("rm", "--force", left)
        (self.data / "options.json").write_text(json.dumps(options), encoding="utf-8")
        self._engine.docker(
            "run", "--detach", "--init", "--name", _NAME, "--hostname", _HOST, "--network", "hassio",
            "--ip", APP_ADDRESS, "--add-host", f"supervisor:{ADDRESS}", "--add-host", f"core-mosquitto:{GATEWAY}",
            "--tmpfs", "/tmp", "--volume", f"{self.data}:/data", "--volume", "/dev:/dev:ro",  # noqa: S108
            "--security-opt", "seccomp=unconfined", "--env", "TZ=Europe/Berlin",
            "--env", f"SUPERVISOR_TOKEN={self._supervisor.token}", "--env", f"HASSIO_TOKEN={self._supervisor.token}",
            self._image,
        )  # fmt: skip

    def stop(self) -> int:
        """Stop and remove the container; return its exit code."""
        self._engine.docker("stop", "--time", str(self.config["timeout"]), _NAME)
        return self.remove()

    def remove(self) -> int:
        """Remove the container; return its exit code."""
        code = int(self.inspect("{{.State.ExitCode}}"))
        self._engine.docker("rm", "--force", _NAME)
        return code

    def wait(self) -> int:
        """Wait until the container ends by itself; return its exit code."""
        return int(self._engine.docker("wait", _NAME))

    def log(self) -> str:
        """Return the log of the container."""
        return self._engine.docker("logs", _NAME)

    def inspect(self, form: str) -> str:
        """Return what Docker says about the container."""
        return self._engine.docker("inspect", "--format", form, _NAME).strip()

    def run_inside(self, *command: str, user: str = "root") -> str:
        """Run a command in the container."""
        return self._engine.docker("exec", "--user", user, _NAME, *command)

    def people(self) -> list[str]:
        """Return the ids of the people, as the app's own command lists them."""
        lines = self.run_inside("facenode", "people", "list", "--json").splitlines()
        return sorted(json.loads(line)["id"] for line in lines if line.startswith("{"))

    def back_up(self, archive: Path) -> list[str]:
        """Write a backup as the Supervisor does, while the app runs; return the names of the files in it."""
        excluded = self.config["backup_exclude"]

        def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
            path = self.data / Path(member.name).relative_to("data")
            return None if any(path.match(pattern) for pattern in excluded) else member

        with tarfile.open(archive, "w:gz") as content:
            content.add(self.data, "data", filter=wanted)
        with tarfile.open(archive) as content:
            return sorted(member.name.removeprefix("data/") for member in content if member.isfile())

    def restore(self, archive: Path) -> None:
        """Replace /data by that of a backup, as the Supervisor does with a stopped app."""
        shutil.rmtree(self.data)
        with tarfile.open(archive) as content:
            content.extractall(self.data.parent, filter="fully_trusted")  # noqa: S202 - the test's own, with owners


def add_supervisor_address(engine: DockerEngine, bridge: str) -> None:
    """Make the network of the apps, and the Supervisor's address this machine's."""
    engine.docker(
        "network", "create", "--driver", "bridge", "--subnet", SUBNET, "--gateway", GATEWAY,
        # Apps get addresses of the upper half: nobody but the Supervisor has its address.
        "--ip-range", "172.30.33.0/24", "--aux-address", f"supervisor={ADDRESS}",
        "--opt", f"com.docker.network.bridge.name={bridge}", "hassio",
    )  # fmt: skip
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/23", "dev", bridge], check=True)
