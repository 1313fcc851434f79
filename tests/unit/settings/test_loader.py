"""Load settings: the nearest source wins, and unknown keys are refused with a proposal."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node.errors import SettingsError
from node.settings import Settings
from node.settings.loader import load
from node.settings.node import default_node_id
from node.settings.section import ID_PATTERN

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = Path("/nonexistent/facenode.toml")


def read(
    environ: dict[str, str] | None = None, overrides: dict[str, dict[str, Any]] | None = None, file: Path | None = None
) -> Settings:
    """Load settings from given sources only."""
    return load(file, overrides, environ or {}, NOWHERE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a settings file."""
    path = tmp_path / "facenode.toml"
    path.write_text('[camera]\nfps = 3\nwidth = 640\nheight = 480\n[mqtt]\nhost = "broker"\n')
    return path


def test_command_line_wins_over_environment_over_file_over_default(file: Path) -> None:
    """One key from each source: the nearer source wins."""
    settings = read({"FACENODE_CAMERA__FPS": "5", "FACENODE_CAMERA__WIDTH": "800"}, {"camera": {"fps": "7"}}, file)
    camera = settings.camera
    assert (camera.fps, camera.width, camera.height, camera.stall_s) == (7.0, 800, 480, 10.0)
    assert settings.mqtt.host == "broker"


def test_the_default_file_is_read_where_it_exists(file: Path) -> None:
    """`/etc/facenode/facenode.toml` is found without `--config`."""
    assert load(None, {}, {}, file).mqtt.host == "broker"


def test_a_nested_section_is_set_by_variable() -> None:
    """`mqtt.tls.enabled` is FACENODE_MQTT__TLS__ENABLED."""
    assert read({"FACENODE_MQTT__TLS__ENABLED": "true"}).mqtt.tls.enabled


def test_a_list_is_written_with_commas() -> None:
    """A variable needs no JSON."""
    assert read({"FACENODE_PUBLISH__TASKS": "identity, ethnicity"}).publish.tasks == ("identity", "ethnicity")


def test_ethnicity_is_off_until_named() -> None:
    """It is sensitive: none of it is published unless the owner names it."""
    assert "ethnicity" not in read().publish.tasks


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"FACENODE_CAMRA__FPS": "5"}, "no section 'camra': did you mean FACENODE_CAMERA__FPS?"),
        ({"FACENODE_XYZ__FPS": "5"}, "the sections are node, camera"),
        ({"FACENODE_CAMERA_FPS": "5"}, "write FACENODE_CAMERA__FPS"),
        ({"FACENODE_CAMERA__FSP": "5"}, "FACENODE_CAMERA__FSP): there is no such setting: did you mean fps?"),
        ({"FACENODE_CAMERA__FPS": "fast"}, "camera.fps = 'fast' (variable FACENODE_CAMERA__FPS)"),
        ({"FACENODE_CAMERA__FPS": "0"}, "greater than 0"),
        ({"FACENODE_CAMERA__SOURCE": "usb"}, "camera.source"),
        ({"FACENODE_CAMERA__SOURCE": "picamera:"}, "camera.source"),
        ({"FACENODE_CAMERA__HFLIP": "yes"}, "only picamera supports hflip: remove it"),
        ({"FACENODE_CAMERA__SOURCE": "picamera", "FACENODE_CAMERA__CROP": "0,0,1"}, "camera.crop"),
        ({"FACENODE_CAMERA__SOURCE": "picamera", "FACENODE_CAMERA__CROP": "0,0,2,1"}, "camera.crop.2"),
        ({"FACENODE_CAMERA__SOURCE": "picamera", "FACENODE_CAMERA__CROP": "0,0,1,0.01"}, "at least 0.1"),
        ({"FACENODE_CAMERA__SOURCE": "picamera", "FACENODE_CAMERA__CROP": "0.5,0,0.6,1"}, "beyond the view"),
        ({"FACENODE_NODE__ID": "Küche"}, "node.id"),
        ({"FACENODE_NODE__TIMEZONE": "Mars/Olympus"}, "time zone"),
        ({"FACENODE_MQTT__USERNAME": "a", "FACENODE_MQTT__PASSWORD_FILE": "/nonexistent"}, "/nonexistent"),
        ({"FACENODE_MODEL__PATH": "/nonexistent.tflite"}, "model.path"),
        ({"FACENODE_MQTT__TLS__CA_FILE": "/etc/hostname"}, "TLS is off"),
        ({"FACENODE_PUBLISH__TASKS": "age"}, "identity"),
        ({"FACENODE_EVENTS__GATES__MIN_LIGHT": "240"}, "min_light"),
        ({"FACENODE_PEOPLE__MAX_FPIR": "0.2"}, "people.max_fpir"),
        ({"FACENODE_ALERTS__RULES": "[" * 5000}, "use one variable for each setting"),
    ],
)
def test_a_wrong_variable_is_refused_with_what_and_where(environ: dict[str, str], message: str) -> None:
    """One line names the variable, the fault and a way out."""
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        read(environ)
    assert "\n" not in str(caught.value)


