"""A Debian package: its version, what it depends on, and what it takes from the wheels."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command import ReleaseError
from debian_package import DebianPackages, Target, installed_path, unpack_wheel
from wheelhouse import owner_extras

ROOT = Path(__file__).resolve().parents[3]
DEBIAN = ROOT / "packaging" / "debian"


def newer(one: str, other: str) -> bool:
    """Return whether dpkg takes the first version for the newer one."""
    return subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0


def test_dpkg_sorts_the_versions_as_the_program_does() -> None:
    """A pre-release comes before its release, and the package of the newer Debian replaces that of the older one."""
    older, target = Target("x86_64-3.11"), Target("x86_64-3.13")
    assert target.version("1.2.3") == "1.2.3+deb13"
    assert target.version("1.2.3rc1") == "1.2.3~rc1+deb13"
    assert target.version("1.2.3.dev4") == "1.2.3~dev4+deb13"
    assert newer(target.version("1.2.3"), target.version("1.2.3rc1"))
    assert newer(target.version("1.2.3"), older.version("1.2.3"))
    assert newer(older.version("1.2.10"), target.version("1.2.9"))


def test_a_package_depends_on_the_python_of_its_libraries() -> None:
    """Debian 12's package is refused by Debian 13, where its libraries would not load."""
    assert Target("aarch64-3.11").python_depends == "python3 (>= 3.11), python3 (<< 3.12)"
    assert (Target("aarch64-3.13").architecture, Target("x86_64-3.11").suite) == ("arm64", "bookworm")


@pytest.mark.parametrize("kind", ["riscv64-3.13", "x86_64-3.12", "x86_64"])
def test_a_machine_that_no_debian_has_is_rejected(kind: str, tmp_path: Path) -> None:
    """The error says which machines there are, before anything is built."""
    with pytest.raises(ReleaseError, match="choose x86_64 or aarch64"):
        DebianPackages(ROOT, 0).build(tmp_path / "absent.whl", tmp_path / "absent.tar", kind, tmp_path)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("cv2/__init__.py", "cv2/__init__.py"),
        ("thing-1.0.data/platlib/thing/core.so", "thing/core.so"),
        ("thing-1.0.data/scripts/thing", None),
        ("numpy/linalg/tests/test_linalg.py", None),
        ("tests/test_thing.py", None),
        ("numpy/distutils/__pycache__/setup.cpython-311.pyc", None),
        ("numpy/testing/__init__.py", "numpy/testing/__init__.py"),
        ("ai_edge_litert/libLiteRtWebGpuAccelerator.so", None),
        ("ai_edge_litert/vendors/one/lib.so", None),
        ("cv2/data/face.xml", None),
        ("cv2/", None),
    ],
)
def test_what_the_program_never_reads_is_left_out(name: str, place: str | None) -> None:
    """Tests of libraries, their commands, and drivers for other accelerators are no part of the package."""
    found = installed_path(name)
    assert (str(found) if found else None) == place


@pytest.mark.parametrize("name", ["../outside.py", "/etc/passwd", "a/../../b.py", "a-1.data/purelib/../../../b"])
def test_a_wheel_writes_nothing_outside_its_folder(name: str, tmp_path: Path) -> None:
    """A name that leads out of the folder of libraries is refused."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "x")
    (tmp_path / "bad.whl").write_bytes(content.getvalue())
    with pytest.raises(ReleaseError, match="outside the folder of libraries"):
        unpack_wheel(tmp_path / "bad.whl", tmp_path / "into")


def test_a_release_brings_the_extras_of_an_owner_alone(tmp_path: Path) -> None:
    """Photos of phones can be read without a registry; nobody trains on a node."""
    path = tmp_path / "facenode-1.0-py3-none-any.whl"
    extras = "".join(f"Provides-Extra: {each}\n" for each in ("train", "heic", "dev", "demo"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("facenode-1.0.dist-info/METADATA", f"Name: facenode\nVersion: 1.0\n{extras}")
    assert owner_extras(path) == ["demo", "heic"]


@pytest.mark.parametrize("script", sorted(DEBIAN.glob("facenode.p*[mt]*")), ids=lambda path: path.suffix)
def test_the_scripts_of_the_package_are_for_any_shell(script: Path) -> None:
    """They run by Debian's /bin/sh and end at the first error."""
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -e\n" in text
    assert "#DEBHELPER#" in text
    subprocess.run(["sh", "-n", script], check=True)


def test_each_override_of_lintian_has_its_reason() -> None:
    """The line before an override, or before a block of them, says why."""
    before = ""
    for line in (DEBIAN / "facenode.lintian-overrides").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.match(r"(facenode|#)", before), line
        before = line


def test_the_tool_says_what_is_missing(tmp_path: Path) -> None:
    """Without debhelper the error names the package, and how to make a release without it."""
    tool = ROOT / "ansible" / "tools" / "products.py"
    done = subprocess.run(
        [sys.executable, tool, "--folder", tmp_path / "dist", "--packages"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "apt install debhelper" in done.stderr
    assert "make release PACKAGES=" in done.stderr
    assert not (tmp_path / "dist").exists()
