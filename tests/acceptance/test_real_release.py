"""`make release`: what it builds, twice the same, and installations from that alone, where no registry is reached."""

import json
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debianroot import bare_root, offline, slim_root
from dockerimage import DockerImage
from engine import Engine
from process import run
from saying import say

from node import __version__
from tests.docs.pages import ROOT, blocks

__all__ = ["say"]

pytestmark = pytest.mark.timeout(1800)
STEM = f"facenode-{__version__}"
KINDS = [f"{python}-{machine}" for python in ("cp311", "cp313") for machine in ("aarch64", "x86_64")]
HERE = {"cp311-x86_64": ("bookworm", "tflite_runtime"), "cp313-x86_64": ("trixie", "ai_edge_litert")}
"""Debian's release and the runtime of the kinds of machines that this one is."""
IMAGES = ("facenode", "facenode-broker")
SEEN = ("recognized", "unknown", "left")
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for path in sys.argv[1:]:
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(path).read())
    if wrong:
        sys.exit(f"{path}: {wrong}")
"""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """What `make release` made.

    Attributes:
        checkout: in which.
        engine: the engine that built the images.
        printed: what it printed.
        took_s: seconds.
    """

    checkout: Path
    engine: Engine
    printed: str
    took_s: float

    @property
    def products(self) -> Path:
        """The folder of all that was built."""
        return self.checkout / "dist"

    def image(self, name: str) -> DockerImage:
        """Return an image as whoever has only its tarball gets it."""
        wanted = f"{name}:{__version__}"
        self.engine.docker("load", "--input", self.products / f"{name}-{__version__}-image-amd64.tar.gz")
        return DockerImage(self.engine, wanted)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Return an engine that knows one image: Debian 13 as Docker has it, without Python."""
    with Engine() as engine:
        engine.import_root(slim_root(), "debian:trixie-slim")
        yield engine


@pytest.fixture(scope="module")
def release(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return what is made of a fresh clone of the last commit."""
    checkout = tmp_path_factory.mktemp("release") / "checkout"
    run("git", "clone", "--quiet", ROOT, checkout)
    began_s = time.monotonic()
    printed = run("make", "release", "DOCKER_BUILD=--network=host", cwd=checkout, environ=engine.environ)
    for name in IMAGES:
        engine.docker("image", "rm", f"{name}:{__version__}")
    return Release(checkout, engine, printed, time.monotonic() - began_s)


def test_all_of_it_is_there(release: Release, say: Say) -> None:
    """The program, four wheelhouses with their bills of materials, two images, and the checksums of them all."""
    say(f"make release, {release.took_s:.0f} s:\n{release.printed}")
    expected = {f"{STEM}-py3-none-any.whl", *(f"{name}-{__version__}-image-amd64.tar.gz" for name in IMAGES)}
    expected |= {f"{STEM}-wheels-{kind}.{end}" for kind in KINDS for end in ("tar", "cdx.json")}
    assert {path.name for path in release.products.iterdir()} == expected | {"SHA256SUMS"}
    checked = run("sha256sum", "--check", "SHA256SUMS", cwd=release.products)
    assert {line.removesuffix(": OK") for line in checked.splitlines()} == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_bill_of_materials_names_every_wheel(release: Release, kind: str) -> None:
    """Each with the version and the checksum by which it is installed, and each with a licence."""
    content = json.loads((release.products / f"{STEM}-wheels-{kind}.cdx.json").read_text())
    with tarfile.open(release.products / f"{STEM}-wheels-{kind}.tar") as archive:
        file = archive.extractfile("lock.txt")
        assert file is not None
        locked = {line.replace("==", " ").replace(" --hash=sha256:", " ") for line in file.read().decode().splitlines()}
    named = {f"{each['name']} {each['version']} {each['hashes'][0]['content']}" for each in content["components"]}
    assert named == locked
    assert [each["name"] for each in content["components"] if not each["licenses"]] == []


def test_the_bills_are_cyclonedx(release: Release) -> None:
    """By the standard's own schema."""
    python = release.checkout / ".venv-release" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "cyclonedx-python-lib[json-validation]>=9,<12")
    run(python, "-c", VALIDATE, *release.products.glob("*.cdx.json"))