def test_a_system_without_time_zones_is_distinguished_from_a_wrong_name() -> None:
    """A slim image of Debian may have none: then the error says what to install instead of blaming the name."""
    program = "from node.settings.node import zone_of\nzone_of('Europe/Berlin')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "this system has no table of time zones: apt install tzdata" in done.stderr


def test_the_view_of_a_pi_camera_is_written_as_a_list_or_with_commas(tmp_path: Path) -> None:
    """As a list in the file, and with commas in a variable."""
    path = tmp_path / "pi.toml"
    path.write_text('[camera]\nsource = "picamera:1"\ncrop = [0, 0.5, 1, 0.5]\nhflip = true\nvflip = true\n')
    by_file = read(file=path).camera
    assert (by_file.crop, by_file.hflip, by_file.vflip) == ((0.0, 0.5, 1.0, 0.5), True, True)
    assert read({"FACENODE_CAMERA__CROP": "0.25, 0, 0.5, 1"}, file=path).camera.crop == (0.25, 0.0, 0.5, 1.0)


def test_variables_that_are_no_settings_are_left_alone() -> None:
    """FACENODE_DATA names the face data of training and tests; it is not a setting."""
    assert read({"FACENODE_DATA": "/x", "FACENODED__X": "1"}).model_dump() == read().model_dump()


@pytest.mark.parametrize(
    ("content", "environ", "overrides", "sources"),
    [
        ("hflip = true", {"FACENODE_CAMERA__FPS": "5"}, {}, "file FILE"),
        ("hflip = true", {}, {"fps": "5"}, "file FILE"),
        (
            "fps = 3",
            {"FACENODE_CAMERA__HFLIP": "yes", "FACENODE_CAMERA__FPS": "5"},
            {},
            "variable FACENODE_CAMERA__HFLIP",
        ),
        ("fps = 3", {"FACENODE_CAMERA__FPS": "5"}, {"hflip": "yes"}, "command line"),
        ("hflip = true", {"FACENODE_CAMERA__HFLIP": "yes"}, {}, "variable FACENODE_CAMERA__HFLIP"),
        ("hflip = true", {}, {"source": "webcam:1"}, "command line, file FILE"),
        ("vflip = true", {"FACENODE_CAMERA": '{"fps": 5}'}, {}, "file FILE"),
        ("fps = 3", {"FACENODE_CAMERA": '{"vflip": true}'}, {}, "variable FACENODE_CAMERA"),
        ("crop = [0.5, 0, 0.6, 1]\nsource = 'picamera'", {"FACENODE_CAMERA__FPS": "1"}, {}, "file FILE"),
    ],
)
def test_an_error_of_a_whole_section_names_the_sources_of_the_values_at_fault(
    tmp_path: Path, content: str, environ: dict[str, str], overrides: dict[str, str], sources: str
) -> None:
    """Another key of the section may be set elsewhere: whoever looks there finds nothing to correct."""
    path = tmp_path / "facenode.toml"
    path.write_text(f"[camera]\n{content}\n")
    with pytest.raises(SettingsError, match=r"camera \(") as caught:
        read(environ, {"camera": overrides} if overrides else None, path)
    assert f"camera ({sources.replace('FILE', str(path))}): " in str(caught.value)


