"""The loop of a node: the straight line from a frame to a message, on one page.

camera -> search -> tracker -> recognizer -> engine -> outbox -> publisher

`node.assembly` builds what stands here as fields; nothing here names how a part is made.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from node.camera import Camera
from node.clock import Clock
from node.contract import payloads
from node.contract.topics import Topics
from node.domain import Alert, CameraState, Event, Instant, Look, Tick, Track, counted
from node.durations.keeper import Keeper
from node.errors import BrokerError
from node.events.alerts import Alerts, Scene
from node.events.durations import Durations
from node.events.engine import Engine
from node.events.mounting import Mounting
from node.events.tracker import Tracker
from node.health import HealthMonitor, summary
from node.homeassistant.announcer import Announcer
from node.homeassistant.device_remover import DeviceRemover
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import Outbox
from node.people.erasure import Erasure
from node.people.last_seen import LastSeen
from node.people.live_gallery import LiveGallery
from node.people.undoable import UndoableChanges
from node.requests.dispatcher import Dispatcher
from node.requests.local_socket import LocalSocket
from node.requests.people import PeopleRequests
from node.requests.recent_faces import RecentFaces
from node.requests.snapshots import Snapshots
from node.requests.stills import Stills
from node.requests.switches import SwitchRequests
from node.requests.view import View
from node.review.collector import Collector
from node.review.privacy import PrivacyErasure
from node.settings import Settings
from node.slowness import Kind
from node.system.systemd import Service
from node.vision.recognizer import Recognizer
from node.vision.search import NOTHING, Search

_log = logging.getLogger(__name__)
_LOG_WAITING_S = 30.0
_DRAIN_TURN_S = 1.0
_STOP_DRAIN_S = 5.0


@dataclass(slots=True, eq=False)
class Node:
    """One camera, one broker, and the line between them.

    Attributes:
        settings: all of them.
        model: first eight hex digits of the network's sha256.
        clock: the machine's.
        service: whoever watches over the process, such as systemd.
        camera: where ticks come from.
        search: finds the faces of a frame.
        tracker: follows them from frame to frame.
        recognizer: looks at a face.
        mounting: notices a camera that hangs upside down.
        gallery: who is known now.
        engine: decides what has happened.
        alerts: the owner's rules.
        outbox: what must not be lost.
        retained: what the broker keeps: state, health, discovery.
        publisher: delivers both.
        announcer: tells Home Assistant who is known; None where it has never known the node.
        requests: gives requests to their handlers.
        local_socket: takes requests of this machine's own commands.
        switches: privacy, recognition, snoozed alerts.
        people_requests: enrolls whoever is in view.
        snapshots: sends pictures, where the owner wants any.
        stills: shows the view to this machine's own commands.
        recent_faces: the faces behind the latest events.
        collector: the faces of recent visits, for the owner to say who they are.
        privacy: erases both, and what can be undone, in privacy mode.
        health: measures the loop.
        erasure: erases people, and finishes what was begun before.
        durations: keeps visits and alerts over restarts.
        changes: those of people that can be undone.
        last_seen: when each person was last seen.
    """

    settings: Settings
    model: str
    topics: Topics
    clock: Clock
    service: Service
    camera: Camera
    search: Search
    tracker: Tracker
    recognizer: Recognizer
    mounting: Mounting
    gallery: LiveGallery
    engine: Engine
    alerts: Alerts
    outbox: Outbox
    retained: Retained
    publisher: Publisher
    announcer: Announcer | DeviceRemover | None
    requests: Dispatcher
    local_socket: LocalSocket
    switches: SwitchRequests
    people_requests: PeopleRequests
    snapshots: Snapshots
    stills: Stills
    recent_faces: RecentFaces
    collector: Collector
    privacy: PrivacyErasure
    health: HealthMonitor
    erasure: Erasure
    durations: Keeper
    changes: UndoableChanges
    last_seen: LastSeen
    _tracks: tuple[Track, ...] = ()
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def restarting(self) -> bool:
        """Whether a restart of the process was requested."""
        return self.switches.restarting

    def stop(self) -> None:
        """End the loop at the next tick; may be called from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Follow the camera until it ends or a stop is requested; then deliver what is left and disconnect.

        Raises:
            CameraError: the camera cannot be read, or did not come back.
            BrokerError: the publisher has ended, so nothing would be published any more.
        """
        _log.info("node %s: camera %s, %s", self.settings.node.id, self.camera.name, self.gallery.summary)
        if self.settings.publish.snapshots != "off":
            _log.info("snapshots are on: with each event the broker gets the %s", self.settings.publish.snapshots)
        if not self.switches.watching:
            _log.warning("privacy is on: no frame is looked at until it is switched off")
        at = self.clock.now()
        self._follow_gallery()  # before anything is sent: an erasure that was interrupted is finished first
        self.publisher.start()
        self.local_socket.open()
        try:
            with self.camera as camera:
                for tick in camera:
                    at = tick.at
                    self._step(tick)
                    self._report()
                    if self._ending:
                        break
        except BaseException:
            self._finish(at, _STOP_DRAIN_S, ended=not self.camera.live)
            raise
        self._finish(at, _STOP_DRAIN_S if self.camera.live else float("inf"), ended=not self._ending)

    def _step(self, tick: Tick) -> None:
        """Turn one tick into messages."""
        began_s = time.perf_counter()
        self.requests.dispatch(tick.at)
        self._follow_gallery()
        found = self.search.faces(tick, self._tracks) if self.switches.watching else NOTHING
        self.tracker.update(tick.at, found.faces or ())
        looks: Mapping[int, Look] = {}
        if self.switches.recognizing:
            looks = self.recognizer.recognize(tick.frame, self.tracker.due())
            self.tracker.assign(looks)
            self.mounting.update(tick.at, looks)
        starting = self.switches.watching and self.camera.outage is None
        view = View(tick, self.tracker.tracks, None if starting else self._camera_state)
        self.people_requests.update(view)
        self._follow_gallery()
        happened = self.engine.update(tick.at, view.tracks, looked=found.looked)
        raised = self.alerts.update(tick.at, happened, self._scene(tick.at, len(view.tracks)))
        events = self._publish(tick, happened, raised, view.tracks)
        self.privacy.update(private=not self.switches.watching)
        if self.switches.watching:
            self.collector.update(tick, view.tracks, looks, self.engine.decisions, events)
        self.durations.update(tick.at, self._to_keep(tick.at))
        self.snapshots.update(view)
        self.stills.update(view)
        self._tracks = view.tracks
        if found.looked:
            took_ms = (time.perf_counter() - began_s) * 1e3
            kind = Kind(anyone=bool(view.tracks), looks=len(looks))
            self.health.frame(tick.at, None if found.faces is None else took_ms, kind)
        self._show(tick.at, len(view.tracks))

    def _report(self) -> None:
        """Tell whoever watches over the process that the loop goes round; end it if nothing would be published."""
        if not self.publisher.alive:
            raise BrokerError(f"the publisher stopped {self.publisher.ended_by}")
        self.service.report_alive(self.clock.now().mono_s)
        self.service.report_working(working=self.publisher.connected and self.camera.state is CameraState.OK)

    def _publish(
        self, tick: Tick, happened: Sequence[Event], raised: Sequence[Alert], tracks: Sequence[Track]
    ) -> Sequence[tuple[str, Event]]:
        """Put what happened into the outbox, and remember the faces behind it. Return the events with their ids."""
        messages = payloads.encode(happened, raised, self.topics, self.model)
        self.snapshots.publish(tick, happened, messages, tracks)
        if messages:
            self.durations.prepare(tick.at, self._to_keep(tick.at), self.outbox.puts + 1)
        self.outbox.put(messages)
        ids = [payloads.message_id(message) for message in messages[: len(happened)]]  # the alerts' messages follow
        events = tuple(zip(ids, happened, strict=True))
        if self.switches.watching:
            self.recent_faces.remember(events, (*self._tracks, *tracks))  # who left was there before
        return events

    def _show(self, at: Instant, count: int) -> None:
        """Show what is retained: who is in view, and now and then how the node is."""
        self.last_seen.update(self.engine.last_seen)
        switches = self.switches.switches
        state = payloads.state(
            at, count, self.engine.present, self.last_seen,
            recognition=switches.recognition, privacy=switches.privacy, snoozed=self.switches.snoozed_until(at),
            enrolling=self.people_requests.enrolling,
        )  # fmt: skip
        health = self.health.beat(at, self._camera_state)
        if health is not None:
            self.service.report_status(summary(health))
        self.retained.update(state, None if health is None else payloads.health(at, health))

    def _follow_gallery(self) -> None:
        """Take over what was changed in the gallery, by this process or another."""
        now_s = self.clock.now().mono_s
        self.erasure.advance(now_s)
        self.changes.expire(now_s)
        if self.gallery.refresh(now_s):
            for person in self.gallery.removed:
                self.erasure.forget(person)
            self._follow_departures()
            self.engine.replace(self.gallery.matcher)
            _log.info("people: the gallery has changed: %s", self.gallery.summary)
        self._announce()

    def _follow_departures(self) -> None:
        """Know whoever was merged into another by the other's id; the waiting messages about them stay."""
        for person in self.gallery.people:
            self.last_seen.enrolled(person.id)
        for left, into in self.gallery.departed.items():
            if into is None:
                self.last_seen.forget(left)
            else:
                self.last_seen.merge(left, into)
                self.recent_faces.merge(left, into)

    def _announce(self) -> None:
        if self.announcer is not None:
            self.announcer.update(self.gallery.people)

    def _scene(self, at: Instant, count: int) -> Scene:
        return Scene(
            count=count,
            visitors=self.engine.visitors,
            camera=self._camera_known,
            enrolled=self.gallery.can_recognize,
            snoozed=self.switches.snoozed(at),
            expected=self.engine.expected,
            settled=self.engine.settled,
        )

    def _to_keep(self, at: Instant) -> Durations:
        return Durations(self.engine.records(at), self.alerts.records(at))

    @property
    def _camera_state(self) -> CameraState:
        return self.camera.state if self.switches.watching else CameraState.PRIVATE

    @property
    def _camera_known(self) -> CameraState | None:
        """The state of the camera for rules; None while it is only starting, and in privacy until frames come.

        So neither a restart nor privacy mode ends an outage or begins another.
        """
        unknown = self.camera.outage is None or (self.camera.outage and not self.switches.watching)
        return None if unknown else self._camera_state

    @property
    def _ending(self) -> bool:
        return self._stopping.is_set() or self.restarting

    def _finish(self, at: Instant, patience_s: float, *, ended: bool) -> None:
        """Wait at most `patience_s` until the broker has it all, and disconnect.

        At the end of a source everybody leaves. Otherwise visits and alerts go on at the next start.
        """
        if not self.restarting:  # a restart keeps the process: whoever watches over it sees it go on
            self.service.report_stopping()
        self.local_socket.close()
        if ended:
            left = self.engine.close(at)
            self._publish(Tick(at, None), left, self.alerts.update(at, left, self._scene(at, 0)), ())
        self.collector.close()
        self.durations.close(at, Durations() if ended else self._to_keep(at))
        began_s = logged_s = self.clock.now().mono_s
        while self.publisher.alive and not self.publisher.drain(_DRAIN_TURN_S):
            now_s = self.clock.now().mono_s
            self.erasure.advance(now_s)
            self.service.report_alive(now_s)
            if now_s - began_s >= (min(patience_s, _STOP_DRAIN_S) if self._ending else patience_s):
                break
            if now_s - logged_s >= _LOG_WAITING_S:
                logged_s = now_s
                waiting = counted(self.outbox.counts().waiting, "message")
                _log.info("the source has ended; %s waiting for the broker: Ctrl-C keeps them for later", waiting)
        self.publisher.stop(payloads.state(self.clock.now()))
        self.outbox.close()
        # Last: a ready file that cannot be removed must not prevent the clean stop.
        self.service.report_working(working=False)
