"""What the fleet's tests share: four booted hosts, made into a fleet once, and whoever runs the playbooks."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from controller import ROOT, Controller, Played
from debian_root import CACHE
from fleethosts import Hosts
from uncaptured_output import print_line
from wheel_variants import build_variant

__all__ = ["bare", "built", "fleet", "print_line", "wheel"]

DEBIANS = (13, 13, 13, 12)
_CLIP = ROOT / "tests" / "media" / "carphone.mp4"


@pytest.fixture(scope="session")
def bare() -> Iterator[Controller]:
    """Return a controller of four bare hosts."""
    CACHE.mkdir(exist_ok=True)
    # Not in /tmp, which may be an overlay itself and then cannot be a layer of one.
    folder = Path(tempfile.mkdtemp(prefix="fleet-", dir=CACHE))
    try:
        hosts = Hosts(DEBIANS, folder / "hosts")
        controller = Controller(hosts, folder / "controller", _CLIP)
        with hosts:
            yield controller
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def built(bare: Controller) -> Played:
    """Return how site.yml ended over the bare hosts."""
    return bare.play("site")


@pytest.fixture
def fleet(bare: Controller, built: Played) -> Controller:
    """Return a controller whose fleet works."""
    assert built.code == 0
    return bare


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Return what builds a wheel of the program, good or bad."""
    return lambda what, version: build_variant(what, version, tmp_path_factory.mktemp("wheels"))
