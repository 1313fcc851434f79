"""The program's wheel and the archive of its dependencies -> a Debian package for one distribution and architecture.

facenode_<version>+deb13_arm64.deb    for Debian and Raspberry Pi OS 13 on a Raspberry Pi

The package holds what `pip` would install, unpacked here, so that a machine needs neither a network nor `pip`. This
works for another processor, too, since nothing of the wheels is run.
"""

import argparse
import os
import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path, PurePosixPath

from checkout import wheel_version
from command import ReleaseError, run_command
from wheelhouse import Wheelhouse, owner_extras

_DISTRIBUTIONS = {"3.11": ("deb12", "bookworm"), "3.13": ("deb13", "trixie")}
"""By version of Python: the end of the package's version, and the name of the Debian release."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_FOLDER = "opt/facenode/current"
_UNITS = "usr/lib/systemd/system"
_LEFT_OUT = re.compile(
    r"(^|/)tests/"  # of the libraries
    r"|(^|/)__pycache__/"  # numpy's wheel for Python 3.11 brings some
    r"|^ai_edge_litert/(libLiteRtWebGpuAccelerator\.so$|tools/|vendors/)"  # for other accelerators than the CPU
    r"|^cv2/data/.*\.xml$"  # detectors that the program does not use
)
"""Files of the wheels that the program never reads. The Dockerfile leaves out the same."""
SMALL = "-Zxz -z6"
"""The compression of what is published, the same on any machine, so that the same commit gives the same bytes."""
_PRERELEASE = re.compile(r"\.?(a|b|rc|dev)(?=\d)")
_COMMAND = """\
#!/bin/sh
exec /opt/facenode/current/bin/python3 -sP -m node.cli "$@"
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What a package is for.

    Attributes:
        kind: the kind of machine, such as `aarch64-3.13`.
    """

    kind: str

    @property
    def python(self) -> str:
        """The version of Python, such as `3.13`."""
        return self.kind.partition("-")[2]

    @property
    def architecture(self) -> str:
        """Debian's name of the architecture."""
        return _ARCHITECTURES[self.kind.partition("-")[0]]

    @property
    def suite(self) -> str:
        """The name of the Debian release."""
        return _DISTRIBUTIONS[self.python][1]

    @property
    def python_depends(self) -> str:
        """The dependency on exactly this version of Python, for which the libraries are built."""
        major, minor = self.python.split(".")
        return f"python3 (>= {self.python}), python3 (<< {major}.{int(minor) + 1})"

    def version(self, program: str) -> str:
        """Return the package's version for a version of the program; a pre-release sorts before its release."""
        sorting = _PRERELEASE.sub(r"~\1", program)
        return f"{sorting}+{_DISTRIBUTIONS[self.python][0]}"


def require_tools() -> None:
    """Check that Debian's tools are there.

    Raises:
        ReleaseError: they are not.
    """
    if not all(map(shutil.which, ("dh", "dpkg-buildpackage"))):
        raise ReleaseError(
            "no debhelper, so Debian packages cannot be built: apt install debhelper\n"
            "or build the release without them: make release PACKAGES="
        )


@dataclass(frozen=True, slots=True)
class DebianPackages:
    """Builds the packages of one commit.

    Attributes:
        source: the checkout or its export, which holds packaging/debian and CHANGELOG.md.
        committed_s: the time of every file in a package, in seconds since 1970.
        compression: dpkg-deb's flags for it.
    """

    source: Path
    committed_s: int
    compression: str = SMALL

    def build(self, wheel: Path, archive: Path, kind: str, folder: Path) -> Path:
        """Build a package and return its path.

        Args:
            wheel: the program; the package has the units that it holds.
            archive: the archive of the program's dependencies for that kind of machine.
            kind: the kind of machine, such as `aarch64-3.13`.
            folder: the folder for the package.

        Raises:
            ReleaseError: there is no such kind, or Debian's tools are missing or fail.
        """
        machine, _, python = kind.partition("-")
        if machine not in _ARCHITECTURES or python not in _DISTRIBUTIONS:
            raise ReleaseError(f"cannot build a Debian package for {kind}: choose x86_64 or aarch64, with 3.11 or 3.13")
        require_tools()
        target = Target(kind)
        version = target.version(wheel_version(wheel))
        with tempfile.TemporaryDirectory(dir=folder) as work:
            built = Path(work, "facenode")
            shutil.copytree(self.source / "packaging" / "debian", built / "debian")
            documents = built / "root/usr/share/doc/facenode"
            documents.mkdir(parents=True)
            shutil.copy(self.source / "CHANGELOG.md", documents)
            changelog = _changelog(version, target, self.committed_s)
            (built / "debian" / "changelog").write_text(changelog, encoding="utf-8")
            _fill(built / "root", wheel, archive, target)
            run_command(
                "dpkg-buildpackage", "--build=binary", f"--host-arch={target.architecture}", "--no-check-builddeps",
                "--unsigned-source", "--unsigned-changes",
                variables={
                    "SOURCE_DATE_EPOCH": str(self.committed_s),
                    "FACENODE_PYTHON_DEPENDS": target.python_depends,
                    "FACENODE_COMPRESSION": self.compression,
                },
                cwd=built,
            )  # fmt: skip
            name = f"facenode_{version}_{target.architecture}.deb"
            return Path(shutil.move(Path(work, name), folder / name))


