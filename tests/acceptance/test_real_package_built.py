"""The Debian package as a file: what lintian says, what it depends on, and how large it is."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from debian_packages import KINDS, build_package, new_wheel
from process import run

pytestmark = pytest.mark.timeout(7200)
PrintLine = Callable[[str], None]
_SYSTEM = {
    "libc6": r"(libc|libm|libpthread|libdl|librt|ld-linux-\w+(-\w+)*)\.so\.\d+",
    "libgcc-s1": r"libgcc_s\.so\.1",
    "libstdc++6": r"libstdc\+\+\.so\.6",
    "zlib1g": r"libz\.so\.1",
}
"""The libraries of Debian that the package may need, by the packages that it depends on."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of this checkout."""
    return new_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(params=[*KINDS.values(), "aarch64-3.11", "aarch64-3.13"])
def package(request: pytest.FixtureRequest, wheel: Path, tmp_path: Path) -> Path:
    """Return the package for a kind of machine."""
    return build_package(wheel, request.param, tmp_path)


def test_the_package_is_a_good_one(package: Path, wheel: Path, tmp_path: Path, print_line: PrintLine) -> None:
    """Lintian finds no error that has no reason beside it, and each library of the system comes with a dependency."""
    unpacked = tmp_path / "unpacked"
    run("dpkg-deb", "--extract", package, unpacked)
    depends = run("dpkg-deb", "--field", package, "Depends")
    on_a_pi = package.name.endswith("_arm64.deb")
    assert ("python3-picamera2" in run("dpkg-deb", "--field", package, "Recommends")) == on_a_pi
    needed, own = set(), set()
    for library in unpacked.rglob("*.so*"):
        if not re.search(r"\.so(\.\w+)*$", library.name):  # such as a socket unit
            continue
        own.add(library.name)
        needed |= set(re.findall(r"NEEDED.*\[(.+)\]", run("readelf", "--dynamic", library)))
    for name in needed - own:
        (provider,) = (each for each, pattern in _SYSTEM.items() if re.fullmatch(pattern, name))
        assert provider in depends
    with zipfile.ZipFile(wheel) as content:
        units = {Path(name).name for name in content.namelist() if name.startswith("node/systemd/") and name[-1] != "/"}
    assert units <= {path.name for path in (unpacked / "usr/lib/systemd/system").iterdir()}
    installed_mb = int(run("dpkg-deb", "--field", package, "Installed-Size")) / 1000
    print_line(f"{package.name}: {installed_mb:.0f} MB installed")
    if shutil.which("lintian") is None:
        pytest.skip("no lintian program: apt install lintian")
    # The tests compress no package: it would take most of their time.
    tests_only = "uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball"
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", "--suppress-tags", tests_only, package],
        capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    print_line(done.stdout)
    assert done.returncode == 0, done.stdout
