"""Every path of the settings: where it leads by its source, and the warning for an owner of version 0.1.0."""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.errors import SettingsError
from node.settings import Settings
from node.settings.loader import load
from node.settings.paths import path_settings

NOWHERE = Path("/nonexistent/facenode.toml")
FILES = [keys for keys in path_settings() if keys != ("storage", "dir")]
PASSWORD = ("mqtt", "password_file")


def names(keys: tuple[str, ...]) -> str:
    """Return the keys of a setting as its name."""
    return ".".join(keys)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a folder `conf` for settings and another one, `work`, to work in."""
    for name in ("conf", "work", "home"):
        (tmp_path / name).mkdir()
    before = Path.cwd()
    os.chdir(tmp_path / "work")
    yield tmp_path
    os.chdir(before)


def write(path: Path, keys: tuple[str, ...], value: str) -> Path:
    """Write a settings file with one path in it, and what belongs to it."""
    lines = [f"{keys[-1]} = '{value}'"]
    if keys[-1] in ("cert_file", "key_file"):
        lines.append(f"{'key_file' if keys[-1] == 'cert_file' else 'cert_file'} = '{__file__}'")
    lines += ["enabled = true"] if "tls" in keys else []
    lines += ["username = 'ada'"] if keys == PASSWORD else []
    path.write_text(f"[{'.'.join(keys[:-1])}]\n" + "\n".join(lines) + "\n")
    return path


def read(file: Path | None = None, home: Path | None = None, **given: Any) -> Settings:  # noqa: ANN401 - as load
    """Load settings for a user with a home."""
    overrides, environ = given.get("overrides"), dict(given.get("environ", {}))
    system_folder = given.get("system_folder", Path("/etc"))
    return load(file, overrides, environ | ({"HOME": str(home)} if home else {}), NOWHERE, system_folder)


def value(settings: Settings, keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - any setting
    """Return the value of a setting."""
    found: Any = settings
    for key in keys:
        found = getattr(found, key)
    return found


def test_every_setting_whose_type_is_a_path_is_one_of_these() -> None:
    """By type, so that a new one obeys the same rule; `camera.source` is text that may hold a path."""
    assert {names(keys) for keys in path_settings()} == {
        "model.path",
        "mqtt.password_file",
        "mqtt.tls.ca_file",
        "mqtt.tls.cert_file",
        "mqtt.tls.key_file",
        "storage.dir",
    }


@pytest.mark.parametrize("keys", FILES, ids=names)
def test_a_path_of_the_file_starts_at_the_file(
    places: Path, keys: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever the program is started; no warning, even if another file is named alike elsewhere below."""
    (places / "conf" / "x").write_text("")
    settings = read(write(places / "conf" / "a.toml", keys, "x"))
    assert Path(value(settings, keys)) == places / "conf" / "x"
    assert caplog.records == []


@pytest.mark.parametrize("source", ["video:x.mp4", "images:x"])
def test_the_path_of_a_camera_starts_at_the_file(places: Path, source: str) -> None:
    """It is a path as any other."""
    settings = read(write(places / "conf" / "a.toml", ("camera", "source"), source))
    kind, _, path = source.partition(":")
    assert settings.camera.source == f"{kind}:{places / 'conf' / path}"


def test_a_relative_settings_file_is_a_place_too(places: Path) -> None:
    """`--config ../conf/a.toml`; and a file in the working directory needs no other path than the one written."""
    write(places / "conf" / "a.toml", ("storage", "dir"), "state")
    assert read(Path("../conf/a.toml")).storage.dir == Path("../conf/state")
    write(places / "work" / "a.toml", ("storage", "dir"), "state")
    assert read(Path("a.toml")).storage.dir == Path("state")


def test_a_path_of_the_command_line_or_of_a_variable_starts_at_the_working_directory(places: Path) -> None:
    """Also where a settings file gives the same setting: its path is neither looked at nor warned about."""
    file = write(places / "conf" / "a.toml", ("storage", "dir"), "~/state")
    for given in ({"overrides": {"storage": {"dir": "s"}}}, {"environ": {"FACENODE_STORAGE__DIR": "s"}}):
        assert read(file, system_folder=places / "conf", **given).storage.dir == Path("s")
    settings = read(environ={"FACENODE_CAMERA": '{"source": "images:pics"}'})
    assert settings.camera.source == "images:pics"


