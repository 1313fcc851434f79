"""The last commit of a checkout -> dist/: all that an installation needs that reaches no registry.

facenode-<version>-py3-none-any.whl              the program
facenode-<version>-wheels-<kind>.tar             what it needs on a kind of machine, such as cp313-aarch64
facenode-<version>-wheels-<kind>.cdx.json        the bill of materials of both
facenode-<version>-image-<architecture>.tar.gz   the images, for `docker load`
facenode-broker-<version>-image-<architecture>.tar.gz
SHA256SUMS                                       of each of them, for `sha256sum --check`
"""

import argparse
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from bom import bill
from checkout import Commit, build_wheel, changed, lay_out, version
from images import ENGINE, Images
from command import ReleaseError
from wheelhouse import Wheelhouse, checksum

KINDS = ("aarch64-3.11", "aarch64-3.13", "x86_64-3.11", "x86_64-3.13")
"""Debian and Raspberry Pi OS, 12 and 13, on a Pi and on a PC."""
_SUMS = "SHA256SUMS"


def main() -> int:
    """Build all products anew, and print each with its size."""
    parser = argparse.ArgumentParser(description="Build what a release consists of.")
    parser.add_argument("--checkout", type=Path, default=Path(__file__).resolve().parents[2], help="of the program")
    parser.add_argument("--folder", type=Path, required=True, help="for the products; what is in it now is removed")
    parser.add_argument("--image", action="append", default=[], help=f"amd64, arm64, or {ENGINE}: the Docker Engine's")
    parser.add_argument("--build-flags", default="", help="for `docker build`, such as --network=host")
    args = parser.parse_args()
    try:
        _products(args.checkout, args.folder, Images(args.image, shlex.split(args.build_flags)))
    except ReleaseError as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def _products(checkout: Path, folder: Path, images: Images) -> None:
    """Build beside the folder, and move all there when all is well."""
    if changed(checkout):
        sys.stderr.write("release: what is not committed is left out\n")
    build = checkout / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="release-") as work:
        new = Path(work, "products")
        new.mkdir()
        commit = lay_out(checkout, Path(work, "files"))
        _fill(new, commit, images, Wheelhouse(Path(work, "wheelhouse"), commit.made))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(new, folder)
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size / 1e6:8.1f} MB  {path}")
    print(f"all of commit {commit.name}, {commit.made}")


def _fill(folder: Path, commit: Commit, images: Images, wheelhouse: Wheelhouse) -> None:
    wheel = build_wheel(commit.files, folder, commit.made_s)
    archives: dict[str, Path] = {}
    for kind in KINDS:
        archive = wheelhouse.archive(wheel, kind).path
        architecture, python = kind.split("-")
        stem = f"facenode-{version(wheel)}-wheels-cp{python.replace('.', '')}-{architecture}"
        archives[kind] = archive.rename(folder / f"{stem}.tar")
        (folder / f"{stem}.cdx.json").write_text(bill(wheel, archives[kind], kind, commit.made), encoding="utf-8")
    images.save(commit.files, wheel, archives.__getitem__, folder)
    sums = [f"{checksum(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / _SUMS).write_text("".join(sums), encoding="ascii")


if __name__ == "__main__":
    raise SystemExit(main())
