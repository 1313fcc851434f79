"""The owner's options, and the broker of Home Assistant -> the settings of the node.

An option has the name of its setting, so a section of the options is taken over as it is. Two are not settings: `rules`
is the list `alerts.rules`, in which lists are texts with commas, since options have no lists in lists; and
`backup_crops` chooses the folder of the storage (start/storage.py).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from start.errors import AppError
from start.mqtt_service import MqttService

PAGE_PORT = 8099
"""Of the ingress, as in config.yaml."""
_MAX_BYTES = 256 * 1024
_BAD_OPTIONS = 78
_OWN = ("rules", "backup_crops")
_SPLIT = ("people", "between", "days")

Tables = Mapping[str, Mapping[str, Any]]
"""Settings by section and key."""


@dataclass(frozen=True, slots=True)
class Options:
    """The owner's options.

    Attributes:
        sections: those that have the name of a section of the settings.
        rules: the alert rules.
        backup_crops: whether backups contain the faces of people.
    """

    sections: Tables
    rules: tuple[Mapping[str, Any], ...]
    backup_crops: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the app has found.

    Attributes:
        storage: `storage.dir`.
        zone: Home Assistant's time zone, which counts unless the owner chose one; empty if unknown.
    """

    storage: Path
    zone: str = ""


def read_options(path: Path) -> Options:
    """Return the options that the Supervisor has written.

    Raises:
        AppError: the file cannot be read, or is none of the Supervisor's.
    """
    try:
        found = json.loads(_content(path))
        sections = {name: dict(values) for name, values in found.items() if name not in _OWN}
        return Options(
            sections, tuple(dict(rule) for rule in found.get("rules", ())), bool(found.get("backup_crops", False))
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise AppError(
            f"{path}: the options cannot be read ({error}): save them again on the app's page", _BAD_OPTIONS
        ) from error


def settings_of(options: Options, service: MqttService, password: Path | None, surroundings: Surroundings) -> Tables:
    """Return the settings of the node.

    Args:
        options: the owner's.
        service: the broker.
        password: the file of the broker's password; None without one.
        surroundings: what else the settings are made of.

    Raises:
        AppError: an option is one that an app cannot have.
    """
    tables: dict[str, dict[str, Any]] = {name: dict(values) for name, values in options.sections.items()}
    _refuse_csi(str(tables.get("camera", {}).get("source", "")))
    if surroundings.zone:
        tables.setdefault("node", {}).setdefault("timezone", surroundings.zone)
    if options.rules:
        tables["alerts"] = {"rules": [_rule(rule) for rule in options.rules]}
    mqtt: dict[str, Any] = {"host": service.host, "port": service.port, "tls": {"enabled": service.tls}}
    if service.username:
        mqtt["username"] = service.username
    if password is not None:
        mqtt["password_file"] = str(password)
    tables["mqtt"] = tables.get("mqtt", {}) | mqtt
    tables["storage"] = tables.get("storage", {}) | {"dir": str(surroundings.storage)}
    tables["page"] = {"door": "ingress", "port": PAGE_PORT}
    return tables


def _content(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large.
    """
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it has more than {_MAX_BYTES} bytes")
    return content


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule of the settings, with lists where the option has texts with commas."""
    return {
        key: [part.strip() for part in str(value).split(",") if part.strip()] if key in _SPLIT else value
        for key, value in rule.items()
    }


def _refuse_csi(source: str) -> None:
    if source.startswith("picamera"):
        raise AppError(
            f"camera.source = {source}: an app cannot reach a camera at the CSI port, since Home Assistant OS has no "
            "libcamera: use a USB camera (webcam:0) or a network camera (video:rtsp://...), or install Facenode on "
            "Raspberry Pi OS",
            _BAD_OPTIONS,
        )
