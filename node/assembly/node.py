"""Settings -> a node, with every concrete class that it is made of."""

import logging
from dataclasses import replace

from node.app import Node
from node.assembly.broker import build_announcer, build_connect, build_outbox
from node.assembly.overview import build_overview_requests, build_stills
from node.assembly.people import (
    build_embed,
    build_enrollee,
    build_erasure,
    build_gallery,
    build_matcher,
    build_scoring,
)
from node.assembly.review import build_collector, build_review_requests
from node.assembly.vision import build_masks, build_search, build_vision, event_labels, wanted_heads
from node.camera import Camera, open_camera
from node.camera.frame_check import CheckedCamera
from node.clock import Clock, SystemClock
from node.contract import payloads
from node.contract.message import JSON, Message
from node.contract.topics import Topics
from node.domain import CameraState, Instant
from node.durations.file import DurationsFile
from node.durations.keeper import Keeper
from node.events.alerts import Alerts
from node.events.durations import Durations
from node.events.engine import Engine
from node.events.mounting import Mounting
from node.events.tracker import Tracker
from node.health import Counts, HealthMonitor
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import Outbox
from node.people.last_seen import LastSeen
from node.people.likeness import same_person
from node.people.live_gallery import LiveGallery
from node.people.undoable import UndoableChanges
from node.requests.answer import Answer
from node.requests.dispatcher import Dispatcher, handlers
from node.requests.inbox import Inbox
from node.requests.local_socket import LocalSocket
from node.requests.people import PeopleRequests
from node.requests.recent_faces import RecentFaces
from node.requests.request import Check
from node.requests.snapshots import Snapshots
from node.requests.switches import SwitchRequests
from node.review.privacy import PrivacyErasure
from node.settings import Settings
from node.settings.node import zone_of
from node.system import certificate
from node.system.machine import Machine
from node.system.systemd import Service

_log = logging.getLogger(__name__)


