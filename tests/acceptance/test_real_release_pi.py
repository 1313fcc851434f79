"""`make release IMAGES=arm64`: the images for a Raspberry Pi, built and started on its processor, played by qemu."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pinamespace
import pytest
from debianroot import slim_root
from dockerimage import DockerImage
from engine import Engine
from process import run
from saying import say

from node import __version__
from tests.docs.pages import ROOT

__all__ = ["say"]

pytestmark = pytest.mark.timeout(3600)
_ROOT = ("--architectures=arm64", "--skip=check/qemu", "--include=python3,python3-venv,mosquitto")
"""Containers have no network in that namespace: the packages that Dockerfile installs are there before."""

Say = Callable[[str], None]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Return an engine whose containers may be a Raspberry Pi's, and which knows Debian 13 for it."""
    if not pinamespace.EMULATOR.exists():
        pytest.skip(f"no {pinamespace.EMULATOR.name} program: apt install qemu-user-static")
    with Engine(pinamespace.within) as engine:
        root = slim_root(*_ROOT, name="slim-arm64", beneath=pinamespace.within)
        (root / "etc/apt/sources.list").write_text("")
        engine.import_root(root, "debian:trixie-slim", "arm64")
        engine.environ["DOCKER_DEFAULT_PLATFORM"] = "linux/arm64"
        yield engine


def test_the_images_run_on_a_pis_processor(engine: Engine, tmp_path: Path, media_dir: Path, say: Say) -> None:
    """They come of the same Dockerfile and the wheels for aarch64; the program finds the face in a picture."""
    checkout = tmp_path / "checkout"
    run("git", "clone", "--quiet", ROOT, checkout)
    began_s = time.monotonic()
    flags = ("IMAGES=arm64", "DOCKER_BUILD=--network=none")
    run("make", "release", *flags, cwd=checkout, environ=engine.environ, timeout_s=3000)
    say(f"make release IMAGES=arm64, by qemu: {time.monotonic() - began_s:.0f} s")
    for name in ("facenode", "facenode-broker"):
        assert (checkout / "dist" / f"{name}-{__version__}-image-arm64.tar.gz").exists()
        image = DockerImage(engine, f"{name}:{__version__}")
        assert engine.docker("image", "inspect", "--format", "{{.Architecture}}", image.name).strip() == "arm64"
        assert (image.privileged(), image.tools("/opt")) == ([], [])
        say(f"{name} for arm64: {image.size_mb:.0f} MB")
    image = DockerImage(engine, f"facenode:{__version__}")
    assert __version__ in image.run("--version")
    command = ("run", "--rm", "--network=none", f"--volume={media_dir}:/media:ro", "--env=QEMU_CPU=cortex-a72")
    printed = engine.docker(*command, image.name, "recognize", "/media/astronaut.jpg", "--json")
    line = next(line for line in printed.splitlines() if line.startswith("{"))
    assert len(json.loads(line)["faces"]) == 1