@pytest.mark.parametrize("home", ["~", "$HOME", "${HOME}"])
@pytest.mark.parametrize("source", ["file", "command line", "variable"])
def test_the_home_of_the_user_is_expanded(places: Path, home: str, source: str) -> None:
    """There is no shell that would, neither in a file nor after `--set storage.dir=`."""
    written, camera = f"{home}/state", f"images:{home}/pics"
    if source == "file":
        file = write(places / "conf" / "a.toml", ("storage", "dir"), written)
        file.write_text(f"{file.read_text()}[camera]\nsource = '{camera}'\n")
        settings = read(file, places / "home")
    elif source == "variable":
        environ = {"FACENODE_STORAGE__DIR": written, "FACENODE_CAMERA__SOURCE": camera}
        settings = read(home=places / "home", environ=environ)
    else:
        overrides = {"storage": {"dir": written}, "camera": {"source": camera}}
        settings = read(home=places / "home", overrides=overrides)
    assert settings.storage.dir == places / "home" / "state"
    assert settings.camera.source == f"images:{places / 'home' / 'pics'}"


def test_the_settings_file_itself_may_be_in_the_home(places: Path) -> None:
    """No shell expands `--config=~/a.toml`."""
    write(places / "home" / "a.toml", ("storage", "dir"), "state")
    assert read(Path("~/a.toml"), places / "home").storage.dir == places / "home" / "state"


@pytest.mark.parametrize("home", ["~", "$HOME", "${HOME}"])
@pytest.mark.parametrize("keys", [("camera", "source"), *path_settings()], ids=names)
def test_a_file_under_etc_may_name_no_home(places: Path, keys: tuple[str, ...], home: str) -> None:
    """It is every user's, and the service is another user than the one who wrote it; a link to it changes nothing."""
    written = f"images:{home}/x" if keys == ("camera", "source") else f"{home}/x"
    file = write(places / "conf" / "a.toml", keys, written)
    (places / "link.toml").symlink_to(file)
    for path in (file, places / "link.toml", Path("../conf/a.toml")):
        with pytest.raises(SettingsError, match="is for every user, and") as caught:
            read(path, places / "home", system_folder=places / "conf")
        assert f"{names(keys)} = " in str(caught.value)
        assert f"(file {path})" in str(caught.value)
        assert "write the whole path" in str(caught.value)


@pytest.mark.parametrize("written", ["~ada/x", "~~", "$DATA/x", "$HOMES/x", "/srv/$HOME/x", "a/${HOME}"])
def test_nothing_else_is_expanded_or_silently_taken_literally(places: Path, written: str) -> None:
    """A folder called `$DATA` is not what anybody wanted, unless it is there."""
    file = write(places / "conf" / "a.toml", ("storage", "dir"), written)
    with pytest.raises(SettingsError, match=r"only ~ and \$HOME at the beginning are expanded: write the whole path"):
        read(file)
    if not written.startswith("/"):
        (places / "work" / written).mkdir(parents=True)
        assert read(file).storage.dir == Path(written)


