"""The settings file and its secrets: all or nothing, with the owner's other settings kept."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from node.errors import SetupError
from node.settings import Settings
from node.settings.loader import load
from node.setup.schema import Answers, parse
from node.setup.settings_files import Owner, SettingsFiles
from node.setup.settings_text import dump, edited, literal

FORMER = """\
# The camera of the hall.
[camera]
source = "webcam:1"    # the left one
fps = 5.0

[[alerts.rules]]
id = "night-stranger"
when = "unknown"

[mqtt]
host = "old.local"
keepalive_s = 20
"""


def answers(**more: object) -> Answers:
    """Return answers with a login, and more."""
    broker = {"host": "homeassistant.local", "username": "facenode", "password": "s3cret"}
    return parse({"camera": {"source": "webcam:0"}, "broker": broker, "node": {"id": "a", "timezone": "UTC"}} | more)


def read(path: Path) -> Settings:
    """Read settings without an environment."""
    return load(path, environ={})


def files(folder: Path) -> SettingsFiles:
    """Return the files in a folder."""
    return SettingsFiles(folder / "facenode.toml", Owner(), read, "data")


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_new_settings_are_what_the_node_reads(tmp_path: Path) -> None:
    """The password is in a file of its own, for its owner alone."""
    assert not files(tmp_path).write(answers())
    settings = read(tmp_path / "facenode.toml")
    assert settings.mqtt.password_file == tmp_path / "mqtt-password"
    assert (tmp_path / "mqtt-password").read_text(encoding="utf-8") == "s3cret\n"
    assert settings.storage.dir == tmp_path / "data"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert "s3cret" not in (tmp_path / "facenode.toml").read_text(encoding="utf-8")


def test_the_owners_comments_and_other_settings_are_kept(tmp_path: Path) -> None:
    """Only what was asked is changed, where it stands."""
    (tmp_path / "facenode.toml").write_text(FORMER, encoding="utf-8")
    assert files(tmp_path).write(answers())
    text = (tmp_path / "facenode.toml").read_text(encoding="utf-8")
    assert "# The camera of the hall." in text
    assert 'source = "webcam:0"    # the left one' in text
    settings = read(tmp_path / "facenode.toml")
    assert (settings.camera.fps, settings.mqtt.keepalive_s) == (5.0, 20)
    assert [rule.id for rule in settings.alerts.rules] == ["night-stranger"]
    assert (tmp_path / "facenode.toml.previous").read_text(encoding="utf-8") == FORMER


def test_the_copy_still_works_after_the_password_has_changed(tmp_path: Path) -> None:
    """A new password is a new file; what no copy names any more is removed."""
    for number in (1, 2, 3, 3):
        broker = {"host": "h", "username": "u", "password": f"word {number}"}
        files(tmp_path).write(answers(broker=broker))
        name = read(tmp_path / "facenode.toml").mqtt.password_file
        assert name is not None
        assert name.read_text(encoding="utf-8") == f"word {number}\n"
        if number > 1:
            former = read(tmp_path / "facenode.toml.previous").mqtt.password_file
            assert former is not None
    assert sorted(content(tmp_path)) == ["facenode.toml", "facenode.toml.previous", "mqtt-password-3"]


def test_a_file_that_others_may_read_is_no_place_for_the_password(tmp_path: Path) -> None:
    """The same content with another mode is not taken over."""
    (tmp_path / "mqtt-password").write_text("s3cret\n", encoding="utf-8")
    (tmp_path / "mqtt-password").chmod(0o644)
    files(tmp_path).write(answers())
    assert read(tmp_path / "facenode.toml").mqtt.password_file == tmp_path / "mqtt-password-2"
    assert (tmp_path / "mqtt-password").exists()


def test_settings_that_the_node_refuses_are_never_put_in_place(tmp_path: Path) -> None:
    """The file is read as the node reads it before it counts; every trace of the attempt is removed."""
    former = "[camera]\nsource = 'picamera'\nhflip = true\n"
    (tmp_path / "facenode.toml").write_text(former, encoding="utf-8")
    before = content(tmp_path)
    with pytest.raises(SetupError, match=r"facenode.toml\): only picamera supports hflip"):
        files(tmp_path).write(answers())
    assert content(tmp_path) == before


@pytest.mark.parametrize("failing", ["settings", "password"])
def test_a_disk_that_cannot_be_written_changes_nothing(tmp_path: Path, failing: str) -> None:
    """What stands in the way, here a folder, leaves the former settings as they are."""
    (tmp_path / "facenode.toml").write_text(FORMER, encoding="utf-8")
    (tmp_path / (".facenode.toml.new" if failing == "settings" else ".facenode.toml.old")).mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(SetupError, match="nothing was changed"):
        files(tmp_path).write(answers())
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "facenode.toml").read_text(encoding="utf-8") == FORMER


def test_a_place_that_cannot_be_written_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SetupError, match="cannot be written: run `sudo facenode setup`"):
        SettingsFiles(tmp_path / "file" / "facenode.toml", Owner(), read).check_writable()


def test_a_file_that_is_no_toml_is_replaced_and_kept(tmp_path: Path) -> None:
    """The first run mends what the node cannot read."""
    (tmp_path / "facenode.toml").write_text("source = = x", encoding="utf-8")
    assert files(tmp_path).write(answers())
    assert read(tmp_path / "facenode.toml").camera.source == "webcam:0"
    assert (tmp_path / "facenode.toml.previous").read_text(encoding="utf-8") == "source = = x"


def test_the_groups_files_are_for_the_group(tmp_path: Path) -> None:
    """The service reads what root writes."""
    group = os.getgid()
    SettingsFiles(tmp_path / "facenode.toml", Owner(group), read, "data").write(answers())
    for path in tmp_path.iterdir():
        assert (path.stat().st_mode & 0o777, path.stat().st_gid) == (0o640, group)


def test_a_page_that_is_kept_is_open_to_the_network(tmp_path: Path) -> None:
    """`page.door` is set if the owner keeps the page, and left alone if not."""
    path = tmp_path / "facenode.toml"
    files(tmp_path).write(answers())
    assert read(path).page.door == "off"
    for keep in (True, False):
        files(tmp_path).write(answers(page={"keep": keep}))
        assert read(path).page.door == "lan"


def test_tls_is_turned_on_and_off(tmp_path: Path) -> None:
    """The certificate of the authority is kept beside the settings; a client's own certificate stays."""
    pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    files(tmp_path).write(answers(broker={"host": "h", "port": 8883, "tls": True, "ca": pem}))
    settings = read(tmp_path / "facenode.toml")
    assert settings.mqtt.tls.enabled
    assert settings.mqtt.tls.ca_file == tmp_path / "mqtt-ca.pem"
    files(tmp_path).write(answers(broker={"host": "h"}))
    assert not read(tmp_path / "facenode.toml").mqtt.tls.enabled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "camera = { source = 'webcam:9' }\n",
        "[camera]\nsource = '''webcam:9'''\n",
        '[camera]\nsource = """\nwebcam:9"""\nfps = 3.0\n',
        "camera.source = 'webcam:9'\n",
        "[mqtt]\nhost = 'h'\n[mqtt.tls]\nenabled = true\n",
        "[camera]\n# source = 'x'\n[camera_else]\nsource = 'y'\n",
        "['camera']\nsource = 'webcam:9'\n",
        '[camera]\nsource = "a # b"  # c\n',
    ],
)
def test_any_form_of_a_file_says_what_it_should_afterwards(text: str) -> None:
    """Where lines cannot be changed as they stand, the file is written anew from its values."""
    changes: dict[str, dict[str, Any]] = {
        "camera": {"source": "webcam:0"},
        "mqtt": {"tls": {"enabled": False}, "port": 1883, "username": None},
    }
    values = tomllib.loads(edited(text, changes))
    former = tomllib.loads(text)
    assert values["camera"] == former.get("camera", {}) | {"source": "webcam:0"}
    assert values["mqtt"]["tls"] == {"enabled": False}
    assert {key: values[key] for key in former if key not in ("camera", "mqtt")} == {
        key: former[key] for key in former if key not in ("camera", "mqtt")
    }


@pytest.mark.parametrize(
    "value", ["", 'a"b\\c', "a\nb\t\x07", "Zoë 🙂", True, 3, 2.5, [1, "x"], {"a": {"b-c": [True]}}]
)
def test_every_value_is_read_as_it_was_written(value: object) -> None:
    """A name with quotes or a line end stays a value."""
    assert tomllib.loads(f"x = {literal(value)}") == {"x": value}
    assert tomllib.loads(dump({"x": value})) == {"x": value}
