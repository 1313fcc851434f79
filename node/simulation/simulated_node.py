"""One simulated node: what it has to say, the real session and back-off -> packets on a wire."""

import random

from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import Instant
from node.mqtt.backoff import Backoff
from node.mqtt.link import Acknowledged, Client, Lost, Received, Report
from node.mqtt.session import History, Session
from node.simulation.async_link import Wire
from node.simulation.dialer import Target
from node.simulation.memory_outbox import Memory
from node.simulation.plan import node_id
from node.simulation.traffic import Life
from node.simulation.worker_context import Gear

_CHECK_S = 2.0
_NEVER = float("inf")


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
        self._client = Client(self._topics.client_id, payloads.last_will(self._topics))
        self._memory = Memory(number, gear.diary, gear.live_s, lambda: self._now().mono_s)
        self._life = Life(self._topics, gear.plan, self._memory, self._chance, self._now())
        self._history = History()
        self._backoff = Backoff(gear.timing, self._chance.random)
        self._attempt_s, self._tried_s = begins_s, begins_s
        self._announce_s = self._cut_s = self._leave_by_s = _NEVER
        self._left_to_try: list[Target] = []
        self._wire: Wire | None = None
        self._session: Session | None = None
        self._reports: list[Report] = []
        self._erasing: set[int] | None = None
        self._gone = False

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
        line_s = self._attempt_s if self._wire is None else self._now().mono_s + _CHECK_S
        if self._leave_by_s < _NEVER:
            return min(line_s, self._leave_by_s)
        return min(line_s, self._life.next_s, self._cut_s, self._announce_s)

    def open(self, now_s: float) -> None:
        """Let people come by."""
        self._life.open(now_s)
        self._cut_s = now_s + self._gap_s()

    def calm(self) -> None:
        """Let nothing more happen, but go on to deliver what has."""
        self._life.calm(self._now())
        self._cut_s = _NEVER

    def hand_over(self) -> None:
        """Note what still waits as what the broker never had."""
        self._memory.give_up()

    def leave(self, leave_by_s: float) -> None:
        """Take leave as a node does, then leave nothing retained behind; what still waits is given up."""
        at = self._now()
        self._life.calm(at)
        if self._session is None:
            self._vanish()
            return
        self._leave_by_s = leave_by_s
        self._session.leave(payloads.state(at), at.mono_s)

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
        if self._leave_by_s == _NEVER:
            self._live(at)
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

    def _live(self, at: Instant) -> None:
        self._life.go_on(at)
        if at.mono_s >= self._announce_s:
            self._announce_s = _NEVER
            self._life.retained.home_assistant_started()
        if at.mono_s >= self._cut_s:
            self._cut_s = at.mono_s + self._gap_s()
            if self._gear.cutting and self.connected:
                self._gear.diary.cuts += 1
                self.cut()

    def _react(self, now_s: float) -> None:
        """Take in what the wire has reported, and say what there is to say."""
        wire = self._wire
        if wire is None:
            return
        if wire.failure is not None:
            self._fail(str(wire.failure), now_s)
            return
        if wire.accepted and self._session is None:
            self._session = self._greet(wire, now_s)
        if self._session is not None:
            self._converse(self._session, wire, now_s)

    def _converse(self, session: Session, wire: Wire, now_s: float) -> None:
        reports = list(self._reports)
        self._reports.clear()
        for report in reports:
            if isinstance(report, Lost):
                wire.close()
                self._lose(report.sentence, report.code, now_s)
                return
            self._take(session, report, now_s)
        if self._leave_by_s < _NEVER:
            self._go(session, wire, now_s)
            return
        session.pump(now_s)
        if session.overdue(now_s, self._gear.timing.ack_s):
            wire.cut()
            self._lose("the broker stopped answering", 0, now_s)

    def _take(self, session: Session, report: Report, now_s: float) -> None:
        if isinstance(report, Acknowledged):
            session.acknowledge(report, now_s)
            if self._erasing is not None:
                self._erasing.discard(report.mid)
        elif isinstance(report, Received) and (report.topic, report.payload) == (self._topics.birth, payloads.ONLINE):
            self._announce_s = now_s + self._chance.random() * self._gear.timing.birth_s

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
        self._reports = []
        target = self._left_to_try.pop(0)
        self._wire = Wire(target, self._client, self._gear.protocol, self._reports.append, now_s=now_s)

    def _greet(self, wire: Wire, now_s: float) -> Session:
        self._gear.diary.accepted.extend((self._number, self._tried_s, now_s))
        self._left_to_try = []
        session = Session(wire, self._topics, self._memory, self._life.retained, self._history)
        wire.subscribe(self._topics.requests)
        if self._gear.plan.discovery:
            wire.subscribe(self._topics.birth)
        return session

    def _lose(self, sentence: str, code: int, now_s: float) -> None:
        """Take in the end of a connection, or of an attempt."""
        if self._session is not None:
            self._session.connection_lost(code)
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
            self._erasing = {wire.publish(Message(topic, b"", retain=True)) for topic in topics}
        elif self._erasing is not None and not self._erasing:
            self._vanish()

    def _vanish(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = self._session = None
        self._gone = True
        self._memory.give_up()

    def _gap_s(self) -> float:
        mean_s = self._gear.plan.cut_every_s
        return self._chance.expovariate(1 / mean_s) if mean_s else _NEVER

    def _now(self) -> Instant:
        return self._gear.clock.now()
