"""`make release`: what it builds, that it is reproducible, and that it installs without a registry."""

import json
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debian_root import bare_root, run_offline, slim_root
from docker_engine import DockerEngine
from docker_image import DockerImage
from process import run
from uncaptured_output import print_line

from node import __version__
from tests.docs.pages import ROOT, blocks

__all__ = ["print_line"]

pytestmark = pytest.mark.timeout(9000)
_BUILD_S = 3600.0
"""Four packages are compressed, and both images built."""
STEM = f"facenode-{__version__}"
KINDS = [f"{python}-{machine}" for python in ("cp311", "cp313") for machine in ("aarch64", "x86_64")]
HERE = {"cp311-x86_64": ("bookworm", "ai_edge_litert"), "cp313-x86_64": ("trixie", "ai_edge_litert")}
"""Debian release and runtime of the kinds of machines that this machine can run."""
DEBIANS = ("deb12", "deb13")
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

PrintLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """The products of `make release`.

    Attributes:
        checkout: the checkout it was made in.
        engine: the engine that built the images.
        printed: the output.
        took_s: the duration in seconds.
    """

    checkout: Path
    engine: DockerEngine
    printed: str
    took_s: float

    @property
    def products(self) -> Path:
        """The folder of the products."""
        return self.checkout / "dist"

    def image(self, name: str) -> DockerImage:
        """Load an image from its tarball and return it."""
        wanted = f"{name}:{__version__}"
        self.engine.docker("load", "--input", self.products / f"{name}-{__version__}-image-amd64.tar.gz")
        return DockerImage(self.engine, wanted)


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    """Return an engine with one image: Debian 13 as in Docker's slim image, without Python."""
    with DockerEngine() as engine:
        engine.import_root(slim_root(), "debian:trixie-slim")
        yield engine


@pytest.fixture(scope="module")
def release(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return the release of a fresh clone of the last commit."""
    checkout = tmp_path_factory.mktemp("release") / "checkout"
    run("git", "clone", "--quiet", ROOT, checkout)
    began_s = time.monotonic()
    printed = run(
        "make", "release", "DOCKER_BUILD=--network=host", cwd=checkout, environ=engine.environ, timeout_s=_BUILD_S
    )
    for name in IMAGES:
        engine.docker("image", "rm", f"{name}:{__version__}")
    return Release(checkout, engine, printed, time.monotonic() - began_s)


def test_every_product_is_built(release: Release, print_line: PrintLine) -> None:
    """There are the program, four wheelhouses with bills of materials, four packages, two images, their checksums."""
    print_line(f"make release, {release.took_s:.0f} s:\n{release.printed}")
    expected = {f"{STEM}-py3-none-any.whl", *(f"{name}-{__version__}-image-amd64.tar.gz" for name in IMAGES)}
    expected |= {f"{STEM}-wheels-{kind}.{end}" for kind in KINDS for end in ("tar", "cdx.json")}
    expected |= {f"facenode_{__version__}+{debian}_{each}.deb" for debian in DEBIANS for each in ("amd64", "arm64")}
    assert {path.name for path in release.products.iterdir()} == expected | {"SHA256SUMS", "homeassistant"}
    checked = run("sha256sum", "--check", "SHA256SUMS", cwd=release.products)
    named = {line.removesuffix(": OK") for line in checked.splitlines()}
    app = {path.relative_to(release.products) for path in (release.products / "homeassistant").rglob("*.*")}
    assert named == expected | {str(path) for path in app if (release.products / path).is_file()} | {
        "homeassistant/facenode/Dockerfile"
    }


def test_the_app_of_home_assistant_is_complete(release: Release) -> None:
    """Its version is that of the release, and each architecture has the wheels that its lock names."""
    app = release.products / "homeassistant" / "facenode"
    assert f'version: "{__version__}"' in (app / "config.yaml").read_text().splitlines()
    assert (app / "CHANGELOG.md").read_text() == (release.checkout / "CHANGELOG.md").read_text()
    assert {path.name for path in (app / "wheels").glob("*.whl")} == {f"{STEM}-py3-none-any.whl"}
    for architecture in ("aarch64", "amd64"):
        wheels = app / "wheels" / architecture
        locked = (wheels / "lock.txt").read_text().splitlines()
        assert len(list(wheels.glob("*.whl"))) == len(locked)
        assert any(line.startswith("starlette==") for line in locked)
        named = {
            each["name"] for each in json.loads((wheels.parent / f"{architecture}.cdx.json").read_text())["components"]
        }
        assert named == {line.partition("==")[0] for line in locked}
    assert max(path.stat().st_size for path in app.rglob("*")) < 100e6


@pytest.mark.parametrize("kind", KINDS)
def test_a_bill_of_materials_names_every_wheel(release: Release, kind: str) -> None:
    """Each wheel has the version and checksum that are installed, and a license."""
    content = json.loads((release.products / f"{STEM}-wheels-{kind}.cdx.json").read_text())
    with tarfile.open(release.products / f"{STEM}-wheels-{kind}.tar") as archive:
        file = archive.extractfile("lock.txt")
        assert file is not None
        locked = {line.replace("==", " ").replace(" --hash=sha256:", " ") for line in file.read().decode().splitlines()}
    named = {f"{each['name']} {each['version']} {each['hashes'][0]['content']}" for each in content["components"]}
    assert named == locked
    assert [each["name"] for each in content["components"] if not each["licenses"]] == []


def test_the_bills_of_materials_are_valid_cyclonedx(release: Release) -> None:
    """They match the standard's own schema."""
    python = release.checkout / ".venv-release" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "cyclonedx-python-lib[json-validation]>=9,<12")
    run(python, "-c", VALIDATE, *release.products.glob("*.cdx.json"))