@pytest.mark.parametrize("keys", FILES, ids=names)
def test_a_file_that_relied_on_the_working_directory_works_with_one_warning(
    places: Path, keys: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """Version 0.1.0 started there; the warning names both paths."""
    (places / "work" / "x").write_text("")
    with caplog.at_level(logging.WARNING):
        settings = read(write(places / "conf" / "a.toml", keys, "x"))
    assert Path(value(settings, keys)) == Path("x")
    (record,) = caplog.records
    assert f"{names(keys)} is {places / 'work' / 'x'}, not {places / 'conf' / 'x'}" in record.getMessage()


def test_several_paths_of_the_old_rule_are_one_warning(places: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line at each start is enough."""
    (places / "work" / "pics").mkdir()
    shutil.copytree(places / "work" / "pics", places / "work" / "state")
    file = places / "conf" / "a.toml"
    file.write_text("[camera]\nsource = 'images:pics'\n[storage]\ndir = 'state'\n")
    settings = read(file)
    assert (settings.camera.source, settings.storage.dir) == ("images:pics", Path("state"))
    (record,) = caplog.records
    for place in ("work/pics", "conf/pics", "work/state", "conf/state"):
        assert str(places / place) in record.getMessage()


def test_where_both_paths_exist_the_new_one_is_used_with_a_warning(
    places: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Version 0.1.0 read the other one, and its owner should know."""
    for folder in ("conf", "work"):
        (places / folder / "x").write_text("")
    settings = read(write(places / "conf" / "a.toml", PASSWORD, "x"))
    assert settings.mqtt.password_file == places / "conf" / "x"
    (record,) = caplog.records
    assert f"is {places / 'conf' / 'x'}, not {places / 'work' / 'x'}" in record.getMessage()


@pytest.mark.parametrize(("holder", "used"), [("work", "state"), ("conf", None), ("both", None)])
def test_the_storage_that_holds_a_node_is_used(places: Path, holder: str, used: str | None) -> None:
    """A gallery is not lost because an empty folder stands at the new place."""
    for folder in ("conf", "work"):
        (places / folder / "state").mkdir()
        if holder in (folder, "both"):
            (places / folder / "state" / "people").mkdir()
    settings = read(write(places / "conf" / "a.toml", ("storage", "dir"), "state"))
    assert settings.storage.dir == (Path(used) if used else places / "conf" / "state")


def test_two_names_of_one_folder_are_no_reason_to_warn(places: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The old rule and the new one lead to the same place."""
    (places / "work" / "state").mkdir()
    (places / "link").symlink_to(places / "work")
    assert read(write(places / "link" / "a.toml", ("storage", "dir"), "state")).storage.dir.exists()
    assert caplog.records == []


@pytest.mark.parametrize("home", ["", "relative"])
def test_the_home_of_a_user_without_one_is_an_error(places: Path, home: str) -> None:
    """`~` would lead to the root of the file system, or anywhere."""
    del places
    with pytest.raises(SettingsError, match="no home folder: write the whole path"):
        read(overrides={"storage": {"dir": "~/x"}}, environ={"HOME": home})


@pytest.mark.parametrize(
    ("section", "key", "url", "message"),
    [
        ("camera", "source", "images:rtsp://ada:s3cret@cam/x", "it is a URL: write video:rtsp://***@cam/x"),
        ("storage", "dir", "mqtt://ada:s3cret@host/x", "it is a URL: name a file or folder of this machine"),
        ("model", "path", "https://host/a.tflite?token=s3cret", "it is a URL: name a file or folder of this machine"),
        ("mqtt", "password_file", "mqtt://ada:s3cret@host", "it is a URL: name a file or folder of this machine"),
    ],
)
def test_a_url_is_no_path(section: str, key: str, url: str, message: str) -> None:
    """`Path` would drop a slash, create folders of its parts, and print its password."""
    with pytest.raises(SettingsError) as caught:
        read(overrides={section: {key: url}})
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_stream_of_a_camera_is_left_as_it_is(places: Path) -> None:
    """Whatever its password looks like."""
    url = "video:rtsp://ada:~$HOME/x@cam/live"
    assert read(write(places / "conf" / "a.toml", ("camera", "source"), url)).camera.source == url


@pytest.mark.parametrize("written", ["s3cret", "s3c/ret+x==", "$3cret", "~s3cret"])
def test_a_password_in_the_place_of_its_file_is_not_printed(places: Path, written: str) -> None:
    """People write the password itself."""
    file = write(places / "conf" / "a.toml", PASSWORD, written)
    for given in ({"file": file}, {"overrides": {"mqtt": {"username": "u", "password_file": written}}}):
        with pytest.raises(SettingsError, match=r"mqtt\.password_file = '\*\*\*'") as caught:
            read(**given)
        assert "3c" not in str(caught.value)
