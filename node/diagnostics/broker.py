"""Broker settings -> findings, one for each step of the way: DNS, TCP, TLS, login, and what the node does there."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

from node.contract.message import Message
from node.contract.topics import Topics
from node.diagnostics.conversation import Conversation
from node.diagnostics.finding import Finding
from node.diagnostics.first_messages import FirstMessages
from node.diagnostics.rehearsal import Rehearsal, probe_topic, subscription_faults, watched
from node.domain import counted
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.identity import check_client
from node.mqtt.tls_probe import probe_tls
from node.settings import MqttSettings, Settings

_CONNECT_S, _RETURN_S = 5.0, 5.0
_RETAINED_S = 1.0
"""How long to wait for what the broker has on the node's topics: MQTT does not say when there is no more."""
_HEALTHY = {"connected": (True,), "requests": (None, "on"), "discovery": (None, "on", "off")}
"""The values in a running node's own report that are in order."""


def broker_findings(
    settings: Settings, messages: FirstMessages, running: Mapping[str, object] | None = None
) -> Iterator[Finding]:
    """Check the connection to each broker step by step; stop at the first step that the next one needs.

    The check connects, subscribes and publishes as the node does; `node.diagnostics.rehearsal` has the rules. The
    message that must come back goes to `facenode/<node>/request/check/<random>`, which a running node ignores.

    Where a node runs here with a client certificate, it is asked instead. A broker that takes the client id from the
    certificate would end the node's connection for that of the check, and publish its last will.

    Args:
        settings: all of them.
        messages: what the node publishes when it connects.
        running: what the node that runs here says about itself; None if none does.
    """
    brokers = settings.mqtt.each
    for mqtt in brokers:
        name = "broker" if len(brokers) == 1 else f"broker {mqtt.host}:{mqtt.port}"
        for finding in _steps(settings.model_copy(update={"mqtt": mqtt}), messages, running):
            yield replace(finding, name=f"{name}: {finding.name}")


def _steps(settings: Settings, messages: FirstMessages, running: Mapping[str, object] | None) -> Iterator[Finding]:
    mqtt = settings.mqtt
    try:
        addresses = socket.getaddrinfo(mqtt.host, mqtt.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = reason_codes.describe_error(error, mqtt.host, mqtt.port) if isinstance(error, OSError) else str(error)
        yield Finding("name", ok=False, text=reason)
        return
    found = sorted({str(address[4][0]) for address in addresses})
    yield Finding("name", ok=True, text=f"{mqtt.host} is {', '.join(found)}")
    for step, check in (("tcp", _tcp), ("tls", _tls)):
        if step == "tls" and not mqtt.tls.enabled:
            continue
        try:
            yield Finding(step, ok=True, text=check(mqtt))
        except (OSError, BrokerError) as error:
            text = (
                str(error)
                if isinstance(error, BrokerError)
                else reason_codes.describe_error(error, mqtt.host, mqtt.port)
            )
            yield Finding(step, ok=False, text=text)
            return
    if running is not None and mqtt.tls.cert_file is not None:
        yield _report(running)
    else:
        yield from _login(settings, messages, runs_here=running is not None)


def _tcp(mqtt: MqttSettings) -> str:
    began_s = time.monotonic()
    with socket.create_connection((mqtt.host, mqtt.port), timeout=_CONNECT_S):
        return f"connected to port {mqtt.port} in {(time.monotonic() - began_s) * 1000:.0f} ms"


def _tls(mqtt: MqttSettings) -> str:
    handshake = probe_tls(mqtt)
    days = counted(round(handshake.days_left), "more day")
    return f"{handshake.version}, the broker's certificate is valid for {days}"


def _report(running: Mapping[str, object]) -> Finding:
    """Return what a running node says about its connection."""
    faults = [f"{name} is {running.get(name)}" for name, values in _HEALTHY.items() if running.get(name) not in values]
    text = "the node that runs here is connected, and nothing of it is refused"
    if faults:
        text = f"the node that runs here says: {', '.join(faults)}: see its log"
    return Finding("login", ok=not faults, text=f"{text}; stop it to check new settings")


def _login(settings: Settings, messages: FirstMessages, *, runs_here: bool) -> Iterator[Finding]:
    mqtt, topics = settings.mqtt, Topics(settings.node.id, settings.homeassistant.prefix)
    probe = probe_topic(topics)
    try:
        conversation = Conversation(mqtt, check_client(topics), (*watched(topics), probe))
    except BrokerError as error:
        yield Finding("login", ok=False, text=str(error))
        return
    with closing(conversation):
        who = f"as {mqtt.username}" if mqtt.username else "without a username"
        yield Finding("login", ok=True, text=f"accepted {who}, MQTT {conversation.protocol}")
        fault = _round_trip_fault(conversation, topics, probe)
        yield Finding("message", ok=fault is None, text=fault or f"{probe} came back")
        existing = _existing(conversation, watched(topics))
    yield from Rehearsal(mqtt, topics, messages, existing, runs_here=runs_here).findings()


def _round_trip_fault(conversation: Conversation, topics: Topics, probe: str) -> str | None:
    """Send this client a message; return why it did not come back as the node needs it, None if it did.

    Only receiving is proof: a broker may grant a subscription and withhold its messages, and over MQTT 3.1.1 it cannot
    report that it refuses a message.
    """
    try:
        faults = list(subscription_faults(conversation, topics.requests))
        code = conversation.publish(Message(probe, b"facenode check"))
        if code >= reason_codes.SUCCESS_BELOW:
            faults.append(f"{probe}: {reason_codes.describe(code)}")
        elif not faults and not conversation.wait(lambda: probe in conversation.live, _RETURN_S):
            return f"{probe}: sent, but it did not come back in {_RETURN_S:.0f} s: check the broker's access list"
    except BrokerError as error:
        return str(error)
    return "; ".join(faults) or None


def _existing(conversation: Conversation, topics: tuple[str, ...]) -> Mapping[str, bytes]:
    """Return what the broker has on these topics, as far as this login may read them."""
    try:
        for topic in topics:
            conversation.subscribe(topic)
        conversation.wait(lambda: conversation.retained.keys() >= set(topics), _RETAINED_S)
    except BrokerError:
        return {}  # some brokers end the connection for a subscription that they do not allow
    return dict(conversation.retained)