def test_the_same_commit_gives_the_same_bytes(release: Release, tmp_path: Path) -> None:
    """Another folder without Docker Engine gives the same program, wheelhouses, packages and checksums."""
    other = tmp_path / "other"
    run("git", "clone", "--quiet", release.checkout, other)
    (other / "left.py").write_text("not committed")
    printed = run("make", "release", "IMAGES=", cwd=other, timeout_s=_BUILD_S)
    assert "uncommitted changes are left out" in printed
    ours, theirs = (_sums(folder / "dist") for folder in (other, release.checkout))
    assert ours == {name: each for name, each in theirs.items() if "-image-" not in name}


@pytest.mark.parametrize("kind", HERE)
def test_it_installs_without_a_registry(release: Release, kind: str, print_line: PrintLine) -> None:
    """As docs/by-hand.md says, on a bare Debian without network; the checksums match and the demo runs."""
    suite, runtime = HERE[kind]
    root = _with_products(release, suite, kind)
    began_s = time.monotonic()
    shown = run_offline(root, f"cd /srv/release\n{_documented(kind)}")
    print_line(f"{suite}: from the products to the end of the demo {time.monotonic() - began_s:.0f} s")
    assert all(word in shown for word in SEEN), shown
    run_offline(root, f"HOME=/srv /srv/facenode/bin/python -c 'import {runtime}'")
    shutil.rmtree(root / "srv")


def test_a_damaged_product_is_not_installed(release: Release) -> None:
    """The documented commands stop at the wrong checksum and name the file."""
    root = _with_products(release, "trixie", "cp313-x86_64")
    with (root / "srv/release" / f"{STEM}-wheels-cp313-x86_64.tar").open("r+b") as file:
        file.seek(100_000)
        file.write(b"damaged")
    output = run_offline(root, f"cd /srv/release\n{_documented('cp313-x86_64')}", code=1)
    assert f"{STEM}-wheels-cp313-x86_64.tar: FAILED" in output
    assert not (root / "srv/release/wheels").exists()
    shutil.rmtree(root / "srv")


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_has_no_setuid_files_and_no_build_tools(release: Release, name: str, print_line: PrintLine) -> None:
    """It also runs as an unprivileged user, and its labels describe it."""
    image = release.image(name)
    print_line(f"{name}: {image.size_mb:.0f} MB")
    assert (image.user, image.labels["title"], image.labels["version"]) == ("facenode", name, __version__)
    assert (image.setuid_files(), image.world_writable_files(), image.build_tools()) == ([], [], [])


def test_the_image_contains_the_release(release: Release, print_line: PrintLine) -> None:
    """It runs on a read-only root without network, with the wheels of the bill of materials."""
    image = release.image("facenode")
    began_s = time.monotonic()
    assert __version__ in image.run("--version")
    print_line(f"facenode --version in a container: {time.monotonic() - began_s:.1f} s")
    shown = image.run("demo")
    assert all(word in shown for word in SEEN), shown
    content = json.loads((release.products / f"{STEM}-wheels-cp313-x86_64.cdx.json").read_text())
    named = {f"{each['name']} {each['version']}" for each in content["components"]}
    script = "from importlib.metadata import distributions as d\nfor e in d(): print(e.name, e.version)"
    command = ("run", "--rm", "--network=none", "--entrypoint=/opt/facenode/bin/python", image.name, "-c", script)
    installed = {line.lower().replace("_", "-") for line in release.engine.docker(*command).splitlines()}
    installed = {line.replace("backports.strenum", "backports-strenum") for line in installed}
    assert f"facenode {__version__}" in installed
    # The archive of wheels also holds what the extras need, which the image does not have.
    assert installed - {f"facenode {__version__}"} < named


def _with_products(release: Release, suite: str, kind: str) -> Path:
    """Return a bare Debian with Python and the products for a kind of machine in /srv/release."""
    root = bare_root(f"python-{suite}", suite, "python3", "python3-venv")
    folder = root / "srv/release"
    shutil.rmtree(root / "srv", ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (f"{STEM}-py3-none-any.whl", f"{STEM}-wheels-{kind}.tar", "SHA256SUMS"):
        shutil.copy(release.products / name, folder)
    return root


def _documented(kind: str) -> str:
    """Return the documented commands for a kind of machine, with /srv as home."""
    (block,) = (block for block in blocks(ROOT / "docs" / "by-hand.md") if "sha256sum --check" in block.text)
    assert "kind=cp313-aarch64" in block.text
    return "HOME=/srv\n" + block.text.replace("kind=cp313-aarch64", f"kind={kind}")


def _sums(folder: Path) -> dict[str, str]:
    """Return the checksum of each product."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: checksum for checksum, name in (line.split("  ") for line in lines)}