def test_an_error_of_one_value_names_the_source_that_won(file: Path) -> None:
    """A variable whose name begins alike is not at fault, nor is one that the command line overrules."""
    with pytest.raises(SettingsError, match="greater than or equal to 160") as caught:
        read({"FACENODE_DETECTOR__WIDTH": "1"}, {"camera": {"fps": "7"}}, file)
    assert "detector.width = '1' (variable FACENODE_DETECTOR__WIDTH)" in str(caught.value)
    with pytest.raises(SettingsError, match=re.escape("camera.crop.2 = '2' (command line)")):
        read({"FACENODE_CAMERA__CROP": "0,0,1,1"}, {"camera": {"source": "picamera", "crop": "0,0,2,1"}}, file)


def test_an_error_of_a_rule_names_the_file(tmp_path: Path) -> None:
    """The place in a list is not a key; a variable of the same section is not at fault."""
    path = tmp_path / "rules.toml"
    path.write_text('[[alerts.rules]]\nid = "a"\nwhen = "loiter"\n')
    with pytest.raises(SettingsError, match=re.escape(f"alerts.rules.0 (file {path}): a loiter rule needs for_s")):
        read({"FACENODE_MQTT__HOST": "b"}, None, path)


def test_an_error_of_a_nested_section_names_the_file(tmp_path: Path) -> None:
    """`mqtt.tls` is a section within a section."""
    path = tmp_path / "tls.toml"
    path.write_text(f'[mqtt.tls]\nca_file = "{path}"\n')
    with pytest.raises(SettingsError, match=re.escape(f"mqtt.tls (file {path}): a certificate is set but TLS is off")):
        read({"FACENODE_MQTT__HOST": "b"}, {"mqtt": {"port": "1884"}}, path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[camera\n", "not a TOML file"),
        (f"a = {'9' * 5000}\n", "not a TOML file"),
        (f"a = {'[' * 5000}\n", "not a TOML file"),
        ("[camra]\nfps = 3\n", "camra"),
        ("[camera]\nfsp = 3\n", "did you mean fps?"),
        ("[camera]\nfps = 300\n", "camera.fps = 300"),
        ('[camera]\nsource = "images:a\\u0000b"\n', "zero byte"),
        ('[storage]\ndir = "a\\u0000b"\n', "zero byte"),
        ('[mqtt]\npassword = "x"\n', "mqtt.password"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, content: str, message: str) -> None:
    """The message names the file; a secret in it is not printed."""
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        read(file=path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark", "utf-16-be-mark", "utf-32", "crlf"]
)
def test_what_any_editor_writes_is_read(tmp_path: Path, encoding: str) -> None:
    """An editor on Windows adds a byte order mark, or writes UTF-16."""
    path = tmp_path / "facenode.toml"
    text = '[node]\nname = "Küche"\n'
    if encoding == "crlf":
        path.write_bytes(text.replace("\n", "\r\n").encode())
    elif encoding.endswith("-mark"):
        path.write_bytes(("\ufeff" + text).encode(encoding.removesuffix("-mark")))
    else:
        path.write_bytes(text.encode(encoding))
    assert read(file=path).node.name == "Küche"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[node]\nname = "Küche"\n'.encode("latin-1"), "line 2 is not valid UTF-8: save the file as UTF-8"),
        ("\ufeff[node]\n".encode("utf-16-le") + b"x", "line 2 is not valid UTF-16-LE: save the file as UTF-8"),
        ("[node]\n".encode("utf-16-be"), "it contains zero bytes: save the file as UTF-8"),
    ],
)
def test_an_encoding_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    """It says where, and what to do."""
    path = tmp_path / "facenode.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(f"{path}: not a TOML file: {message}")) as caught:
        read(file=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "huge"])
def test_a_settings_file_that_never_ends_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    """A pipe, as `--config <(...)` names one, may have no writer; a device has no end."""
    path = Path("/dev/zero") if kind == "device" else tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as huge:
            huge.truncate(1 << 40)
    with pytest.raises(SettingsError, match=rf"{path}: .*: name a readable settings file") as caught:
        read(file=path)
    assert caught.value.exit_code == 78


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """Only the default file may be absent."""
    with pytest.raises(SettingsError, match=r"none\.toml"):
        read(file=tmp_path / "none.toml")


