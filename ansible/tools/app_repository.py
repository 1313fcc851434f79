"""A commit's files and the wheels of a release -> a repository of apps for Home Assistant.

homeassistant/repository.yaml
homeassistant/README.md
homeassistant/facenode/...                     the app: packaging/homeassistant/facenode, with the release's version
homeassistant/facenode/CHANGELOG.md            that of the project
homeassistant/facenode/wheels/<wheel>          the program
homeassistant/facenode/wheels/<architecture>/  all wheels that it needs, for Debian 13, with lock.txt
homeassistant/facenode/wheels/<architecture>.cdx.json  the bill of materials of both
"""

import argparse
import re
import shutil
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bom import bill_of_materials
from checkout import build_wheel, wheel_version
from command import ReleaseError
from wheelhouse import Wheelhouse

FOLDER = "homeassistant"
EXTRAS = ("heic", "page")
"""The page is there for who has no terminal, and phones send it HEIC."""
ARCHITECTURES = {"aarch64": "aarch64-3.13", "amd64": "x86_64-3.13"}
"""Home Assistant's names of architectures -> kinds of machines; the base image is Debian 13."""
_SOURCE = Path("packaging/homeassistant")
_VERSION = re.compile(r"^version: .*$", re.MULTILINE)
_NOT_OF_THE_APP = ("__pycache__", "app_pictures.py")


def main() -> int:
    """Lay out the repository of a folder of files as they are, for trying it; `make release` does it for a release."""
    parser = argparse.ArgumentParser(description="Lay out the app of Home Assistant from the files of a checkout.")
    parser.add_argument("--source", type=Path, default=Path(__file__).resolve().parents[2], help="the checkout")
    parser.add_argument("--folder", type=Path, required=True, help="output folder")
    parser.add_argument("--wheelhouse", type=Path, required=True, help="folder that keeps the wheels")
    parser.add_argument("--architecture", action="append", choices=ARCHITECTURES, help="only this one (repeatable)")
    args = parser.parse_args()
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
        wheel = build_wheel(args.source, args.folder)
        app = App(args.source, wheel, "1980-01-01T00:00:00Z", args.architecture or tuple(ARCHITECTURES))
        lay_out(args.folder, app, Wheelhouse(args.wheelhouse))
        wheel.unlink()
    except ReleaseError as error:
        sys.stderr.write(f"app: {error}\n")
        return 1
    return 0


@dataclass(frozen=True, slots=True)
class App:
    """What the app is made of.

    Attributes:
        files: a folder with the files of the project.
        wheel: the program.
        built_at: the time that the bills of materials state.
        architectures: those that it is for.
    """

    files: Path
    wheel: Path
    built_at: str
    architectures: Sequence[str] = tuple(ARCHITECTURES)


def lay_out(folder: Path, app: App, wheelhouse: Wheelhouse) -> None:
    """Lay out the repository.

    Args:
        folder: of the products, in which the repository is made.
        app: what it is made of.
        wheelhouse: makes the archives of the dependencies.

    Raises:
        ReleaseError: the app has no version to set, or a dependency has no wheel.
    """
    shutil.copytree(app.files / _SOURCE, folder / FOLDER, ignore=shutil.ignore_patterns(*_NOT_OF_THE_APP))
    place = folder / FOLDER / "facenode"
    shutil.copy(app.files / "CHANGELOG.md", place)
    _set_version(place / "config.yaml", wheel_version(app.wheel))
    wheels = place / "wheels"
    wheels.mkdir()
    shutil.copy(app.wheel, wheels)
    for architecture in app.architectures:
        kind = ARCHITECTURES[architecture]
        archive = wheelhouse.archive(app.wheel, kind, EXTRAS).path
        with tarfile.open(archive) as content:
            content.extractall(wheels / architecture, filter="data")
        bill = bill_of_materials(app.wheel, archive, kind, app.built_at, EXTRAS)
        (wheels / f"{architecture}.cdx.json").write_text(bill, encoding="utf-8")


def _set_version(config: Path, version: str) -> None:
    text, count = _VERSION.subn(f'version: "{version}"', config.read_text(encoding="utf-8"))
    if count != 1:
        raise ReleaseError(f"{config} must have one line with the version, and has {count}")
    config.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
