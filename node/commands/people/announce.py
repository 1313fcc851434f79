"""The gallery, while no node runs -> Home Assistant's retained discovery, so that it names nobody who was removed."""

import queue
import time

from node.assembly import build_announcer, build_gallery
from node.clock import SystemClock
from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Link, Lost, Report
from node.mqtt.retained import Retained
from node.settings import Settings

_ANSWER_S = 10.0


def announce_people(settings: Settings) -> None:
    """Publish discovery for the people who are enrolled now, and that nobody is in view, in place of a node.

    Raises:
        BrokerError: the broker cannot be reached, or refuses.
        PeopleError: the gallery cannot be read.
    """
    topics = Topics(settings.node.id, settings.homeassistant.prefix)
    retained = Retained(topics, payloads.state(SystemClock().now()))
    announcer = build_announcer(settings, topics, retained)
    if announcer is None:
        return
    announcer.update(build_gallery(settings).load() if settings.people.source == "gallery" else ())
    retained.resend(topics.state)  # a node that was killed left a state that names who was in view
    inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
    link = connect(settings.mqtt, Client(topics.client_id), inbox.put)
    try:
        for message in retained.take_due():
            _publish(link, inbox, message)
    finally:
        link.close()


def _publish(link: Link, inbox: "queue.SimpleQueue[Report]", message: Message) -> None:
    """Publish a retained message and wait until the broker acknowledges it."""
    mid = link.publish(message)
    until_s = time.monotonic() + _ANSWER_S
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            report = inbox.get(timeout=left_s)
        except queue.Empty:
            break
        if isinstance(report, Lost):
            raise BrokerError(report.sentence)
        if isinstance(report, Acknowledged) and report.mid == mid:
            if report.code >= reason_codes.SUCCESS_BELOW:
                raise BrokerError(f"{message.topic}: {reason_codes.describe(report.code)}")
            return
    raise BrokerError(f"{message.topic}: the broker does not answer")