def test_settings_cannot_be_changed() -> None:
    """They are frozen, sections too."""
    with pytest.raises(ValueError, match="frozen"):
        read().camera.fps = 3


def test_every_setting_is_documented_and_has_a_default() -> None:
    """Each field has one line of documentation; a node starts with none given."""

    def undocumented(model: Any, path: str) -> list[str]:  # noqa: ANN401 - pydantic models
        missing = []
        for name, field in model.model_fields.items():
            if not field.description or field.is_required():
                missing.append(f"{path}{name}")
            if hasattr(field.annotation, "model_fields"):
                missing += undocumented(field.annotation, f"{path}{name}.")
        return missing

    assert undocumented(Settings, "") == []


def test_the_default_id_comes_from_the_serial_number(tmp_path: Path) -> None:
    """`pi-` and the last six of the board's serial, else of the machine id; never the host name."""
    serial = tmp_path / "serial"
    serial.write_bytes(b"10000000ABCDEF12\x00")
    assert default_node_id((tmp_path / "none", serial)) == "pi-cdef12"
    assert re.fullmatch(ID_PATTERN, default_node_id((tmp_path / "none",)))


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://admin:s3cret@cam/x",
        "vide:rtsp://admin:s3cret@cam/x",
        "vide:http://cam/x?password=s3cret",
        "admin:s3cret@cam/x",
        "cam/user=admin&password=s3cret",
        "s3cret@vide:rtsp://cam/x",
    ],
)
def test_the_password_of_a_camera_is_not_printed(source: str) -> None:
    """A refused source is printed without anything that could be a secret."""
    with pytest.raises(SettingsError, match=r"camera\.source") as caught:
        read(overrides={"camera": {"source": source}})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("mqtt", "port", "mqtt://ada:s3cret@host"),
        ("mqtt", "protocol", "mqtt:/ada:s3cret@host"),
        ("node", "id", "ada:s3cret@host"),
        ("node", "timezone", "mqtt://ada:s3 cret@host"),
        ("mqtt", "password_file", 53773),
        ("homeassistant", "prefix", "mqtt://ada:s3cret@host"),
    ],
)
def test_no_setting_repeats_a_password(section: str, key: str, value: object) -> None:
    """Whatever setting it was pasted into, and whether it looks like a number."""
    with pytest.raises(SettingsError, match=f"{section}.{key}") as caught:
        read(overrides={section: {key: value}})
    assert not re.search("cret|53773", str(caught.value))


def test_a_url_without_video_is_proposed_with_it() -> None:
    """`rtsp://...` is what people copy from a manual."""
    with pytest.raises(SettingsError, match=re.escape("write video:rtsp://***@cam/x")):
        read(overrides={"camera": {"source": "rtsp://admin:s3cret@cam/x"}})


def test_a_mistyped_key_of_a_rule_is_refused_with_a_proposal(tmp_path: Path) -> None:
    """The rules are a list: a place in it is not a section."""
    path = tmp_path / "rules.toml"
    path.write_text('[[alerts.rules]]\nid = "a"\nwhen = "unknown"\ncooldown_s = 300\n')
    with pytest.raises(SettingsError, match=re.escape("alerts.rules.0.cooldown_s")) as caught:
        read(file=path)
    assert "did you mean cool_down_s?" in str(caught.value)
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("section", ["model", "mqtt"])
def test_a_file_that_cannot_be_examined_is_refused(section: str) -> None:
    """Not only one that is missing: here the system refuses the name itself, as it refuses a closed folder."""
    key = {"model": "path", "mqtt": "password_file"}[section]
    with pytest.raises(SettingsError, match=rf"{section}\.{key}.*: File name too long: name a file"):
        read(overrides={section: {key: "x" * 300}})


def test_a_default_file_that_cannot_be_examined_is_an_error() -> None:
    """It may exist, so the node does not start without it."""
    with pytest.raises(SettingsError, match="File name too long: make it readable"):
        load(None, None, {}, Path("/etc") / ("x" * 300))
