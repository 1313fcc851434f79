"""A Docker image -> its configuration and files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker_engine import DockerEngine

TOOLS = ("pip", "pip3", "ensurepip", "setuptools", "gcc", "cc", "g++", "make", "ld", "as", "git", "curl", "wget")
"""Programs and modules that build or download programs."""
_LABEL = "org.opencontainers.image."


@dataclass(frozen=True, slots=True)
class DockerImage:
    """A Docker image.

    Attributes:
        engine: the engine that has it.
        name: its name in that engine.
    """

    engine: DockerEngine
    name: str

    @property
    def labels(self) -> dict[str, str]:
        """Its OCI labels, without the standard's prefix."""
        found = self._config()["Labels"]
        return {name.removeprefix(_LABEL): text for name, text in found.items() if name.startswith(_LABEL)}

    @property
    def user(self) -> str:
        """The user that its program runs as."""
        return str(self._config()["User"])

    @property
    def checks_health(self) -> bool:
        """Whether it has a health check."""
        return "Healthcheck" in self._config()

    @property
    def size_mb(self) -> float:
        """The unpacked size in megabytes."""
        return int(self.engine.docker("image", "inspect", "--format", "{{.Size}}", self.name)) / 1e6

    def run(self, *arguments: str | Path) -> str:
        """Run its program with arguments on a read-only root without network."""
        return self.engine.docker(
            "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", self.name, *arguments
        )

    def setuid_files(self) -> list[str]:
        """Return the files that let a user become another one."""
        return self._find("-type", "f", "-perm", "/6000")

    def world_writable_files(self) -> list[str]:
        """Return root's files that everybody may write."""
        return self._find("-type", "f", "-user", "0", "-perm", "-o+w")

    def build_tools(self, *below: str) -> list[str]:
        """Return the programs and modules of TOOLS in some folders, or anywhere."""
        names = [word for tool in TOOLS for word in ("-o", "-name", tool)][1:]
        return self._find("(", "-path", "*/bin/*", "-o", "-path", "*/*-packages/*", "-o", "-path", "*/python3*/*", ")",
                          "(", *names, ")", below=below)  # fmt: skip

    def _find(self, *expression: str, below: tuple[str, ...] = ()) -> list[str]:
        command = ("run", "--rm", "--network=none", "--user=0", "--entrypoint=find", self.name)
        found = self.engine.docker(*command, *(below or ("/",)), "-xdev", *expression)
        return sorted(found.splitlines())

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(
            self.engine.docker("image", "inspect", "--format", "{{json .Config}}", self.name)
        )
        return config