def _fill(root: Path, wheel: Path, archive: Path, target: Target) -> None:
    """Write all files of the package except those of packaging/debian."""
    environment = root / _FOLDER
    packages = environment / "lib" / f"python{target.python}" / "site-packages"
    packages.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=root) as unpacked:
        with tarfile.open(archive) as wheels:
            wheels.extractall(unpacked, filter="data")
        for each in (*sorted(Path(unpacked).glob("*.whl")), wheel):
            unpack_wheel(each, packages)
    # What `python -m venv` writes: the system's Python with a folder of libraries of its own. picamera2 comes with the
    # system, on a Pi alone.
    system = "true" if target.architecture == "arm64" else "false"
    (environment / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = {system}\nversion = {target.python}\n", encoding="ascii"
    )
    (environment / "bin").mkdir()
    (environment / "bin" / "python3").symlink_to(f"/usr/bin/python{target.python}")
    (environment / "bin" / "facenode").write_text(_COMMAND, encoding="ascii")
    (environment / "bin" / "facenode").chmod(0o755)
    units = root / _UNITS
    units.mkdir(parents=True)
    for unit in sorted((packages / "node" / "systemd").iterdir()):
        shutil.copy(unit, units)
    modules = root / "usr/lib/modules-load.d/facenode.conf"
    modules.parent.mkdir(parents=True)
    modules.write_text("videodev\n", encoding="ascii")


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Unpack a wheel as an installer does, without its commands and without what the program never reads."""
    with zipfile.ZipFile(wheel) as content:
        for member in content.infolist():
            if place := installed_path(member.filename):
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                with content.open(member) as read, path.open("wb") as written:
                    shutil.copyfileobj(read, written)


def installed_path(name: str) -> PurePosixPath | None:
    """Return where a file of a wheel is installed, from the folder of libraries; None if it is left out.

    Raises:
        ReleaseError: the name leads out of that folder.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ReleaseError(f"a wheel holds {name}, which is outside the folder of libraries")
    if path.parts[0].endswith(".data"):  # PEP 427: libraries, or commands and other files of the environment
        if path.parts[1] not in {"purelib", "platlib"}:
            return None
        path = PurePosixPath(*path.parts[2:])
    return None if name.endswith("/") or _LEFT_OUT.search(str(path)) else path


def _changelog(version: str, target: Target, committed_s: int) -> str:
    """Return debian/changelog; what changed is in the program's own changelog."""
    date = format_datetime(datetime.fromtimestamp(committed_s, UTC))
    return (
        f"facenode ({version}) {target.suite}; urgency=medium\n\n  * See CHANGELOG.md.gz.\n"
        f"\n -- Facenode developers <packages@facenode.invalid>  {date}\n"
    )


def main() -> int:
    """Build one package and print its path."""
    parser = argparse.ArgumentParser(description="Build a Debian package of a wheel.")
    parser.add_argument("--source", type=Path, required=True, help="checkout that holds packaging/debian")
    parser.add_argument("--wheel", type=Path, required=True, help="wheel of the program")
    parser.add_argument("--wheelhouse", type=Path, required=True, help="folder for the archives of its dependencies")
    parser.add_argument("--kind", required=True, help="kind of machine, such as aarch64-3.13")
    parser.add_argument("--time", type=int, default=int(os.environ.get("SOURCE_DATE_EPOCH", "0")),
                        help="time of the files, in seconds since 1970")  # fmt: skip
    parser.add_argument("--folder", type=Path, required=True, help="output folder")
    parser.add_argument("--compression", default=SMALL, help="flags for dpkg-deb (default: %(default)s)")
    args = parser.parse_args()
    try:
        archive = Wheelhouse(args.wheelhouse).archive(args.wheel, args.kind, owner_extras(args.wheel)).path
        packages = DebianPackages(args.source, args.time, args.compression)
        print(packages.build(args.wheel, archive, args.kind, args.folder))
    except ReleaseError as error:
        sys.stderr.write(f"package: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
