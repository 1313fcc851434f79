"""Settings -> a running node: what it is made of, and its loop.

camera -> detector -> tracker -> recognizer -> engine -> outbox -> publisher
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence

from node.assembly import (
    build_connector,
    build_embed,
    build_eyes,
    build_gallery,
    build_introduction,
    build_matcher,
    build_outbox,
    event_labels,
    wanted_heads,
)
from node.camera import Camera, open_camera
from node.clock import Clock, SystemClock
from node.contract import payloads
from node.contract.topics import Topics
from node.domain import Alert, CameraState, Event, Face, Instant, Tick, Track
from node.errors import BrokerError
from node.events.alerts import Alerts, Scene
from node.events.engine import Engine
from node.events.tracker import Tracker
from node.health import Counts, Pulse, in_words
from node.mqtt import certificate
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Board
from node.people.live_gallery import LiveGallery
from node.requests.inbox import Commands, Request
from node.requests.local_socket import Desk
from node.requests.people import Clerk
from node.requests.recent_faces import Recent
from node.requests.snapshots import Snapshots
from node.requests.switches import Control
from node.settings import Settings
from node.settings.schema import zone_of
from node.system.machine import Machine
from node.system.systemd import Service
from node.vision.motion import Motion
from node.vision.throttle import Throttle

_log = logging.getLogger(__name__)
_SAY_WAITING_S = 30.0
_TURN_S = 1.0
_STOP_DRAIN_S = 5.0
_SAME_STRANGER_FPIR = 0.01


class Node:
    """One camera, one broker, and the line between them.

    Args:
        settings: all of them.
        camera: where ticks come from; the one of the settings unless given.
        clock: the machine's.
        service: whoever watches over the process; nobody unless given.
        machine: what this machine tells of itself; read from its files unless given.
    """

    def __init__(
        self,
        settings: Settings,
        camera: Camera | None = None,
        clock: Clock | None = None,
        service: Service | None = None,
        machine: Machine | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._service = service or Service()
        now = self._clock.now()
        self._eyes = build_eyes(settings, wanted_heads(settings))
        sidecar = self._eyes.network.sidecar
        gallery = build_gallery(settings, sidecar)
        if gallery.reembed(sidecar.heads.embedding.space, build_embed(self._eyes.network)):
            _log.info("the network has changed: the faces that are known were embedded again")
        self._roster = LiveGallery(gallery, lambda people: build_matcher(settings, sidecar, people), now.mono_s)
        self._tracker = Tracker(settings.events)
        same_stranger = sidecar.thresholds.cosine(_SAME_STRANGER_FPIR, 1)
        self._engine = Engine(settings.events, self._roster.matcher, event_labels(settings, sidecar), same_stranger)
        self._rules = settings.alerts.rules
        self._alerts = Alerts(self._rules, zone_of(settings.node.timezone))
        health, machine = settings.health, machine or Machine()
        self._pulse = Pulse(machine, health.every_s, health.log_every_s, sidecar.short_hash, now)
        self._seen: dict[str, Instant] = {}
        self._tracks: tuple[Track, ...] = ()
        self._known = {person.id for person in self._roster.people}
        self._topics = Topics(settings.node.id, settings.homeassistant.prefix)
        self._outbox = build_outbox(settings, self._clock)
        self._board = Board(self._topics, payloads.state(now))
        self._introduction = build_introduction(settings, self._topics, self._board)
        self._commands = Commands(self._topics, self._say)
        self._desk = Desk(settings.storage.dir, self._commands.ask)
        self._recent = Recent()
        self._clerk = Clerk(
            gallery,
            self._recent,
            sidecar.heads.embedding.space,
            self._reply,
            keep_crops=settings.people.keep_crops,
            erased=self._erase,
        )
        self._publisher = Publisher(
            self._topics,
            self._outbox,
            self._board,
            build_connector(settings, self._topics),
            receive=self._commands.receive,
        )
        self._control = Control(
            settings.storage.dir, self._reply, self._examine, now, [rule.id for rule in self._rules]
        )
        self._snapshots = Snapshots(settings.publish.snapshots, self._topics, self._publisher.flash, self._reply)
        self._camera = camera or open_camera(settings.camera, self._clock, settings.detector.width)
        # A recorded source waits for nobody, and to skip any of its frames would make two replays differ.
        live = self._camera.live
        self._heat = Throttle(health.max_cpu_c, machine.cpu_c) if live else None
        self._motion = Motion() if live and settings.detector.motion else None
        self._stopping = threading.Event()

    @property
    def restarting(self) -> bool:
        """Whether somebody asked for a new start of the process."""
        return self._control.restarting

    @property
    def flaws(self) -> Mapping[str, int]:
        """How many looks failed each gate, by its name."""
        return {str(flaw): count for flaw, count in self._tracker.flaws.items()}

    def stop(self) -> None:
        """End the loop at the next tick; may be called from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Follow the camera until it ends or somebody asks to stop; then everything is told, and the broker knows.

        Raises:
            CameraError: the camera cannot be read, or did not come back.
            BrokerError: the publisher has ended, so that nothing would be told any more.
        """
        _log.info("node %s: camera %s, %s", self._settings.node.id, self._camera.name, self._whom())
        if self._settings.publish.snapshots != "off":
            _log.info(
                "snapshots are on: the broker gets pictures, the %s of each event", self._settings.publish.snapshots
            )
        if not self._control.watching:
            _log.warning("privacy is on: no frame is looked at until it is switched off")
        at = self._clock.now()
        self._introduce()
        self._publisher.start()
        self._desk.open()
        try:
            with self._camera as camera:
                for tick in camera:
                    at = tick.at
                    self._step(tick)
                    self._demand_publisher()
                    self._service.alive(self._clock.now().mono_s)
                    self._service.able(able=self._publisher.connected and self._camera.state is CameraState.OK)
                    if self._ending:
                        break
        except BaseException:
            self._finish(at, _STOP_DRAIN_S)
            raise
        self._finish(at, _STOP_DRAIN_S if self._camera.live else float("inf"))

    def _step(self, tick: Tick) -> None:
        """Do what one tick asks for: the straight line from frame to message."""
        began_s = time.perf_counter()
        self._refresh()
        requests = self._commands.drain()
        self._control.apply(requests, tick.at)
        looked = bool(tick.frame) and self._control.watching and not (self._heat and self._heat.skips(tick.at))
        faces = self._search(tick) if looked else None
        self._tracker.update(tick.at, faces or ())
        if self._control.recognising:
            self._tracker.assign(self._eyes.recognizer.recognize(tick.frame, self._tracker.due()))
        tracks = self._tracker.tracks
        if self._clerk.apply(requests, tick.at, tracks):
            self._refresh(now=True)
        happened = self._engine.update(tick.at, tracks)
        raised = self._alerts.update(tick.at, happened, self._scene(tick.at, len(tracks)))
        self._tell(tick, happened, raised, tracks)
        self._snapshots.apply(requests, tick, tracks, self._view())
        self._tracks = tracks
        if looked:
            self._pulse.frame(tick.at, None if faces is None else (time.perf_counter() - began_s) * 1e3)
        self._show(tick.at, len(tracks))

    def _search(self, tick: Tick) -> tuple[Face, ...] | None:
        """Return the faces in a frame; None where nothing has moved, so that it is not searched."""
        if tick.frame is None or (
            self._motion and not self._motion.needs_search(tick.at, tick.frame, anyone_in_view=bool(self._tracks))
        ):
            return None
        return self._eyes.detector.detect(tick.frame)

    def _tell(self, tick: Tick, happened: Sequence[Event], raised: Sequence[Alert], tracks: Sequence[Track]) -> None:
        """Put what happened into the outbox, and remember the faces behind it."""
        drafts = payloads.encode(happened, raised, self._eyes.network.sidecar.short_hash)
        self._snapshots.tell(tick, happened, drafts, tracks)
        self._outbox.put(drafts)
        best = {track.number: track.best for track in (*self._tracks, *tracks)}  # who left was there a tick ago
        for event, draft in zip(happened, drafts, strict=False):  # behind the events' drafts come the alerts'
            look = best.get(event.track)
            if look is not None:
                self._recent.note(draft.id, look, event.person.person if event.person else None)

    def _show(self, at: Instant, count: int) -> None:
        """Show what is retained: who is in view, and now and then how the node is."""
        present = self._engine.present
        self._seen |= self._engine.sightings
        switches = self._control.switches
        state = payloads.state(
            at, count, present, self._seen, recognition=switches.recognition, privacy=switches.privacy
        )
        health = self._pulse.beat(at, self._view(), self._counts)
        if health is not None:
            self._service.describe(in_words(health))
        self._board.show(state, None if health is None else payloads.health(at, health))

    def _demand_publisher(self) -> None:
        """End the process rather than go on telling nobody; whoever watches over it begins a new one."""
        if not self._publisher.alive:
            raise BrokerError("the publisher has ended by a mistake in the program: see the log above")

    @property
    def _ending(self) -> bool:
        return self._stopping.is_set() or self.restarting

    def _finish(self, at: Instant, patience_s: float) -> None:
        """Let everybody leave, wait for the broker to have it all, and say goodbye.

        Args:
            at: the last moment.
            patience_s: how long the broker is waited for; a few seconds once somebody asks to stop.
        """
        if not self.restarting:  # who begins anew in the same process goes on, for whoever watches over it
            self._service.stopping()
        self._desk.close()
        left = self._engine.close(at)
        cleared = self._alerts.update(at, left, self._scene(at, 0))
        self._tell(Tick(at, None), left, cleared, ())
        began_s = said_s = self._clock.now().mono_s
        while self._publisher.alive and not self._publisher.drain(_TURN_S):
            now_s = self._clock.now().mono_s
            self._service.alive(now_s)
            if now_s - began_s >= (min(patience_s, _STOP_DRAIN_S) if self._ending else patience_s):
                break
            if now_s - said_s >= _SAY_WAITING_S:
                said_s = now_s
                waiting = self._outbox.counts().waiting
                _log.info(
                    "the source has ended; %d messages wait for the broker: Ctrl-C leaves them to the next start",
                    waiting,
                )
        self._publisher.stop(payloads.state(self._clock.now()))
        self._outbox.close()
        self._service.able(able=False)  # last: a mark that cannot be removed must keep nobody from his leave

    def _refresh(self, *, now: bool = False) -> None:
        """Take over what was changed in the gallery, by this process or another."""
        if self._roster.refresh(self._clock.now().mono_s, now=now):
            known = {person.id for person in self._roster.people}
            for person in self._known - known:
                self._erase(person)
            self._known = known
            self._engine.replace(self._roster.matcher)
            _log.info("the gallery has changed: %s", self._whom())
        self._introduce()

    def _introduce(self) -> None:
        """Let Home Assistant know who is known: with a closed set of the network's own, nobody of the gallery."""
        if self._introduction is not None:
            self._introduction.show(self._roster.people if self._settings.people.source == "gallery" else ())

    def _erase(self, person: str) -> None:
        """Leave no trace of somebody who was removed from the gallery."""
        self._seen.pop(person, None)
        self._engine.forget(person)
        self._recent.forget(person)
        self._snapshots.forget()
        self._outbox.erase(person)

    def _scene(self, at: Instant, count: int) -> Scene:
        return Scene(
            count=count,
            visitors=self._engine.visitors,
            camera=self._view(),
            enrolled=bool(self._roster.people) or self._settings.people.source == "head",
            snoozed=frozenset(rule.id for rule in self._rules if self._control.silent(rule.id, at)),
        )

    def _view(self) -> CameraState:
        return self._camera.state if self._control.watching else CameraState.PRIVATE

    def _say(self, topic: str, payload: bytes) -> None:
        self._publisher.say(topic, payload)

    def _reply(self, request: Request, payload: bytes) -> None:
        if request.reply is not None:
            request.reply(payload)
        else:
            self._say(self._topics.response(request.verb), payload)

    def _examine(self) -> payloads.Fields:
        """Return what `request/check` answers: the health of this moment, and how many requests were ignored."""
        now = self._clock.now()
        health = payloads.health(now, self._pulse.collect(now, self._view(), self._counts()))
        return {**health, "requests_ignored": self._commands.ignored}

    def _whom(self) -> str:
        people = self._roster.people
        if self._settings.people.source == "head":
            return "the network's own closed set decides who is who"
        return f"{len(people)} people known" if people else "nobody is enrolled: every face is unknown"

    def _counts(self) -> Counts:
        waiting = self._outbox.counts()
        file = self._settings.mqtt.tls.cert_file
        return Counts(
            outbox=waiting.waiting,
            dropped=waiting.dropped,
            rejected=waiting.rejected,
            unusable=self._tracker.unusable,
            flaws=self.flaws,
            people=len(self._roster.people) if self._settings.people.source == "gallery" else None,
            cert_days_left=certificate.days_left(file, self._clock.now().wall) if file else None,
        )
