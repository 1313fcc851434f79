"""Settings -> the outbox, the connection to the broker, and what Home Assistant is told."""

from node import __version__
from node.assembly.vision import build_sidecar
from node.clock import Clock
from node.contract.topics import Topics
from node.errors import ModelError, StorageError
from node.homeassistant.announcer import Announcer
from node.homeassistant.device_remover import DeviceRemover
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import FILE, EntityKeys
from node.mqtt.connect import connect
from node.mqtt.identity import node_client
from node.mqtt.publisher import Connect
from node.mqtt.retained import Retained
from node.outbox.outbox import FILE as OUTBOX_FILE
from node.outbox.outbox import Outbox
from node.page.page_url import page_url
from node.people.trace import Trace, TraceKind
from node.requests.verb import OFFERED, Verb
from node.settings import Settings
from node.system.machine import Machine
from node.system.plain_files import WrongKindError, check_regular


def build_connect(settings: Settings, topics: Topics) -> Connect:
    """Return what makes one connection attempt, with the last will of this node."""
    client = node_client(topics)
    return lambda report: connect(settings.mqtt, client, report)


def build_outbox(settings: Settings, clock: Clock) -> Outbox:
    """Return the outbox of this node.

    Raises:
        StorageError: a link or anything but a plain file is in the place of one of its files.
        OutboxError: it cannot be opened.
    """
    check_outbox_files(settings)
    storage, topics = settings.storage, Topics(settings.node.id, settings.homeassistant.prefix)
    return Outbox(
        storage.dir,
        topics,
        clock,
        live_s=settings.mqtt.live_s,
        expire_s=settings.mqtt.expire_s,
        max_rows=storage.max_rows,
        max_mb=storage.max_mb,
    )


def check_outbox_files(settings: Settings) -> None:
    """Refuse a link or anything but a plain file in the place of a file of the outbox: SQLite would follow it.

    Raises:
        StorageError: there is one.
    """
    try:
        for path in (settings.storage.dir / OUTBOX_FILE, *sorted(settings.storage.dir.glob(f"{OUTBOX_FILE}*"))):
            check_regular(path)
    except WrongKindError as error:
        raise StorageError(str(error)) from error
    except OSError:
        return  # a folder that cannot be read: the outbox says so, or waits for the disk


def build_announcer(settings: Settings, topics: Topics, retained: Retained) -> Announcer | DeviceRemover | None:
    """Return what announces the node and its people to Home Assistant, or removes it; None if neither."""
    folder = settings.storage.dir
    if settings.homeassistant.enabled:
        return Announcer(topics, describe_device(settings), EntityKeys(folder), retained)
    if (folder / FILE).exists():
        return DeviceRemover(topics, describe_device(settings), EntityKeys(folder), retained)
    return None


def announced_traces(settings: Settings) -> tuple[Trace, ...]:
    """Return what Home Assistant's discovery has of everybody, if this node has ever announced its people."""
    announced = settings.homeassistant.enabled and (settings.storage.dir / FILE).exists()
    return (Trace(TraceKind.DISCOVERY),) if announced else ()


def describe_device(settings: Settings) -> Device:
    """Return what discovery says about this node."""
    node = settings.node
    try:
        model = build_sidecar(settings).name
    except ModelError:
        model = ""  # whoever needs the network says so
    # Nobody can be enrolled in the closed set of a network.
    closed = settings.people.source == "head"
    return Device(
        name=node.name or node.id,
        area=node.area,
        version=__version__,
        model=model,
        hardware=Machine().hardware() or "",
        health_s=settings.health.every_s,
        rules=tuple(rule.id for rule in settings.alerts.rules),
        verbs=tuple(verb for verb in OFFERED if not (closed and verb is Verb.PEOPLE_ENROLL)),
        snapshots=settings.publish.snapshots != "off",
        page=page_url(settings.page.door, settings.page.port, settings.page.hosts) or "",
    )
