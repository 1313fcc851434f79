"""The last commit of a checkout -> dist/: all files for an installation without a registry.

facenode-<version>-py3-none-any.whl              the program
facenode-<version>-wheels-<kind>.tar             its dependencies for a kind of machine, such as cp313-aarch64
facenode-<version>-wheels-<kind>.cdx.json        the bill of materials of both
facenode_<version>+deb13_<architecture>.deb      both as a Debian package
facenode-<version>-image-<architecture>.tar.gz   the images, for `docker load`
facenode-broker-<version>-image-<architecture>.tar.gz
homeassistant/                                   the repository of the app for Home Assistant, with its wheels
SHA256SUMS                                       the checksums of all files, for `sha256sum --check`
"""

import argparse
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from app_repository import App, lay_out
from bom import bill_of_materials
from checkout import Commit, build_wheel, export_commit, has_uncommitted_changes, wheel_version
from command import ReleaseError
from debian_package import DebianPackages, require_tools
from images import ENGINE, Images
from wheelhouse import Wheelhouse, checksum, owner_extras

KINDS = ("aarch64-3.11", "aarch64-3.13", "x86_64-3.11", "x86_64-3.13")
"""Debian and Raspberry Pi OS, 12 and 13, on a Raspberry Pi and on a PC."""
_CHECKSUMS = "SHA256SUMS"


def main() -> int:
    """Build all products and print each with its size."""
    parser = argparse.ArgumentParser(description="Build the files of a release from the last commit.")
    parser.add_argument(
        "--checkout",
        type=Path,
        default=Path(__file__).resolve().parents[2],
        help="checkout to build (default: this one)",
    )
    parser.add_argument("--folder", type=Path, required=True, help="output folder; its present content is removed")
    parser.add_argument(
        "--image", action="append", default=[],
        help=f"architecture to build images for: amd64, arm64, or {ENGINE} for the Docker Engine's own (repeatable)",
    )  # fmt: skip
    parser.add_argument("--packages", action="store_true", help="build Debian packages, which takes debhelper")
    parser.add_argument("--build-flags", default="", help="additional flags for `docker build`, such as --network=host")
    args = parser.parse_args()
    try:
        if args.packages:
            require_tools()
        images = Images(args.image, shlex.split(args.build_flags))
        _build_products(args.checkout, args.folder, images, packages=args.packages)
    except ReleaseError as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def _build_products(checkout: Path, folder: Path, images: Images, *, packages: bool) -> None:
    """Build the products in a temporary folder and move them to their place once all are complete."""
    if has_uncommitted_changes(checkout):
        sys.stderr.write("release: uncommitted changes are left out\n")
    build = checkout / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="release-") as work:
        products = Path(work, "products")
        products.mkdir()
        commit = export_commit(checkout, Path(work, "files"))
        archives = _fill(products, commit, images, Wheelhouse(Path(work, "wheelhouse"), commit.committed_at))
        if packages:
            (wheel,) = products.glob("*.whl")
            debian = DebianPackages(commit.files, commit.committed_s)
            for kind, archive in archives.items():
                debian.build(wheel, archive, kind, products)
        lines = [f"{checksum(path)}  {path.relative_to(products)}\n" for path in _files(products)]
        (products / _CHECKSUMS).write_text("".join(lines), encoding="ascii")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(products, folder)
    for path in sorted(folder.iterdir()):
        print(f"{sum(each.stat().st_size for each in _files(path)) / 1e6:8.1f} MB  {path}")
    print(f"built from commit {commit.short_hash} of {commit.committed_at}")


def _fill(folder: Path, commit: Commit, images: Images, wheelhouse: Wheelhouse) -> dict[str, Path]:
    """Build program, wheels, bills of materials and images; return the archive of wheels for each kind of machine."""
    wheel = build_wheel(commit.files, folder, commit.committed_s)
    extras = owner_extras(wheel)
    archives: dict[str, Path] = {}
    for kind in KINDS:
        archive = wheelhouse.archive(wheel, kind, extras).path
        machine, python = kind.split("-")
        stem = f"facenode-{wheel_version(wheel)}-wheels-cp{python.replace('.', '')}-{machine}"
        archives[kind] = archive.rename(folder / f"{stem}.tar")
        bill = bill_of_materials(wheel, archives[kind], kind, commit.committed_at, extras)
        (folder / f"{stem}.cdx.json").write_text(bill, encoding="utf-8")
    images.save(commit.files, wheel, archives.__getitem__, folder)
    lay_out(folder, App(commit.files, wheel, commit.committed_at), wheelhouse)
    return archives


def _files(path: Path) -> list[Path]:
    """Return a file, or all files of a folder."""
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())


if __name__ == "__main__":
    raise SystemExit(main())
