"""The app from its options to its end, with a program in place of node and page that says how it was started."""

import json
import os
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from mosquitto_broker import eventually
from start.__main__ import Places, run_app
from start.errors import AppError
from supervisor_service import TOKEN, supervisor

from tests.docs.pages import ROOT

CONFIG = yaml.safe_load((ROOT / "packaging/homeassistant/facenode/config.yaml").read_text(encoding="utf-8"))
ANSWER = json.dumps(
    {"result": "ok", "data": {"host": "core-mosquitto", "port": 1883, "username": "addons", "password": "secret"}}
).encode()
PROGRAM = """
import json, os, sys, time
with open(os.path.join(os.environ["SEEN"], sys.argv[1]), "w") as file:
    json.dump({"arguments": sys.argv[1:], "token": "SUPERVISOR_TOKEN" in os.environ}, file)
if os.environ.get("ENDS") == sys.argv[1]:
    sys.exit(int(os.environ["CODE"]))
time.sleep(600)
"""


def places(folder: Path, service: str) -> Places:
    """Return the places of an app in a folder."""
    (folder / "program.py").write_text(PROGRAM)
    for name in ("data", "seen"):
        (folder / name).mkdir()
    (folder / "data/options.json").write_text(json.dumps(CONFIG["options"]))
    return Places(
        folder / "data", folder / "etc", folder / "run", service, (sys.executable, str(folder / "program.py"))
    )


@contextmanager
def running(folder: Path, **more: str) -> Iterator[tuple[threading.Event, list[int | BaseException]]]:
    """Run the app on a thread; yield what stops it, and its exit code or error once it is over."""
    stop, ended = threading.Event(), list[int | BaseException]()
    with supervisor(200, ANSWER) as url:
        environ = {**os.environ, "SUPERVISOR_TOKEN": TOKEN, "TZ": "Europe/Berlin", "SEEN": str(folder / "seen"), **more}
        here = places(folder, url)

        def run() -> None:
            try:
                ended.append(run_app(here, environ, os.getuid(), os.getgid(), stop))
            except (AppError, OSError) as error:
                ended.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield stop, ended
        finally:
            stop.set()
            thread.join(120)


def seen(folder: Path, command: str) -> Mapping[str, Any]:
    """Return how a program was started, once it was."""
    path = folder / "seen" / command
    assert eventually(lambda: path.exists() and path.read_text().endswith("}"), 60)
    found: Mapping[str, Any] = json.loads(path.read_text())
    return found


def test_node_and_page_run_until_the_app_is_stopped(tmp_path: Path) -> None:
    """Both read the same settings; only the page has the token; a stop ends both, with exit code 0."""
    with running(tmp_path) as (stop, ended):
        settings = str(tmp_path / "etc/facenode.toml")
        ready = ["--ready", str(tmp_path / "run/ready")]
        assert seen(tmp_path, "run") == {"arguments": ["run", "--config", settings, *ready], "token": False}
        assert seen(tmp_path, "page") == {"arguments": ["page", "--config", settings], "token": True}
        stop.set()
        assert eventually(lambda: ended != [], 60)
    assert ended == [0]
    tables = tomllib.loads((tmp_path / "etc/facenode.toml").read_text())
    assert tables["storage"]["dir"] == str(tmp_path / "data/storage-crops-stay")
    assert tables["node"]["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(("ends", "code"), [("run", 78), ("run", 0), ("page", 78)])
def test_the_app_ends_with_what_is_over_for_good(tmp_path: Path, ends: str, code: int) -> None:
    """Options that cannot be, and a clip that has ended, end the app with the same exit code."""
    with running(tmp_path, ENDS=ends, CODE=str(code)) as (_, ended):
        assert eventually(lambda: ended != [], 60)
    assert ended == [code]


def test_a_wrong_token_ends_the_app_before_anything_runs(tmp_path: Path) -> None:
    """Neither node nor page is started."""
    with running(tmp_path, SUPERVISOR_TOKEN="wrong") as (_, ended):  # noqa: S106 - of a test
        assert eventually(lambda: ended != [], 60)
    assert isinstance(ended[0], AppError)
    assert list((tmp_path / "seen").iterdir()) == []
