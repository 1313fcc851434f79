"""An image of an engine -> what it is set to, and what lies in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker_engine import DockerEngine

TOOLS = ("pip", "pip3", "ensurepip", "setuptools", "gcc", "cc", "g++", "make", "ld", "as", "git", "curl", "wget")
"""Names of programs and modules that build or fetch programs."""
_LABEL = "org.opencontainers.image."


@dataclass(frozen=True, slots=True)
class DockerImage:
    """An image.

    Attributes:
        engine: which has it.
        name: by which it is known there.
    """

    engine: DockerEngine
    name: str

    @property
    def labels(self) -> dict[str, str]:
        """What it says of itself, by the words behind the standard's prefix."""
        found = self._config()["Labels"]
        return {name.removeprefix(_LABEL): text for name, text in found.items() if name.startswith(_LABEL)}

    @property
    def user(self) -> str:
        """Who its program runs as."""
        return str(self._config()["User"])

    @property
    def checks_health(self) -> bool:
        """Whether it says by itself how it is."""
        return "Healthcheck" in self._config()

    @property
    def size_mb(self) -> float:
        """Unpacked, in megabytes."""
        return int(self.engine.docker("image", "inspect", "--format", "{{.Size}}", self.name)) / 1e6

    def run(self, *arguments: str | Path) -> str:
        """Run its program with arguments, on a root that cannot be written and without a network."""
        return self.engine.docker(
            "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", self.name, *arguments
        )

    def setuid_files(self) -> list[str]:
        """Return the files by which somebody becomes another user."""
        return self._find("-type", "f", "-perm", "/6000")

    def world_writable_files(self) -> list[str]:
        """Return the files of root that everybody may write."""
        return self._find("-type", "f", "-user", "0", "-perm", "-o+w")

    def build_tools(self, *below: str) -> list[str]:
        """Return the programs and modules of TOOLS, in some folders or anywhere."""
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
