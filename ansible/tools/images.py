"""A commit's files and the wheels of a release -> Docker image tarballs for `docker load`.

The program's image installs only the wheels of the release, so the bill of materials of that kind of machine also
applies to the image.
"""

import gzip
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from checkout import wheel_version
from command import ReleaseError, run_command

ENGINE = "engine"
_PYTHON = "3.13"
"""The Python version of the base image of both images."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_WHEELS = "wheels"
"""The folder of wheels in the build context; .dockerignore allows it."""
_TARGETS = {"facenode": "facenode", "facenode-broker": "broker"}
"""Image names and their targets in the Dockerfile."""


class Images:
    """The images of a release, for one or more architectures.

    Args:
        requested: `amd64`, `arm64`, or `engine` for the architecture of the Docker Engine.
        flags: additional flags for `docker build`, such as `--network=host`.

    Attributes:
        architectures: the architectures to build images for.

    Raises:
        ReleaseError: no Docker Engine answers, or an architecture is not supported.
    """

    def __init__(self, requested: Sequence[str], flags: Sequence[str]) -> None:
        self._flags = flags
        self.architectures: list[str] = []
        if requested:
            native = _engine_architecture()
            self.architectures = sorted({native if each == ENGINE else each for each in requested})
        for each in self.architectures:
            if each not in _MACHINES:
                raise ReleaseError(f"cannot build images for {each}: choose amd64 or arm64")

    def save(self, files: Path, wheel: Path, archive: Callable[[str], Path], folder: Path) -> None:
        """Build all images and save each as a tarball.

        Args:
            files: the commit's files; the wheels are copied into it.
            wheel: the program.
            archive: returns the archive of dependencies for a kind of machine.
            folder: the folder for the tarballs.
        """
        version = wheel_version(wheel)
        for architecture in self.architectures:
            wheels = files / _WHEELS
            shutil.rmtree(wheels, ignore_errors=True)
            with tarfile.open(archive(f"{_MACHINES[architecture]}-{_PYTHON}")) as content:
                content.extractall(wheels, filter="data")
            shutil.copy(wheel, wheels)
            for name, target in _TARGETS.items():
                image = f"{name}:{version}"
                self._build(files, target, architecture, image, wheel)
                _save_image(image, folder / f"{name}-{version}-image-{architecture}.tar.gz")

    def _build(self, files: Path, target: str, architecture: str, image: str, wheel: Path) -> None:
        arguments = {
            "VERSION": wheel_version(wheel),
            "PROGRAM": f"/src/{_WHEELS}/{wheel.name}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": f"/src/{_WHEELS}",
        }
        if base := os.environ.get("FACENODE_BASE_IMAGE"):
            arguments["BASE_IMAGE"] = base
        run_command(
            "docker", "build", "--quiet", "--platform", f"linux/{architecture}", "--target", target, "--tag", image,
            *(f"--build-arg={name}={value}" for name, value in arguments.items()), *self._flags, files,
        )  # fmt: skip


def _engine_architecture() -> str:
    """Return the architecture of the Docker Engine."""
    try:
        return run_command("docker", "version", "--format", "{{.Server.Arch}}").strip()
    except ReleaseError as error:
        raise ReleaseError(
            f"no Docker Engine answers, so images cannot be built: {error}\n"
            "start Docker, or build the release without images: make release IMAGES="
        ) from error


def _save_image(image: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        saved = Path(work, "saved")
        run_command("docker", "save", "--output", saved, image)
        with (
            saved.open("rb") as content,
            path.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as out,
        ):
            shutil.copyfileobj(content, out)
