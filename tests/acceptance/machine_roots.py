"""A kind of machine, such as `aarch64-3.13` -> a Debian root in which the program runs on that processor.

A root contains what a fleet release brings to such a machine, with the same checksums, and is made once in `.cache`.
Another processor is emulated by qemu, which gives its results but not its speed.
"""

import json
import os
import platform
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import emulator
import pytest
from debian_root import CACHE, apt_mirror
from process import run
from raspberry_pi_cpu import PI_4, PI_5, RaspberryPi, write_cpu_files

ROOT = Path(__file__).resolve().parents[2]
SUITES = {"3.11": "bookworm", "3.13": "trixie"}
"""Debian releases by their Python version."""
RUNTIMES = {"3.11": "tflite", "3.13": "litert"}
"""The runtime that is tested on each: tflite-runtime on the last Python that has it, ai-edge-litert on the other."""
_OLD_RUNTIME = "tflite-runtime==2.14.0"
_ARCHITECTURES = {"aarch64": "arm64", "x86_64": "amd64"}
_TOOLS = ROOT / ".venv-fleet" / "bin"
_RELEASE = "checkout"
_HOOKS = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"
# The mounts end with the command, so none is left behind, whatever happens to the test.
_CHROOT_SCRIPT = """
mount --bind "$1" "$3/mnt"
for each in proc dev; do mount --rbind "/$each" "$3/$each"; done
if [ -n "$2" ]; then mount --bind "$2/sys" "$3/sys"; mount --bind "$2/cpuinfo" "$3/proc/cpuinfo"; fi
shift 2; exec chroot "$@"
"""


class MachineRoots:
    """Debian roots for kinds of machines, with the checkout's program.

    Args:
        folder: a folder for the duration of the tests.
        kinds: kinds of machines, such as `aarch64-3.13`; skips if one cannot be made.

    Attributes:
        shared: a folder that every root has as `/mnt`.
    """

    def __init__(self, folder: Path, *kinds: str) -> None:
        self.shared = folder / "shared"
        self._emulated = {kind for kind in kinds if kind.split("-")[0] != platform.machine()}
        self._skip_if_missing()
        self._cpu_files = {pi: write_cpu_files(folder / pi.core, pi) for pi in (PI_4, PI_5)}
        CACHE.mkdir(exist_ok=True)
        release = _build_release(kinds)
        _unpack(next(release.glob("*.whl")), self.shared / "program")
        described = json.loads((release / "release.json").read_text())["kinds"]
        self._roots = {kind: _root(kind, release.parents[1] / described[kind]["archive"]) for kind in kinds}
        self._stack = ExitStack()
        if self._emulated:
            self._stack.enter_context(emulator.registered())

    def python(
        self, kind: str, *arguments: str | Path, environ: Mapping[str, str] | None = None, pi: RaspberryPi = PI_4
    ) -> str:
        """Run Python with the program installed on a kind of machine, and return its output.

        Args:
            kind: the kind of machine.
            arguments: of Python.
            environ: further variables.
            pi: the model whose processor is emulated; of no effect without emulation.
        """
        described, model = (self._cpu_files[pi], {"QEMU_CPU": pi.core}) if kind in self._emulated else ("", {})
        root = self._roots[kind]
        command = ("/usr/bin/python3", *arguments)
        settled = {"PATH": os.environ["PATH"], "PYTHONPATH": "/mnt/program:/opt/wheels", "LC_ALL": "C.UTF-8"} | model
        return run(
            "unshare", "--mount", "sh", "-ec", _CHROOT_SCRIPT, "sh", self.shared, described, root, *command,
            environ=settled | dict(environ or {}), timeout_s=7200,
        )  # fmt: skip

    def _skip_if_missing(self) -> None:
        if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
            pytest.skip("roots of Debian need root and mmdebstrap (apt install mmdebstrap)")
        if not (_TOOLS / "uv").exists():
            pytest.skip("no uv: make fleet")
        if self._emulated and not shutil.which(emulator.PROGRAM):
            pytest.skip(f"no {emulator.PROGRAM} program: apt install qemu-user-static")

    def close(self) -> None:
        """Take back what the machine was told about other processors."""
        self._stack.close()


def _build_release(kinds: tuple[str, ...]) -> Path:
    """Build a release of this checkout with what each kind needs, and return its folder."""
    folder = CACHE / "kinds"
    release = folder / "releases" / _RELEASE
    shutil.rmtree(release, ignore_errors=True)
    run(
        _TOOLS / "python", ROOT / "ansible" / "tools" / "release.py",
        "--name", _RELEASE, "--folder", folder, "--source", ROOT, *(f"--kind={kind}" for kind in kinds),
        timeout_s=1200,
    )  # fmt: skip
    return release


def _root(kind: str, archive: Path) -> Path:
    """Return the root with the wheels of an archive, removing roots made for other wheels."""
    root = CACHE / f"kind-{kind}-{RUNTIMES[kind.split('-')[1]]}-{archive.stem}"
    if not root.exists():
        for older in CACHE.glob(f"kind-{kind}-*"):
            shutil.rmtree(older)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="kind-", ignore_cleanup_errors=True) as folder:
            new = Path(folder) / "root"
            _extract(new, kind)
            with tarfile.open(archive) as wheels:
                wheels.extractall(Path(folder, "wheels"), filter="data")
            if RUNTIMES[kind.split("-")[1]] == "tflite":
                _download(_OLD_RUNTIME, kind, Path(folder, "wheels"))
            for wheel in Path(folder, "wheels").glob("*.whl"):
                _unpack(wheel, new / "opt" / "wheels")
            new.rename(root)
    return root


def _extract(root: Path, kind: str) -> None:
    """Unpack Debian's Python without configuring it, since package scripts would need the other processor."""
    architecture, python = kind.split("-")
    run(
        "mmdebstrap", "--mode=root", "--variant=extract", f"--architectures={_ARCHITECTURES[architecture]}",
        "--include=python3,libstdc++6", "--aptopt=Acquire::Languages none", _HOOKS, SUITES[python], root, apt_mirror(),
    )  # fmt: skip
    for name in ("proc", "dev", "sys", "mnt"):
        (root / name).mkdir(exist_ok=True)


def _download(requirement: str, kind: str, folder: Path) -> None:
    """Fetch a wheel for a kind of machine."""
    architecture, python = kind.split("-")
    run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={folder}",
        f"--python-version={python}", f"--platform=manylinux2014_{architecture}",
        f"--platform=manylinux_2_34_{architecture}", requirement,
    )  # fmt: skip


def _unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel as an installer does, but without its commands."""
    run(sys.executable, "-m", "zipfile", "--extract", wheel, folder)
