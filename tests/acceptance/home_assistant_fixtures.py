"""Fixtures for tests with a real Home Assistant: the Home Assistant, and a broker between it and the nodes."""

from collections.abc import Iterator

import pytest
from home_assistant import HomeAssistant
from home_assistant_root import home_assistant_root
from mosquitto_broker import Mosquitto


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Return the broker between Home Assistant and the nodes."""
    made = Mosquitto(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="session")
def home(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    """Return a running, connected Home Assistant; at the end its log must show no problems."""
    made = HomeAssistant(home_assistant_root(), tmp_path_factory.mktemp("home"), broker)
    try:
        made.start()
        yield made
    finally:
        made.end()
    assert made.logged_problems() == []
