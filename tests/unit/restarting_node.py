"""Who is in view at each moment -> the events and alerts of a node that is restarted on the way, without a disk."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from makers import face, instant

from node.clock import Boot
from node.domain import Alert, CameraState, Event, Instant, Track, Vector
from node.durations.file import DurationsFile
from node.durations.keeper import Keeper
from node.durations.record import Record, decode, encode
from node.events.alerts import Alerts, Rule, Scene
from node.events.durations import Durations
from node.events.engine import Engine, Policy
from node.people.matcher import Matcher

InView = Callable[[float], Iterable[Vector]]
"""The faces in view at a moment, in seconds."""

_LEAVE_AFTER_S = 2.0


class KilledError(Exception):
    """The process was killed."""


class MemoryFile(DurationsFile):
    """A file in memory, as its bytes.

    Attributes:
        content: its bytes; None if there is none.
        writes: how often it was written.
        operations: how often it was written or anything was published.
        kill_at: the operation before which the process is killed; None for none.
    """

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.content: bytes | None = None
        self.writes = self.operations = 0
        self.kill_at: int | None = None

    def count(self) -> None:
        """Count an operation.

        Raises:
            KilledError: it is the one before which the process is killed.
        """
        if self.operations == self.kill_at:
            self.kill_at = None
            raise KilledError
        self.operations += 1

    def load(self) -> Record | None:
        """Return what is kept."""
        return None if self.content is None else decode(self.content)

    def save(self, record: Record) -> None:
        """Keep a record."""
        self.count()
        self.content = encode(record) if record else None
        self.writes += 1


class ManualBoot:
    """A machine that is rebooted when a test says so.

    Attributes:
        number: which boot this is.
        up_s: when it began, in seconds of the test.
        synced: whether the wall clock is synchronized.
    """

    def __init__(self) -> None:
        self.number, self.up_s, self.synced = 1, 0.0, True

    def boot(self) -> Boot:
        """Return the present boot."""
        return Boot(f"boot-{self.number}", 100.0)

    def at(self, s: float) -> Instant:
        """Return a moment of the test as the machine has it."""
        return replace(instant(s, synced=self.synced), mono_s=s - self.up_s)

    def reboot(self, s: float, *, synced: bool) -> None:
        """Reboot it at a moment of the test."""
        self.number, self.up_s, self.synced = self.number + 1, s, synced


@dataclass
class RestartingNode:
    """The logic of a node, from tracks to alerts, over restarts.

    Attributes:
        policy: of the events.
        matcher: who is known.
        rules: of the alerts.
        in_view: who is there.
        file: what it keeps.
        machine: what it runs on.
        published: every event and alert, with its moment in seconds of the test.
        puts: how often anything was published.
    """

    policy: Policy
    matcher: Matcher
    rules: Sequence[Rule]
    in_view: InView
    step_s: float = 0.5
    file: MemoryFile = field(default_factory=MemoryFile)
    machine: ManualBoot = field(default_factory=ManualBoot)
    published: list[tuple[float, Event | Alert]] = field(default_factory=list)
    puts: int = 0

    def __post_init__(self) -> None:
        self.start(0.0)

    def start(self, s: float) -> None:
        """Start the process."""
        now = self.machine.at(s)
        self._keeper = Keeper(self.file, self.machine, self.puts)
        kept = self._keeper.load(now, self.policy.cool_down_s)
        self._engine = Engine(self.policy, self.matcher, {}, 0.7, visits=kept.visits, restarted=bool(kept))
        self._alerts = Alerts(self.rules, records=kept.rules)
        self._tracks: dict[bytes, Track] = {}
        self._number = kept.next_track
        self._s = s

    def run(self, until_s: float, camera: CameraState = CameraState.OK, *, looked: bool = True) -> None:
        """Run to a moment.

        Raises:
            KilledError: the process was killed.
        """
        while self._s < until_s:
            self._tick(camera, looked=looked)
            self._s += self.step_s

    def run_killed(self, until_s: float, kill_at: int, gap_s: float) -> None:
        """Run to a moment; kill the process before an operation, and start it again after so many seconds."""
        self.file.kill_at = kill_at
        try:
            self.run(until_s)
        except KilledError:
            self.start(self._s + gap_s)
            self.run(until_s)

    def stop(self) -> None:
        """End the process cleanly."""
        at = self.machine.at(self._s)
        self._keeper.close(at, Durations(self._engine.records(at), self._alerts.records(at)))

    def _tick(self, camera: CameraState, *, looked: bool) -> None:
        at = self.machine.at(self._s)
        for embedding in self.in_view(self._s) if looked else ():
            former = self._tracks.get(embedding.tobytes())
            if former is None:
                former = Track(self._number, face(), at, at, 0, embedding)
                self._number += 1
            self._tracks[embedding.tobytes()] = replace(former, seen=at, looks=former.looks + 1)
        self._tracks = {
            key: track for key, track in self._tracks.items() if at.mono_s - track.seen.mono_s <= _LEAVE_AFTER_S
        }
        tracks = tuple(self._tracks.values())
        events = self._engine.update(at, tracks, looked=looked)
        scene = Scene(
            count=len(tracks),
            visitors=self._engine.visitors,
            camera=camera,
            enrolled=True,
            expected=self._engine.expected,
            settled=self._engine.settled,
        )
        alerts = self._alerts.update(at, events, scene)
        happened: tuple[Event | Alert, ...] = (*events, *alerts)
        kept = Durations(self._engine.records(at), self._alerts.records(at))
        if happened:
            self._keeper.prepare(at, kept, self.puts + 1)
            self._put(happened)
        self._keeper.update(at, kept)

    def _put(self, happened: Sequence[Event | Alert]) -> None:
        self.file.count()
        self.published += [(self._s, each) for each in happened]
        self.puts += 1

    def events(self, person: str | None) -> list[str]:
        """Return the types of all events about a person, or about strangers."""
        return [
            str(each.type)
            for _, each in self.published
            if isinstance(each, Event) and (each.person.person if each.person else None) == person
        ]

    def alerts(self, rule: str) -> list[str]:
        """Return the states of all alerts of a rule."""
        return [str(each.state) for _, each in self.published if isinstance(each, Alert) and each.rule == rule]


def scheduled(faces: Mapping[str, Vector], stays: Mapping[str, Sequence[tuple[float, float]]]) -> InView:
    """Return who is in view by a timetable: the seconds from and to which each is there."""
    return lambda s: [faces[name] for name, spans in stays.items() if any(begin <= s < end for begin, end in spans)]
