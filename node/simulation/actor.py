"""One simulated node: its visitors, the real board, session and back-off -> what it says over a wire."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from node import __version__
from node.clock import Clock
from node.domain import CameraState, Health, Instant
from node.mqtt import messages
from node.mqtt.board import Board
from node.mqtt.homeassistant import Device, discovery
from node.mqtt.link import Acknowledged, Client, Lost, Received, Report
from node.mqtt.pace import Backoff, Pace
from node.mqtt.session import Experience, Letter, Session
from node.mqtt.topics import Topics
from node.simulation.dial import Target
from node.simulation.diary import Diary
from node.simulation.memory import Memory
from node.simulation.plan import Plan, node_id
from node.simulation.visitors import Visitors
from node.simulation.wire import Wire

_CHECK_S = 2.0
_MODEL = "00000000"
_NEVER = float("inf")


@dataclass(slots=True)
class Gear:
    """What the nodes of one process share.

    Attributes:
        plan: how the simulation goes.
        targets: where the broker is.
        protocol: the MQTT version.
        prefix: first levels of Home Assistant's topics.
        live_s: seconds after which an event that waits is late.
        clock: the machine's.
        diary: what is noted.
        pace: how patient a node is.
        storm_until_s: up to when no attempt reaches the broker.
        cutting: whether connections are cut now and then.
    """

    plan: Plan
    targets: Sequence[Target]
    protocol: str
    prefix: str
    live_s: float
    clock: Clock
    diary: Diary = field(default_factory=Diary)
    pace: Pace = field(default_factory=Pace)
    storm_until_s: float = 0.0
    cutting: bool = True


class Actor:
    """A node without a camera. Not thread-safe.

    Args:
        number: the node's.
        gear: what it shares with others.
        begins_s: when it connects for the first time.
    """

    def __init__(self, number: int, gear: Gear, begins_s: float) -> None:
        self._number, self._gear = number, gear
        self._chance = random.Random(number)
        self._topics = Topics(node_id(number), gear.prefix)
        self._client = Client(self._topics.client_id, (self._topics.status, messages.OFFLINE))
        self._memory = Memory(number, gear.diary, gear.live_s, lambda: gear.clock.now().mono_s)
        self._visitors = Visitors(self._chance, gear.plan.events_per_hour)
        self._board = Board(self._topics, messages.state(gear.clock.now()))
        self._voice: deque[Letter] = deque()
        self._experience = Experience()
        self._backoff = Backoff(gear.pace, self._chance.random)
        self._began_s = begins_s
        self._attempt_s, self._tried_s = begins_s, begins_s
        self._health_s = begins_s
        self._announce_s = self._cut_s = self._leave_by_s = _NEVER
        self._left_to_try: list[Target] = []
        self._wire: Wire | None = None
        self._session: Session | None = None
        self._reports: list[Report] = []
        self._erasing: set[int] | None = None
        self._gone = False
        if gear.plan.discovery:
            device = Device(node_id(number), "", __version__, gear.plan.health_s)
            self._board.announce(discovery(self._topics, device))

    @property
    def wire(self) -> Wire | None:
        """The attempt or connection that there is."""
        return self._wire

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection that there is."""
        return self._session is not None

    @property
    def waiting(self) -> int:
        """How many events the broker does not have yet."""
        return self._memory.waiting

    @property
    def gone(self) -> bool:
        """Whether it has left for good."""
        return self._gone

    @property
    def next_s(self) -> float:
        """When it must be woken at the latest."""
        if self._gone:
            return _NEVER
        now_s = self._now().mono_s
        quiet_s = self._attempt_s if self._wire is None else now_s + _CHECK_S
        return min(quiet_s, self._visitors.next_s, self._health_s, self._cut_s, self._announce_s, self._leave_by_s)

    def open(self, now_s: float) -> None:
        """Let people come by."""
        self._visitors.open(now_s)
        self._cut_s = now_s + self._gap_s()

    def calm(self) -> None:
        """Let nothing more happen, but go on to deliver what has."""
        self._visitors.close()
        self._cut_s = _NEVER
        self._show()

    def hand_over(self) -> None:
        """Note what still waits as what the broker never had."""
        self._memory.give_up()

    def wake(self) -> None:
        """Do what is due."""
        at = self._now()
        if self._gone:
            return
        if at.mono_s >= self._leave_by_s:
            self._vanish()
            return
        if self._wire is None and at.mono_s >= self._attempt_s:
            self._try(at.mono_s)
        if self._wire is not None:
            self._wire.check(at.mono_s)
        if self._visitors.next_s <= at.mono_s:
            self._memory.put(messages.encode(self._visitors.happen(at), (), _MODEL))
            self._show()
        if at.mono_s >= self._health_s:
            self._health_s = at.mono_s + self._gear.plan.health_s
            self._show(messages.health(at, self._vitals(at)))
        if at.mono_s >= self._announce_s:
            self._announce_s = _NEVER
            self._board.greet()
        if at.mono_s >= self._cut_s:
            self._cut_s = at.mono_s + self._gap_s()
            if self._gear.cutting and self.connected:
                self._gear.diary.cuts += 1
                self.cut()
        self._react(at.mono_s)

    def ready(self) -> None:
        """Take in that its socket can be read or written."""
        now_s = self._now().mono_s
        if self._wire is not None:
            self._wire.go_on(now_s)
        self._react(now_s)

    def cut(self) -> None:
        """Lose the connection without a word."""
        if self._wire is not None:
            self._wire.cut()
            self._lose("the connection was cut", 0, self._now().mono_s)

    def leave(self, leave_by_s: float) -> None:
        """Take leave as a node does, then leave nothing retained behind; what still waits is given up."""
        now_s = self._now().mono_s
        self._visitors.close()
        self._attempt_s = self._health_s = self._cut_s = self._announce_s = _NEVER
        if self._session is None:
            self._vanish()
            return
        self._leave_by_s = leave_by_s
        self._session.take_leave(messages.state(self._gear.clock.now()), now_s)

    def _now(self) -> Instant:
        return self._gear.clock.now()

    def _react(self, now_s: float) -> None:
        """Take in what the wire has reported, and say what there is to say."""
        wire = self._wire
        if wire is None:
            return
        if wire.failure is not None:
            self._fail(str(wire.failure), now_s)
            return
        if wire.accepted and self._session is None:
            self._greet(wire, now_s)
        session = self._session
        if session is None:
            return
        reports, self._reports = self._reports, []
        for report in reports:
            if isinstance(report, Lost):
                wire.close()
                session.lose(report.code)
                self._lose(report.sentence, report.code, now_s)
                return
            self._take(session, report, now_s)
        if self._leave_by_s < _NEVER:
            self._go(session, wire, now_s)
            return
        session.pump(now_s)
        if session.overdue(now_s, self._gear.pace.ack_s):
            wire.cut()
            self._lose("the broker does not answer any more", 0, now_s)

    def _take(self, session: Session, report: Report, now_s: float) -> None:
        if isinstance(report, Acknowledged):
            session.acknowledge(report, now_s)
            if self._erasing is not None:
                self._erasing.discard(report.mid)
        elif isinstance(report, Received) and (report.topic, report.payload) == (self._topics.birth, messages.ONLINE):
            self._announce_s = now_s + self._chance.random() * self._gear.pace.birth_s

    def _try(self, now_s: float) -> None:
        """Make one attempt: at each target once."""
        if not self._left_to_try:
            self._left_to_try = list(self._gear.targets)
            self._tried_s = now_s
        self._gear.diary.attempts.append(now_s)
        if now_s < self._gear.storm_until_s:
            self._left_to_try = []
            self._pause("the storm lets nobody through", 0, now_s)
            return
        target = self._left_to_try.pop(0)
        self._reports = []
        self._wire = Wire(target, self._client, self._gear.protocol, self._report, now_s=now_s)

    def _report(self, report: Report) -> None:
        self._reports.append(report)

    def _greet(self, wire: Wire, now_s: float) -> None:
        self._gear.diary.accepted.extend((self._number, self._tried_s, now_s))
        self._left_to_try = []
        self._began_s = now_s
        self._session = Session(
            wire, self._topics, self._memory, self._board, voice=self._voice, experience=self._experience
        )
        wire.subscribe(self._topics.requests)
        if self._gear.plan.discovery:
            wire.subscribe(self._topics.birth)

    def _lose(self, sentence: str, code: int, now_s: float) -> None:
        """Take in the end of a connection, or of an attempt."""
        if self._session is not None:
            self._session.settle()
            self._gear.diary.lost.extend((self._number, now_s))
        self._session, self._wire = None, None
        self._memory.release()
        if self._leave_by_s < _NEVER:
            self._vanish()
            return
        self._left_to_try = []
        self._pause(sentence, code, now_s)

    def _fail(self, sentence: str, now_s: float) -> None:
        """Take in that a target did not accept; the next comes at once."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None
        if self._left_to_try:
            self._gear.diary.end(sentence)
            self._attempt_s = now_s
        else:
            self._pause(sentence, 0, now_s)

    def _pause(self, sentence: str, code: int, now_s: float) -> None:
        self._gear.diary.end(sentence)
        self._attempt_s = now_s + self._backoff.pause_s(now_s - self._tried_s, code)

    def _go(self, session: Session, wire: Wire, now_s: float) -> None:
        """Go on leaving: first the farewell, then the empty retained messages, then the connection."""
        session.flush(now_s)
        if self._erasing is None and session.idle:
            topics = [self._topics.state, self._topics.health, self._topics.status]
            if self._gear.plan.discovery:
                topics.insert(0, self._topics.discovery)
            self._erasing = {wire.publish(topic, b"", retain=True) for topic in topics}
        elif self._erasing is not None and not self._erasing:
            wire.close()
            self._vanish()

    def _vanish(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = self._session = None
        self._gone = True
        self._leave_by_s = _NEVER
        self._memory.give_up()

    def _gap_s(self) -> float:
        mean_s = self._gear.plan.cut_every_s
        return self._chance.expovariate(1 / mean_s) if mean_s else _NEVER

    def _show(self, health: messages.Fields | None = None) -> None:
        self._board.show(messages.state(self._now(), self._visitors.count, self._visitors.present), health)

    def _vitals(self, at: Instant) -> Health:
        """Return what such a node would tell of itself: figures of a Raspberry Pi 4 that is well."""
        return Health(
            version=__version__,
            model=_MODEL,
            camera=CameraState.OK,
            fps=self._chance.uniform(9.0, 10.0),
            p50_ms=self._chance.uniform(35.0, 45.0),
            p95_ms=self._chance.uniform(50.0, 60.0),
            cpu_c=self._chance.uniform(50.0, 65.0),
            throttled=False,
            rss_mb=self._chance.uniform(90.0, 110.0),
            outbox=self._memory.waiting,
            dropped=0,
            rejected=0,
            unusable=0,
            flaws={"size": 0, "edge": 0, "blur": 0, "light": 0, "keypoints": 0},
            people=4,
            cert_days_left=None,
            uptime_s=int(max(0.0, at.mono_s - self._began_s)),
        )
