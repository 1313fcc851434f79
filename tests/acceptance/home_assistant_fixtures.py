"""What the tests against a real Home Assistant share: one of it, and a broker between it and the nodes."""

from collections.abc import Iterator

import pytest
from home_assistant import HomeAssistant
from home_assistant_root import home_assistant_root
from mosquitto_broker import Mosquitto


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Return the broker between them."""
    made = Mosquitto(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="session")
def home(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    """Return a Home Assistant that runs and is connected; at the end it must have had nothing to complain of."""
    made = HomeAssistant(home_assistant_root(), tmp_path_factory.mktemp("home"), broker)
    try:
        made.start()
        yield made
    finally:
        made.end()
    assert made.logged_problems() == []
