"""Broker settings -> findings, one for each step of the way: DNS, TCP, TLS, login, and a message that comes back."""

import queue
import secrets
import socket
import time
from collections.abc import Iterator

from node.contract.message import Message
from node.contract.topics import Topics
from node.diagnostics.finding import Finding
from node.domain import counted
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Link, Lost, Received, Report
from node.mqtt.tls_probe import probe_tls
from node.settings import MqttSettings, Settings

_CONNECT_S, _RETURN_S = 5.0, 5.0


def broker_findings(settings: Settings) -> Iterator[Finding]:
    """Check the connection to each broker step by step; stop at the first step that fails.

    The message that must come back goes to `facenode/<node>/request/check/<random>`. The strictest access list that
    lets a node work is: write `facenode/<node>/#`, read `facenode/<node>/request/#`. So only below `request/` may a
    node both write and read. A running node ignores requests with a level below the verb and is not disturbed. Where
    the broker replaces client ids by the certificate's name, it disconnects a running node, which connects again
    some seconds later.
    """
    brokers = settings.mqtt.each
    for mqtt in brokers:
        name = "broker" if len(brokers) == 1 else f"broker {mqtt.host}:{mqtt.port}"
        yield from _steps(settings.model_copy(update={"mqtt": mqtt}), name)


def _steps(settings: Settings, broker: str) -> Iterator[Finding]:
    mqtt = settings.mqtt
    try:
        addresses = socket.getaddrinfo(mqtt.host, mqtt.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = reason_codes.describe_error(error, mqtt.host, mqtt.port) if isinstance(error, OSError) else str(error)
        yield Finding(f"{broker}: name", ok=False, text=reason)
        return
    found = sorted({str(address[4][0]) for address in addresses})
    yield Finding(f"{broker}: name", ok=True, text=f"{mqtt.host} is {', '.join(found)}")
    for step, check in (("tcp", _tcp), ("tls", _tls)):
        if step == "tls" and not mqtt.tls.enabled:
            continue
        try:
            yield Finding(f"{broker}: {step}", ok=True, text=check(mqtt))
        except (OSError, BrokerError) as error:
            text = (
                str(error)
                if isinstance(error, BrokerError)
                else reason_codes.describe_error(error, mqtt.host, mqtt.port)
            )
            yield Finding(f"{broker}: {step}", ok=False, text=text)
            return
    yield from _login(settings, broker)


def _tcp(mqtt: MqttSettings) -> str:
    began_s = time.monotonic()
    with socket.create_connection((mqtt.host, mqtt.port), timeout=_CONNECT_S):
        return f"connected to port {mqtt.port} in {(time.monotonic() - began_s) * 1000:.0f} ms"


def _tls(mqtt: MqttSettings) -> str:
    handshake = probe_tls(mqtt)
    days = counted(round(handshake.days_left), "more day")
    return f"{handshake.version}, the broker's certificate is valid for {days}"


def _login(settings: Settings, broker: str) -> Iterator[Finding]:
    topics = Topics(settings.node.id, settings.homeassistant.prefix)
    inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
    try:
        link = connect(settings.mqtt, Client(f"{topics.client_id}-check"), inbox.put)
    except BrokerError as error:
        yield Finding(f"{broker}: login", ok=False, text=str(error))
        return
    try:
        who = f"as {settings.mqtt.username}" if settings.mqtt.username else "without a username"
        yield Finding(f"{broker}: login", ok=True, text=f"accepted {who}, MQTT {link.protocol}")
        topic = f"{topics.request('check')}/{secrets.token_hex(4)}"
        fault = _round_trip_fault(link, inbox, topic)
        text = fault or f"{topic} came back"
        yield Finding(f"{broker}: message", ok=fault is None, text=text)
    finally:
        link.close()


def _round_trip_fault(link: Link, inbox: "queue.SimpleQueue[Report]", topic: str) -> str | None:
    """Send this client a message; return why it did not come back, None if it did.

    Only receiving is proof: a broker may grant a subscription and withhold its messages, and over MQTT 3.1.1 it cannot
    report that it refuses a message.
    """
    link.subscribe(topic)
    link.publish(Message(topic, b"facenode check"))
    until_s = time.monotonic() + _RETURN_S
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            report = inbox.get(timeout=left_s)
        except queue.Empty:
            break
        match report:
            case Received(topic=name) if name == topic:
                return None
            case Acknowledged(code=code) if code >= reason_codes.SUCCESS_BELOW:
                return f"{topic}: {reason_codes.describe(code)}"
            case Lost(sentence=sentence):
                return sentence
            case _:
                pass
    return f"{topic}: sent, but it did not come back in {_RETURN_S:.0f} s: check the broker's access list"
