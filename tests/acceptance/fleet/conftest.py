"""Fixtures of the fleet tests: four booted hosts, their controller, and the fleet that site.yml makes of them."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from controller import ROOT, Controller, PlaybookResult
from debianroot import CACHE
from fleethosts import Hosts
from saying import say
from wheelvariants import build_variant

__all__ = ["bare_fleet", "build_wheel", "fleet", "say", "site_result"]

DEBIAN_RELEASES = (13, 13, 13, 12)
_CLIP = ROOT / "tests" / "media" / "carphone.mp4"


@pytest.fixture(scope="session")
def bare_fleet() -> Iterator[Controller]:
    """Return the controller of four bare hosts."""
    CACHE.mkdir(exist_ok=True)
    # Not in /tmp: if that is an overlay itself, it cannot be a layer of another one.
    folder = Path(tempfile.mkdtemp(prefix="fleet-", dir=CACHE))
    try:
        hosts = Hosts(DEBIAN_RELEASES, folder / "hosts")
        controller = Controller(hosts, folder / "controller", _CLIP)
        with hosts:
            yield controller
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def site_result(bare_fleet: Controller) -> PlaybookResult:
    """Return the result of site.yml on the bare hosts."""
    return bare_fleet.run_playbook("site")


@pytest.fixture
def fleet(bare_fleet: Controller, site_result: PlaybookResult) -> Controller:
    """Return the controller of a working fleet."""
    assert site_result.code == 0
    return bare_fleet


@pytest.fixture(scope="session")
def build_wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Return a function that builds a variant of the program's wheel from its behavior and its version."""
    return lambda behavior, version: build_variant(behavior, version, tmp_path_factory.mktemp("wheels"))
