"""Fixtures and options for all tests: the face data, the media, and `--no-skips`."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Without limits of time for examples: what else runs on the machine makes some of them late. pytest's timeout stays.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


@pytest.fixture(scope="session", autouse=True)
def _default_hangup() -> Iterator[None]:
    """Undo what `nohup` does: every program that a test starts would inherit that SIGHUP is ignored."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of face data; skip without it, since it may not be published with the project."""
    folder = Path(os.environ.get("FACENODE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no face data in {folder}: set FACENODE_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """Return the folder of the pictures and the clip that ship with the program."""
    return ROOT / "tests" / "media"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that turns skips into failures."""
    parser.addoption("--no-skips", action="store_true", help="fail where a test is skipped for a missing piece")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failure with `--no-skips`."""
    del call
    report = yield
    if report.skipped and item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped file into a failure with `--no-skips`."""
    report = yield
    if report.skipped and collector.config.getoption("--no-skips"):
        report.outcome = "failed"
    return report