def test_the_same_commit_gives_the_same_bytes(release: Release, tmp_path: Path) -> None:
    """In another folder and without a Docker Engine: program, wheelhouses, bills of materials and checksums."""
    other = tmp_path / "other"
    run("git", "clone", "--quiet", ROOT, other)
    (other / "left.py").write_text("not committed")
    printed = run("make", "release", "IMAGES=", cwd=other)
    assert "uncommitted changes are left out" in printed
    ours, theirs = (_sums(folder / "dist") for folder in (other, release.checkout))
    assert ours == {name: each for name, each in theirs.items() if "-image-" not in name}


@pytest.mark.parametrize("kind", HERE)
def test_it_is_installed_where_there_is_no_registry(release: Release, kind: str, say: Say) -> None:
    """As the README says, on a bare Debian without a network: the checksums are right, and the demonstration runs."""
    suite, runtime = HERE[kind]
    root = _with_products(release, suite, kind)
    began_s = time.monotonic()
    shown = offline(root, f"cd /srv/release\n{_documented(kind)}")
    say(f"{suite}: from the products to the end of the demonstration {time.monotonic() - began_s:.0f} s")
    assert all(word in shown for word in SEEN), shown
    offline(root, f"HOME=/srv /srv/facenode/bin/python -c 'import {runtime}'")
    shutil.rmtree(root / "srv")


def test_a_damaged_product_is_not_installed(release: Release) -> None:
    """The documented commands end at the checksum that is not right, with the file's name."""
    root = _with_products(release, "trixie", "cp313-x86_64")
    with (root / "srv/release" / f"{STEM}-wheels-cp313-x86_64.tar").open("r+b") as file:
        file.seek(100_000)
        file.write(b"damaged")
    said = offline(root, f"cd /srv/release\n{_documented('cp313-x86_64')}", code=1)
    assert f"{STEM}-wheels-cp313-x86_64.tar: FAILED" in said
    assert not (root / "srv/release/wheels").exists()
    shutil.rmtree(root / "srv")


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_holds_what_it_needs(release: Release, name: str, say: Say) -> None:
    """Nothing that makes somebody root, and nothing that builds or fetches programs; it says what it is."""
    image = release.image(name)
    say(f"{name}: {image.size_mb:.0f} MB")
    assert (image.user, image.labels["title"], image.labels["version"]) == ("facenode", name, __version__)
    assert (image.privileged(), image.writable(), image.tools()) == ([], [], [])


def test_the_program_in_its_image_is_the_releases(release: Release, say: Say) -> None:
    """It runs on a root that cannot be written, without a network, and is of the wheels of the bill of materials."""
    image = release.image("facenode")
    began_s = time.monotonic()
    assert __version__ in image.run("--version")
    say(f"facenode --version in a container: {time.monotonic() - began_s:.1f} s")
    shown = image.run("demo")
    assert all(word in shown for word in SEEN), shown
    content = json.loads((release.products / f"{STEM}-wheels-cp313-x86_64.cdx.json").read_text())
    named = {f"{each['name']} {each['version']}" for each in content["components"]}
    script = "from importlib.metadata import distributions as d\nfor e in d(): print(e.name, e.version)"
    command = ("run", "--rm", "--network=none", "--entrypoint=/opt/facenode/bin/python", image.name, "-c", script)
    installed = {line.lower().replace("_", "-") for line in release.engine.docker(*command).splitlines()}
    assert {line.replace("backports.strenum", "backports-strenum") for line in installed} == named | {
        f"facenode {__version__}"
    }


def _with_products(release: Release, suite: str, kind: str) -> Path:
    """Return a bare Debian with Python, in whose /srv/release lie the products for a kind of machine."""
    root = bare_root(f"python-{suite}", suite, "python3", "python3-venv")
    folder = root / "srv/release"
    shutil.rmtree(root / "srv", ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (f"{STEM}-py3-none-any.whl", f"{STEM}-wheels-{kind}.tar", "SHA256SUMS"):
        shutil.copy(release.products / name, folder)
    return root


def _documented(kind: str) -> str:
    """Return the commands of the README for a kind of machine, with /srv for the home."""
    (block,) = (block for block in blocks(ROOT / "README.md") if "sha256sum --check" in block.text)
    assert "kind=cp313-aarch64" in block.text
    return "HOME=/srv\n" + block.text.replace("kind=cp313-aarch64", f"kind={kind}")


def _sums(folder: Path) -> dict[str, str]:
    """Return the checksum of each product."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: checksum for checksum, name in (line.split("  ") for line in lines)}
