"""Where the settings are -> the cameras, brokers, files and service that the first run works with."""

import grp
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from node.assembly import build_gallery, build_masks, build_vision, describe_device, look_at_all
from node.clock import SystemClock
from node.contract.topics import Topics
from node.diagnostics.camera import LookAtAll
from node.diagnostics.first_messages import Announced, FirstMessages, first_messages
from node.errors import BrokerError, FacenodeError, SetupError, StorageError
from node.homeassistant.entity_keys import EntityKeys
from node.mqtt import credentials
from node.requests.switches import load_switches
from node.settings import Settings
from node.settings.loader import DEFAULT_FILE, load
from node.setup.broker import read_certificate
from node.setup.broker_login import NetworkBrokers
from node.setup.camera_look import LocalCameras
from node.setup.first_run import Current, World
from node.setup.local_machine import LocalMachine
from node.setup.network_search import browse_network, find_brokers, resolve_name, takes_connections
from node.setup.schema import BrokerAnswer, parse_broker, parse_camera, parse_node
from node.setup.settings_files import Owner, SettingsFiles
from node.setup.systemd_service import SystemdService
from node.system.privileges import as_owner

GROUP = "facenode"
_OWN_STORAGE = "facenode-data"
"""`storage.dir` beside a settings file of a user's own."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the first run works with.

    Attributes:
        world: cameras, brokers, machine, service and files.
        files: the settings file and the secrets beside it.
        current: what is set.
        problem: why the settings that are there cannot be read; None if they can.
    """

    world: World
    files: SettingsFiles
    current: Current
    problem: str | None = None


def surroundings(config: Path | None, *, writes: bool = True) -> Surroundings:
    """Return what the first run works with.

    Args:
        config: the settings file; None: that of the service.
        writes: whether the settings are to be written.

    Raises:
        SetupError: the settings file can never be written.
    """
    path = config or DEFAULT_FILE
    is_service = path.absolute() == DEFAULT_FILE
    files = SettingsFiles(path, _owner(is_service=is_service and writes), _load, None if is_service else _OWN_STORAGE)
    if writes:
        files.check_writable()
    problem: str | None = None
    settings: Settings | None = None
    try:
        settings = files.current()
    except FacenodeError as error:
        problem = str(error)
    known = settings or _defaults()
    clock = SystemClock()

    def storage() -> Path:
        """Return the folder of the settings as they are now: they are written in between."""
        return (files.current() or known).storage.dir

    service = SystemdService(storage, managed=is_service)
    running: Callable[[], Mapping[str, object] | None] = service.report if settings else lambda: None

    @cache
    def look() -> LookAtAll | None:
        try:
            with as_owner(known.storage.dir):
                private = load_switches(known.storage.dir, clock.now()).privacy
        except StorageError:
            private = True
        return None if private else partial(look_at_all, build_vision(known, ()), build_masks(known))

    world = World(
        cameras=LocalCameras(known, clock, look, running),
        brokers=NetworkBrokers(
            known,
            lambda given: _messages(given, clock),
            lambda: find_brokers(browse_network, resolve_name, takes_connections),
            running,
        ),
        machine=LocalMachine(),
        service=service,
        files=files,
    )
    return Surroundings(world, files, _current(settings), problem)


def _owner(*, is_service: bool) -> Owner:
    """Return who may read the files: the group of the service, whose file it is."""
    if not is_service:
        return Owner()
    try:
        return Owner(grp.getgrnam(GROUP).gr_gid)
    except KeyError as error:
        raise SetupError(
            f"this machine has no group {GROUP}, so no service that could read {DEFAULT_FILE}: install the package, or "
            "name a file of your own with --config"
        ) from error


def _load(path: Path) -> Settings:
    """Read a settings file alone: what the environment of this command adds is not the service's."""
    return load(path, environ={name: value for name, value in os.environ.items() if name in ("HOME", "PATH")})


def _defaults() -> Settings:
    return load(environ={}, default_file=Path("/nonexistent"))


def _messages(settings: Settings, clock: SystemClock) -> FirstMessages:
    topics = Topics(settings.node.id, settings.homeassistant.prefix)
    if not settings.homeassistant.enabled:
        return first_messages(topics, clock.now())
    keys = EntityKeys(settings.storage.dir, read_only=True)
    return first_messages(topics, clock.now(), Announced(describe_device(settings), keys, ()))


def _current(settings: Settings | None) -> Current:
    """Return what is set, as far as the first run asks for it; without what it could not write again."""
    if settings is None:
        return Current()
    camera, node = settings.camera, settings.node
    zone = node.timezone if "timezone" in node.model_fields_set else None
    given = {"id": node.id, "name": node.name, "area": node.area, "timezone": zone}
    with suppress(SetupError, BrokerError):
        return Current(
            camera=parse_camera({"source": camera.source, "rotate": camera.rotate}),
            broker=_broker(settings),
            node=parse_node(given),
            anybody=_anybody(settings),
        )
    return Current()


def _broker(settings: Settings) -> BrokerAnswer:
    mqtt = settings.mqtt
    fields = {"host": mqtt.host, "port": mqtt.port, "username": mqtt.username, "tls": mqtt.tls.enabled}
    authority = read_certificate(str(mqtt.tls.ca_file)) if mqtt.tls.ca_file else ""
    return parse_broker(fields | {"password": credentials.password(mqtt) or "", "ca": authority})


def _anybody(settings: Settings) -> bool:
    """Return whether somebody is enrolled, as far as that can be read."""
    try:
        with as_owner(settings.storage.dir):
            return bool(build_gallery(settings).load())
    except FacenodeError:
        return False
