"""The Supervisor's service API, played on loopback -> the broker, and the files that follow it."""

import json
import logging
import os
import threading
from pathlib import Path

import pytest
from start.broker_files import BrokerFiles
from start.errors import AppError
from start.mqtt_service import MqttService, ServiceApi, UnavailableError
from start.options import Options, Surroundings
from supervisor_service import TOKEN, supervisor

GOOD = {"host": "core-mosquitto", "port": 1883, "ssl": False, "username": "addons", "password": "secret",
        "protocol": "3.1.1", "addon": "core_mosquitto"}  # fmt: skip


def answer(**changed: object) -> bytes:
    """Return an answer of the Supervisor."""
    return json.dumps({"result": "ok", "data": GOOD | changed}).encode()


def test_the_broker_is_the_one_that_the_supervisor_names() -> None:
    """Host, port, TLS and login; the port may be a text, as the documents say."""
    with supervisor(200, answer(port="8883", ssl=True)) as url:
        found = ServiceApi(TOKEN, url).ask()
    assert (found.host, found.port, found.tls, found.username) == ("core-mosquitto", 8883, True, "addons")
    assert found.password == "secret"  # noqa: S105 - of a test
    assert "secret" not in repr(found)


@pytest.mark.parametrize("token", ["wrong", ""])
def test_a_wrong_token_is_refused_with_what_to_do(token: str) -> None:
    """It does not get better by asking again."""
    with (
        supervisor(200, answer()) as url,
        pytest.raises(AppError, match=r"refuses this app \(401\): restart the app, and install it again"),
    ):
        ServiceApi(token, url).ask()


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (400, b'{"result": "error", "message": "Service not enabled"}', "400: Service not enabled"),
        (502, b"nonsense", "502: Bad Gateway"),
        (200, b"nonsense", "makes no sense"),
        (200, b"[]", "makes no sense"),
        (200, b'{"result": "ok", "data": {}}', "makes no sense"),
        (200, answer(port=70000), "port 70000"),
        (200, answer(host=""), "host ''"),
        (200, b" " * 100_000, "more than 65536 bytes"),
    ],
)
def test_an_answer_without_a_broker_may_be_better_later(status: int, content: bytes, words: str) -> None:
    """The broker's app may not run yet."""
    with supervisor(status, content) as url, pytest.raises(UnavailableError, match=words):
        ServiceApi(TOKEN, url).ask()


def test_a_supervisor_that_does_not_answer_may_do_so_later() -> None:
    """A refused connection is one sentence."""
    with pytest.raises(UnavailableError, match="refused"):
        ServiceApi(TOKEN, "http://127.0.0.1:1/services/mqtt").ask()


class Answers:
    """Brokers, or errors, one after the other; the last again and again."""

    def __init__(self, *answers: MqttService | Exception) -> None:
        self._answers = list(answers)

    def __call__(self) -> MqttService:
        """Return or raise the next."""
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return found


class ImpatientEvent(threading.Event):
    """A stop for which nobody has to wait."""

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once."""
        del timeout
        return self.is_set()


def broker(host: str = "a", password: str = "one", username: str = "addons") -> MqttService:  # noqa: S107 - of a test
    """Return a broker."""
    return MqttService(host, 1883, tls=False, username=username, password=password)


def files_of(tmp_path: Path, *answers: MqttService | Exception) -> BrokerFiles:
    """Return the files that follow these answers."""
    return BrokerFiles(Answers(*answers), Options({}, (), False), Surroundings(tmp_path), tmp_path, os.getgid())


def test_the_app_waits_for_a_broker_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line when it waits, a line when it goes on."""
    caplog.set_level(logging.INFO)
    files = files_of(tmp_path, *[UnavailableError("400: Service not enabled")] * 3, broker())
    assert files.wait_for_broker(ImpatientEvent())
    assert [record.message for record in caplog.records] == [
        "app: there is no MQTT broker yet (400: Service not enabled): install and start the app Mosquitto broker",
        "app: the Supervisor names the MQTT broker again",
    ]
    assert 'host"="a"' in files.settings.read_text().replace(" ", "").replace('"host"', 'host"')
    assert (tmp_path / "mqtt-password").read_text() == "one"


def test_a_stop_ends_the_waiting(tmp_path: Path) -> None:
    """Nothing is written."""
    stop = threading.Event()
    stop.set()
    assert not files_of(tmp_path, UnavailableError("x")).wait_for_broker(stop)
    assert list(tmp_path.iterdir()) == []


def test_only_the_node_may_read_the_files(tmp_path: Path) -> None:
    """Root writes them, the group of the node reads them, nobody else; nothing half-written is left."""
    files = files_of(tmp_path, broker())
    files.wait_for_broker(threading.Event())
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "facenode.toml": 0o640, "mqtt-password": 0o640,
    }  # fmt: skip
    assert "one" not in files.settings.read_text()


@pytest.mark.parametrize(
    ("changed", "restart"),
    [(broker(), False), (broker(password="two"), False), (broker(host="b"), True), (broker(username="x"), True)],  # noqa: S106 - of a test
)
def test_the_node_starts_again_only_for_what_it_reads_once(
    tmp_path: Path, changed: MqttService, *, restart: bool
) -> None:
    """A password is read at every connection; host and user name are not."""
    files = files_of(tmp_path, broker(), changed)
    files.wait_for_broker(threading.Event())
    assert files.follow() is restart
    assert (tmp_path / "mqtt-password").read_text() == changed.password
    assert not files.follow()


@pytest.mark.parametrize("error", [UnavailableError("gone"), AppError("refused")])
def test_a_supervisor_that_is_away_changes_nothing(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The node keeps the broker that it knows, and the log says so once."""
    files = files_of(tmp_path, broker(), error)
    files.wait_for_broker(threading.Event())
    before = files.settings.read_bytes()
    assert not files.follow()
    assert not files.follow()
    assert files.settings.read_bytes() == before
    assert len(caplog.records) == 1
