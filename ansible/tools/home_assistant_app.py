"""A commit's files and the wheels of a release -> a repository of apps for Home Assistant.

homeassistant/repository.yaml
homeassistant/README.md
homeassistant/facenode/...                     the app: packaging/homeassistant/facenode, with the release's version
homeassistant/facenode/CHANGELOG.md            that of the project
homeassistant/facenode/wheels/<wheel>          the program
homeassistant/facenode/wheels/<architecture>/  all wheels that it needs, for Debian 13, with lock.txt
homeassistant/facenode/wheels/<architecture>.cdx.json  the bill of materials of both
"""

import re
import shutil
import tarfile
from pathlib import Path

from bom import bill_of_materials
from checkout import Commit, wheel_version
from command import ReleaseError
from wheelhouse import Wheelhouse

FOLDER = "homeassistant"
EXTRAS = ("heic", "page")
"""The page is there for who has no terminal, and phones send it HEIC."""
_KINDS = {"aarch64": "aarch64-3.13", "amd64": "x86_64-3.13"}
"""Home Assistant's names of architectures -> kinds of machines; the base image is Debian 13."""
_SOURCE = Path("packaging/homeassistant")
_VERSION = re.compile(r"^version: .*$", re.MULTILINE)


def lay_out(folder: Path, commit: Commit, wheel: Path, wheelhouse: Wheelhouse) -> None:
    """Lay out the repository.

    Args:
        folder: of the products, in which the repository is made.
        commit: the files.
        wheel: the program.
        wheelhouse: makes the archives of its dependencies.

    Raises:
        ReleaseError: the app has no version to set, or a dependency has no wheel.
    """
    repository = folder / FOLDER
    shutil.copytree(commit.files / _SOURCE, repository, ignore=shutil.ignore_patterns("*.py[co]", "pictures.py"))
    app = repository / "facenode"
    shutil.copy(commit.files / "CHANGELOG.md", app)
    _set_version(app / "config.yaml", wheel_version(wheel))
    wheels = app / "wheels"
    wheels.mkdir()
    shutil.copy(wheel, wheels)
    for architecture, kind in _KINDS.items():
        archive = wheelhouse.archive(wheel, kind, EXTRAS).path
        with tarfile.open(archive) as content:
            content.extractall(wheels / architecture, filter="data")
        bill = bill_of_materials(wheel, archive, kind, commit.committed_at, EXTRAS)
        (wheels / f"{architecture}.cdx.json").write_text(bill, encoding="utf-8")


def _set_version(config: Path, version: str) -> None:
    text, count = _VERSION.subn(f'version: "{version}"', config.read_text(encoding="utf-8"))
    if count != 1:
        raise ReleaseError(f"{config} must have one line with the version, and has {count}")
    config.write_text(text, encoding="utf-8")
