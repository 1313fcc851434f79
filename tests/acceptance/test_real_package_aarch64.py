"""The Debian package for a Raspberry Pi, in a root of its architecture: a Pi's processor is emulated by qemu."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import emulator
import pytest
from debian_packages import build_package, new_wheel
from debian_root import CACHE, bare_root
from process import run
from raspberry_pi_cpu import PI_4, write_cpu_files

pytestmark = pytest.mark.timeout(7200)
PrintLine = Callable[[str], None]
SUITES = {"aarch64-3.11": "bookworm", "aarch64-3.13": "trixie"}
_EXTRACT = (
    "--variant=extract", "--architectures=arm64", "--aptopt=Acquire::Languages none",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
)  # fmt: skip
"""Unpack packages without configuring them, which would take the emulated processor minutes."""
# The mounts end with the command, so none is left behind, whatever happens to the test.
_CHROOT_SCRIPT = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
for each in proc dev; do mkdir -p "$2/root/$each"; mount --rbind "/$each" "$2/root/$each"; done
mkdir -p "$2/root/sys"; mount --bind "$3/sys" "$2/root/sys"; mount --bind "$3/cpuinfo" "$2/root/proc/cpuinfo"
root=$2/root; shift 3; exec chroot "$root" "$@"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of this checkout."""
    return new_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(params=SUITES)
def typed(request: pytest.FixtureRequest, wheel: Path, tmp_path: Path, media_dir: Path) -> Iterator[Callable[..., str]]:
    """Return a function that runs a command of the package's program in the root of its Debian."""
    if not shutil.which(emulator.PROGRAM):
        pytest.skip(f"no {emulator.PROGRAM} program: apt install qemu-user-static")
    package = build_package(wheel, request.param, tmp_path)
    assert package.name.endswith("_arm64.deb")
    suite = SUITES[request.param]
    root = bare_root(f"package-arm64-{suite}", suite, "python3", "libstdc++6", "zlib1g", "dash", options=_EXTRACT)
    cpu = write_cpu_files(tmp_path / "cpu", PI_4)
    # Not in /tmp, which may be an overlay itself and then cannot be a layer of another.
    folder = Path(tempfile.mkdtemp(prefix="package-", dir=CACHE))
    try:
        for part in ("upper", "work", "root"):
            (folder / part).mkdir()
        run("dpkg-deb", "--extract", package, folder / "upper")
        pictures = folder / "upper/srv/pictures"
        pictures.mkdir(parents=True)
        for portrait in media_dir.glob("*.jpg"):
            shutil.copy(portrait, pictures)
        settings = '[node]\nid = "porch"\n[camera]\nsource = "picamera"\n'
        (folder / "upper/etc/facenode/facenode.toml").write_text(settings)
        # One thread: four emulated ones on fewer cores wait for each other for longer than the program waits for them.
        environ = {
            "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "QEMU_CPU": PI_4.core, "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        with emulator.registered():
            yield lambda *command: run(
                "unshare", "--mount", "sh", "-ec", _CHROOT_SCRIPT, "sh", root, folder, cpu, *command,
                environ=environ, timeout_s=3600,
            )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_package_of_a_pi_checks_settings_and_recognizes_people(
    typed: Callable[..., str], print_line: PrintLine
) -> None:
    """Its program runs from the files of the package alone, on Python of that Debian."""
    began_s = time.monotonic()
    assert "settings" in typed("/usr/bin/facenode", "check", "--settings")
    checked_s = time.monotonic() - began_s
    typed("/usr/bin/facenode", "people", "add", "eileen", "/srv/pictures/astronaut.jpg")
    began_s = time.monotonic()
    printed = typed("/usr/bin/facenode", "recognize", "/srv/pictures", "--json")
    seconds = time.monotonic() - began_s
    found = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    named = {Path(each["path"]).stem: [face["identity"]["id"] for face in each["faces"]] for each in found}
    assert named == {"astronaut": ["eileen"], "grace_hopper": ["unknown"]}
    print_line(f"arm64 under qemu: settings checked in {checked_s:.0f} s, two pictures in {seconds:.0f} s: {named}")