def build_node(
    settings: Settings,
    camera: Camera | None = None,
    clock: Clock | None = None,
    service: Service | None = None,
    machine: Machine | None = None,
) -> Node:
    """Return a node, ready to run.

    Args:
        settings: all of them.
        camera: where ticks come from; the one of the settings unless given.
        clock: the machine's unless given.
        service: whoever watches over the process; nobody unless given.
        machine: what this machine says about itself; read from its files unless given.
    """
    clock, machine = clock or SystemClock(), machine or Machine()
    now = clock.now()
    topics = Topics(settings.node.id, settings.homeassistant.prefix)
    vision = build_vision(settings, wanted_heads(settings))
    sidecar = vision.network.sidecar
    outbox, scoring = build_outbox(settings, clock), build_scoring(settings, sidecar)
    build_erasure(settings, outbox).advance(now.mono_s)
    stored, embed = build_gallery(settings, scoring, clock, machine), build_embed(vision.network)
    stored.changes.expire(now.mono_s)
    if stored.reembed(sidecar.heads.embedding.space, embed):
        _log.info("people: the network has changed: all known faces were embedded again")
    gallery = LiveGallery(
        stored,
        lambda people: build_matcher(settings, sidecar, scoring, people),
        now.mono_s,
        closed_set=settings.people.source == "head",
    )
    keeper, last_seen = Keeper(DurationsFile(settings.storage.dir), machine, outbox.puts), LastSeen()
    durations = _load_durations(settings, keeper, now, gallery, stored.changes)
    engine = Engine(
        settings.events, gallery.matcher, event_labels(settings, sidecar), same_person(scoring).threshold,
        scoring.probe,
        visits=durations.visits, restarted=bool(durations),
    )  # fmt: skip
    alerts = Alerts(settings.alerts.rules, zone_of(settings.node.timezone), durations.rules)
    tracker, mounting = Tracker(settings.events, durations.next_track), Mounting(settings.camera.rotate)
    retained = Retained(topics, payloads.state(now))
    inbox = Inbox(topics, lambda topic, payload: publisher.send(Message(topic, payload, content_type=JSON)))
    publisher = Publisher(topics, outbox, retained, build_connect(settings, topics), receive=inbox.receive)
    snapshots = Snapshots(
        settings.publish.snapshots, topics, publisher.send_now,
        expire_s=settings.mqtt.expire_s, masks=build_masks(settings),
    )  # fmt: skip
    recent_faces = RecentFaces()
    collector = build_collector(settings, scoring, clock, machine, stored.changes.store.anchors)

    def forget(person: str) -> None:
        """Erase whatever the node has of somebody in memory."""
        collector.forget(person)
        gallery.forget(person)
        engine.forget(person)
        alerts.forget(person)
        keeper.forget(person)
        people_requests.forget(person)
        recent_faces.forget(person)
        snapshots.forget()
        last_seen.forget(person)

    erasure = build_erasure(settings, outbox, forget)
    people_requests = PeopleRequests(
        stored,
        recent_faces,
        sidecar.heads.embedding.space,
        enrollee=build_enrollee(settings, scoring, stored),
        keep_crops=settings.people.keep_crops,
        changed=gallery.invalidate,
        erase=erasure.erase,
    )
    corrections, review = build_review_requests(settings, scoring, collector, stored, gallery=gallery, embed=embed)
    switches = SwitchRequests(settings.storage.dir, now, [rule.id for rule in settings.alerts.rules])
    health = HealthMonitor(
        machine,
        lambda: replace(
            _counts(settings, clock, outbox, tracker=tracker, mounting=mounting, gallery=gallery),
            discovery=retained.discovery_state,
        ),
        every_s=settings.health.every_s,
        log_every_s=settings.health.log_every_s,
        model=sidecar.short_hash,
        started=now,
        requests=lambda: publisher.requests,
    )
    stills = build_stills(settings, vision, gallery, lambda: switches.recognizing)
    camera = CheckedCamera(
        camera or open_camera(settings.camera, clock, settings.detector.width), lambda: switches.watching
    )

    def check(request: Check, at: Instant, answer: Answer) -> None:
        """Answer with the health of this moment, how many requests were ignored, and whether there is a connection."""
        del request, at
        moment = clock.now()
        state = camera.state if switches.watching else CameraState.PRIVATE
        fields = payloads.health(moment, health.collect(moment, state))
        answer.ok({**fields, "requests_ignored": inbox.ignored, "connected": publisher.connected})

    return Node(
        settings=settings,
        model=sidecar.short_hash,
        topics=topics,
        clock=clock,
        service=service or Service(),
        camera=camera,
        search=build_search(settings, vision.detector, machine, live=camera.live),
        tracker=tracker,
        recognizer=vision.recognizer,
        mounting=mounting,
        gallery=gallery,
        engine=engine,
        alerts=alerts,
        outbox=outbox,
        retained=retained,
        publisher=publisher,
        announcer=build_announcer(settings, topics, retained),
        requests=Dispatcher(
            inbox,
            handlers(
                check,
                switches=switches,
                people=people_requests,
                corrections=corrections,
                overview=build_overview_requests(settings, scoring, stored, erasure=erasure, last_seen=last_seen),
                review=review,
                snapshots=snapshots,
                stills=stills,
            ),
        ),
        local_socket=LocalSocket(settings.storage.dir, inbox.put),
        switches=switches,
        people_requests=people_requests,
        snapshots=snapshots,
        stills=stills,
        recent_faces=recent_faces,
        collector=collector,
        privacy=PrivacyErasure((collector.clear, recent_faces.clear, stored.changes.clear)),
        health=health,
        erasure=erasure,
        durations=keeper,
        changes=stored.changes,
        last_seen=last_seen,
    )


def _load_durations(
    settings: Settings, keeper: Keeper, now: Instant, gallery: LiveGallery, changes: UndoableChanges
) -> Durations:
    """Return what the process before has left, about whoever still makes events."""
    durations = keeper.load(now, settings.events.cool_down_s)
    for person, into in changes.departed().items():
        durations = durations.merged(person, into) if into else durations
    if settings.people.source != "gallery":
        return durations
    return durations.only_about({person.id for person in gallery.people if not person.ignored})


def _counts(  # noqa: PLR0913 - whatever counts something
    settings: Settings, clock: Clock, outbox: Outbox, *, tracker: Tracker, mounting: Mounting, gallery: LiveGallery
) -> Counts:
    messages, certificate_file = outbox.counts(), settings.mqtt.tls.cert_file
    return Counts(
        outbox=messages.waiting,
        dropped=messages.dropped,
        rejected=messages.rejected,
        unusable=tracker.unusable,
        flaws={str(flaw): count for flaw, count in tracker.flaws.items()},
        upside_down=mounting.upside_down,
        people=gallery.count,
        cert_days_left=certificate.days_left(certificate_file, clock.now().wall) if certificate_file else None,
    )
