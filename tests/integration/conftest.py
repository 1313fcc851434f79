"""What the integration tests share: a real broker, ended by its process id."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from realbroker import Mosquitto


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Return what starts a broker with the given lines of configuration; skip where there is no mosquitto."""
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("no mosquitto program: install the package of that name")
    started: list[Mosquitto] = []

    def start(*lines: str, host: str = "127.0.0.1") -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto-{len(started)}", lines or ("allow_anonymous true",), host)
        started.append(broker)
        return broker.start()

    yield start
    for broker in started:
        broker.end()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return what prints a line that is seen even if the test passes."""

    def line(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return line
