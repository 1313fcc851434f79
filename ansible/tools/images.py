"""A commit's files and the wheels of a release -> image tarballs, each for `docker load`.

The program in its image is the release's own wheel, installed from the release's own wheels and nothing else: the bill
of materials of that kind of machine is the image's, too.
"""

import gzip
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from checkout import version
from command import ReleaseError, call

ENGINE = "engine"
_PYTHON = "3.13"
"""What the base of both images brings."""
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_WHEELS = "wheels"
"""The folder that .dockerignore lets through beside the files of a checkout."""
_IMAGES = {"facenode": "facenode", "facenode-broker": "broker"}
"""Targets of Dockerfile by the images' names."""


class Images:
    """The images of a release, for some architectures.

    Args:
        wanted: of `amd64`, `arm64`, and `engine` for that of the Docker Engine.
        flags: what `docker build` is told beside what it must know, such as `--network=host`.

    Attributes:
        architectures: for which there are images.

    Raises:
        ReleaseError: no engine answers, or an architecture is none of those.
    """

    def __init__(self, wanted: Sequence[str], flags: Sequence[str]) -> None:
        self._flags = flags
        self.architectures: list[str] = []
        if wanted:
            own = _engine()
            self.architectures = sorted({own if each == ENGINE else each for each in wanted})
        for each in self.architectures:
            if each not in _ARCHITECTURES:
                raise ReleaseError(f"{each}: images are for amd64 and arm64")

    def save(self, files: Path, wheel: Path, archive: Callable[[str], Path], folder: Path) -> None:
        """Build the images and write a tarball for each into a folder.

        Args:
            files: the commit's files, to which the wheels are laid.
            wheel: the program.
            archive: the wheels that the program needs, by kind of machine.
            folder: for the tarballs.
        """
        for architecture in self.architectures:
            wheels = files / _WHEELS
            shutil.rmtree(wheels, ignore_errors=True)
            with tarfile.open(archive(f"{_ARCHITECTURES[architecture]}-{_PYTHON}")) as content:
                content.extractall(wheels, filter="data")
            shutil.copy(wheel, wheels)
            for name, target in _IMAGES.items():
                image = f"{name}:{version(wheel)}"
                self._build(files, target, architecture, image, wheel)
                _save(image, folder / f"{name}-{version(wheel)}-image-{architecture}.tar.gz")

    def _build(self, files: Path, target: str, architecture: str, image: str, wheel: Path) -> None:
        arguments = {
            "VERSION": version(wheel),
            "PROGRAM": f"/src/{_WHEELS}/{wheel.name}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": f"/src/{_WHEELS}",
        }
        if base := os.environ.get("FACENODE_BASE_IMAGE"):
            arguments["BASE_IMAGE"] = base
        call(
            "docker", "build", "--quiet", "--platform", f"linux/{architecture}", "--target", target, "--tag", image,
            *(f"--build-arg={name}={value}" for name, value in arguments.items()), *self._flags, files,
        )  # fmt: skip


def _engine() -> str:
    """Return the architecture of the Docker Engine."""
    try:
        return call("docker", "version", "--format", "{{.Server.Arch}}").strip()
    except ReleaseError as error:
        raise ReleaseError(
            f"no Docker Engine answers, without which there are no images: {error}\n"
            "start one, or leave the images out: make release IMAGES="
        ) from error


def _save(image: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        saved = Path(work, "saved")
        call("docker", "save", "--output", saved, image)
        with (
            saved.open("rb") as content,
            path.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as out,
        ):
            shutil.copyfileobj(content, out)
