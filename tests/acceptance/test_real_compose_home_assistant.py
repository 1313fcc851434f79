"""The Home Assistant of docker-compose.yml: its container's first-start script with the real program."""

import shutil
from pathlib import Path

import pytest
from home_assistant import HomeAssistant
from home_assistant_node import TIMEOUT_S, entities, node_process
from home_assistant_root import command_inside, home_assistant_root
from mosquitto_broker import Mosquitto, eventually
from process import run

pytestmark = pytest.mark.timeout(1200)
SCRIPT = Path(__file__).resolve().parents[2] / "docker/home-assistant.sh"


def test_it_is_connected_to_the_broker_from_the_first_start(broker: Mosquitto, tmp_path: Path, media_dir: Path) -> None:
    """The owner only creates a user and finds the node; an existing configuration is left unchanged."""
    root = home_assistant_root()
    (root / "cfg-password").write_text("not asked for by this broker")
    shutil.copy(SCRIPT, root / "cfg-script")
    variables = (
        "CONFIG=/cfg", "MQTT_HOST=127.0.0.1", f"MQTT_PORT={broker.port}", "MQTT_USERNAME=facenode",
        "MQTT_PASSWORD_FILE=/cfg-password",
    )  # fmt: skip

    def prepare() -> None:
        run(*command_inside(root, *variables, "sh", "/cfg-script", "true"))

    home = HomeAssistant(root, tmp_path, broker, prepare=prepare)
    try:
        home.start()
        with node_process("porch", broker, tmp_path, media_dir):
            wanted = entities("porch", noisy=True)
            assert eventually(lambda: home.registered("facenode_porch").keys() == wanted.keys(), TIMEOUT_S)
            assert eventually(lambda: home.state("sensor.porch_count") == "1", TIMEOUT_S)
    finally:
        home.end()
    assert home.logged_problems() == []
    kept = (root / "cfg/.storage/core.config_entries").read_bytes()
    prepare()
    assert (root / "cfg/.storage/core.config_entries").read_bytes() == kept
