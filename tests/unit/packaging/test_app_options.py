"""The owner's options, with the broker that the Supervisor names -> settings that the node reads."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from start.errors import AppError
from start.mqtt_service import MqttService
from start.options import PAGE_PORT, Surroundings, read_options, settings_of
from start.toml import to_toml

from node.settings.loader import load
from tests.docs.pages import ROOT

CONFIG = yaml.safe_load((ROOT / "packaging/homeassistant/facenode/config.yaml").read_text(encoding="utf-8"))
BROKER = MqttService("core-mosquitto", 1883, tls=False, username="addons", password="secret")  # noqa: S106 - of a test
SECRETLESS = MqttService("core-mosquitto", 1883, tls=False, username="", password="")


def settings_for(tmp_path: Path, options: dict[str, Any], zone: str = "") -> Any:  # noqa: ANN401 - the node's settings
    """Return the settings that the node reads from the file that the app writes."""
    (tmp_path / "options.json").write_text(json.dumps(options), encoding="utf-8")
    (tmp_path / "password").write_text("secret")
    storage = tmp_path / "storage"
    tables = settings_of(
        read_options(tmp_path / "options.json"), BROKER, tmp_path / "password", Surroundings(storage, zone)
    )
    (tmp_path / "facenode.toml").write_text(to_toml(tables), encoding="utf-8")
    return load(tmp_path / "facenode.toml", {}, {}, tmp_path / "none")


def test_the_default_options_are_settings(tmp_path: Path) -> None:
    """A fresh install: broker and login by the Supervisor, the page behind ingress, everything in /data."""
    found = settings_for(tmp_path, CONFIG["options"])
    assert (found.mqtt.host, found.mqtt.port, found.mqtt.username) == ("core-mosquitto", 1883, "addons")
    assert found.mqtt.password_file == tmp_path / "password"
    assert (found.page.door, found.page.port) == ("ingress", PAGE_PORT)
    assert found.storage.dir == tmp_path / "storage"
    assert (found.node.id, found.camera.source, found.node.timezone) == ("facenode", "webcam:0", "UTC")


def test_options_become_the_settings_of_their_names(tmp_path: Path) -> None:
    """Also where a list is a text with commas."""
    options = CONFIG["options"] | {
        "node": {"id": "hall", "name": 'Zoë\'s "hall"\\', "area": "Flur"},
        "camera": {"source": "video:rtsp://a:b@cam/1", "rotate": "90", "fps": 5, "masks": "0,0,0.2,1; 0.8,0,0.2,1"},
        "publish": {"tasks": ["identity"], "snapshots": "face"},
        "events": {"leave_after_s": 2.5},
        "detector": {"motion": False},
        "storage": {"max_mb": 50},
        "mqtt": {"live_s": 60},
        "rules": [
            {"id": "night", "when": "unknown", "between": "22:00, 06:00", "days": "fri,sat", "cool_down_s": 10},
            {"id": "home", "when": "recognized", "people": "ada,grace"},
        ],
    }
    found = settings_for(tmp_path, options)
    assert (found.node.id, found.node.name, found.node.area) == ("hall", 'Zoë\'s "hall"\\', "Flur")
    assert (found.camera.source, found.camera.rotate, found.camera.fps) == ("video:rtsp://a:b@cam/1", 90, 5.0)
    assert found.camera.masks == ((0, 0, 0.2, 1), (0.8, 0, 0.2, 1))
    assert (found.publish.tasks, found.publish.snapshots) == (("identity",), "face")
    assert (found.events.leave_after_s, found.detector.motion) == (2.5, False)
    assert (found.storage.max_mb, found.mqtt.live_s, found.mqtt.host) == (50, 60.0, "core-mosquitto")
    night, home = found.alerts.rules
    assert (night.id, night.between, night.days) == ("night", ("22:00", "06:00"), ("fri", "sat"))
    assert night.cool_down_s == 10.0
    assert (home.when, home.people) == ("recognized", ("ada", "grace"))


def test_the_time_zone_is_home_assistants_unless_it_was_chosen(tmp_path: Path) -> None:
    """Nothing is typed twice."""
    assert settings_for(tmp_path, CONFIG["options"], "Europe/Berlin").node.timezone == "Europe/Berlin"
    chosen = CONFIG["options"] | {"node": {"id": "a", "name": "A", "timezone": "Asia/Tokyo"}}
    assert settings_for(tmp_path, chosen, "Europe/Berlin").node.timezone == "Asia/Tokyo"


def test_a_broker_without_a_login_gets_none(tmp_path: Path) -> None:
    """No user name, no password file."""
    (tmp_path / "options.json").write_text(json.dumps(CONFIG["options"]))
    tables = settings_of(read_options(tmp_path / "options.json"), SECRETLESS, None, Surroundings(tmp_path))
    assert not {"username", "password_file"} & tables["mqtt"].keys()


def test_a_camera_at_the_csi_port_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """An app cannot reach it; the sentence says what can be done."""
    with pytest.raises(AppError, match=r"camera.source = picamera: .*webcam:0.*video:rtsp.*Raspberry Pi OS") as refused:
        settings_for(tmp_path, CONFIG["options"] | {"camera": {"source": "picamera"}})
    assert refused.value.exit_code == 78


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b'"x"', b'{"node": 3}', b'{"rules": 3}', b'{"rules": ["x"]}', b"\xff", b"[" * 100_000,
        b" " * 300_000,
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_the_supervisors_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever is wrong with it, the sentence names the file and what to do."""
    path = tmp_path / "options.json"
    path.write_bytes(content)
    with pytest.raises(AppError, match=r"options.json: the options cannot be read .*save them again"):
        read_options(path)
    with pytest.raises(AppError, match=r"none.json: the options cannot be read"):
        read_options(tmp_path / "none.json")


SCALARS = (
    st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.lists(st.dictionaries(st.text(min_size=1), SCALARS), max_size=2)


@given(st.dictionaries(st.text(min_size=1), st.dictionaries(st.text(min_size=1), VALUES, max_size=3), max_size=3))
def test_whatever_is_written_is_read_again(tables: dict[str, dict[str, Any]]) -> None:
    """The text is TOML, and says the same, whatever characters there are."""
    read = tomllib.loads(to_toml(tables))
    assert json.dumps(read, sort_keys=True) == json.dumps(_whole(tables), sort_keys=True)


def _whole(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value with half characters replaced, which no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else value


def test_what_is_no_value_of_options_is_not_written() -> None:
    """An option without a value would be a setting without a value."""
    with pytest.raises(TypeError, match="None cannot be written"):
        to_toml({"node": {"id": None}})
