"""The broker of Home Assistant -> the settings file and the password file, which follow it while the app runs."""

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from start.errors import AppError
from start.mqtt_service import MqttService, UnavailableError
from start.options import Options, Surroundings, settings_of
from start.toml import to_toml

_RETRY_S = 5.0

_log = logging.getLogger(__name__)

Ask = Callable[[], MqttService]
"""Returns the broker as it is now, or raises UnavailableError or AppError."""


class BrokerFiles:
    """Ask for the broker and write what the node reads.

    Args:
        ask: asks for the broker.
        options: the owner's.
        surroundings: what else the settings are made of.
        folder: of the two files.
        group: number of the group that may read the files.

    Attributes:
        settings: the settings file.
    """

    def __init__(self, ask: Ask, options: Options, surroundings: Surroundings, folder: Path, group: int) -> None:
        self._ask, self._options, self._surroundings, self._group = ask, options, surroundings, group
        self.settings = folder / "facenode.toml"
        self._password = folder / "mqtt-password"
        self._known: MqttService | None = None
        self._problem = ""

    def wait_for_broker(self, stop: threading.Event) -> bool:
        """Write the files as soon as there is a broker; return whether that was before the stop.

        Raises:
            AppError: the Supervisor refuses the app, or the options are wrong.
        """
        while not stop.is_set():
            try:
                service = self._ask()
            except UnavailableError as error:
                self._say(f"there is no MQTT broker yet ({error}): install and start the app Mosquitto broker")
                stop.wait(_RETRY_S)
            else:
                self._write(service)
                self._recovered()
                return True
        return False

    def follow(self) -> bool:
        """Write the files anew if the broker has changed; return whether the node must start again for it.

        A new password alone needs no start: the node reads its file at every connection.
        """
        try:
            service = self._ask()
        except (UnavailableError, AppError) as error:
            self._say(f"the Supervisor does not name the MQTT broker ({error}): the node keeps the one that it knows")
            return False
        self._recovered()
        known = self._known
        if service == known:
            return False
        self._write(service)
        _log.info("app: the MQTT broker or its login has changed")
        return known is None or replace(service, password="") != replace(known, password="")

    def _write(self, service: MqttService) -> None:
        password = self._password if service.password and service.username else None
        if password is not None:
            self._replace(password, service.password)
        tables = settings_of(self._options, service, password, self._surroundings)
        self._replace(self.settings, to_toml(tables))
        self._known = service

    def _replace(self, path: Path, text: str) -> None:
        """Replace a file as a whole; root writes it and the group of the node reads it."""
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchown(file.fileno(), -1, self._group)
                os.fchmod(file.fileno(), 0o640)
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            _log.warning("app: %s", problem)
        self._problem = problem

    def _recovered(self) -> None:
        if self._problem:
            _log.info("app: the Supervisor names the MQTT broker again")
        self._problem = ""
