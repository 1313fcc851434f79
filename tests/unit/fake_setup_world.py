"""A machine and a network for the first run, made of values; and an owner who types from a list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from node.errors import CameraError, PeopleError, SetupError
from node.setup.dialogue import Ask, Dialogue, Say, Value
from node.setup.first_run import World
from node.setup.schema import Answers, BrokerAnswer, CameraAnswer
from node.setup.world import FoundBroker, FoundCamera, LoginResult, Sight

WEBCAM = FoundCamera("webcam:0", "HD Webcam")
HOME = FoundBroker("homeassistant.local", 1883, "Home", "192.168.1.10", home_assistant=True)
SIGHT = Sight(1280, 720, 120.0)


@dataclass
class FakeCameras:
    """Cameras that show what they are given; a source without a sight shows nothing."""

    found: Sequence[FoundCamera] = (WEBCAM,)
    sights: Mapping[str, Sight] = field(default_factory=lambda: {"webcam:0": SIGHT, "webcam:1": SIGHT})
    held: str | None = None
    tried: list[CameraAnswer] = field(default_factory=list)

    def find(self) -> Sequence[FoundCamera]:
        """Return what is there."""
        return self.found

    def is_held(self, camera: CameraAnswer) -> bool:
        """Return whether it is the one that is held."""
        return camera.source == self.held

    def look(self, camera: CameraAnswer) -> Sight:
        """Return what it shows."""
        self.tried.append(camera)
        if camera.source not in self.sights:
            raise CameraError(f"{camera.source}: does not exist: plug the camera in")
        return self.sights[camera.source]


@dataclass
class FakeBrokers:
    """Brokers that accept one password, and keep a status for some ids."""

    found: Sequence[FoundBroker] = (HOME,)
    accepts: str = "right"
    result: LoginResult | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    tried: list[tuple[BrokerAnswer, str]] = field(default_factory=list)

    def find(self) -> Sequence[FoundBroker]:
        """Return what is there."""
        return self.found

    def try_login(self, broker: BrokerAnswer, node_id: str) -> LoginResult:
        """Compare the password, and return the status of the id."""
        self.tried.append((broker, node_id))
        if self.result is not None:
            return self.result
        if broker.password != self.accepts:
            return LoginResult("login", "the broker refuses the login: check mqtt.username and mqtt.password_file")
        return LoginResult(status=self.statuses.get(node_id))


@dataclass
class FakeMachine:
    """A machine with a time zone, or without."""

    zone: str | None = "Europe/Berlin"

    def timezone(self) -> str | None:
        """Return the zone."""
        return self.zone

    def default_id(self) -> str:
        """Return the id of the board."""
        return "pi-123456"


@dataclass
class FakeService:
    """A service that is online once it was started, unless it is not to be."""

    present: bool = True
    online: bool = True
    starts: bool = True
    objections: list[str] = field(default_factory=list)
    enrolled: list[tuple[str, str]] = field(default_factory=list)
    restarts: int = 0
    now_s: float = 0.0

    def restart(self) -> None:
        """Count, and start or not."""
        self.restarts += 1
        if not self.starts:
            raise SetupError("systemctl restart facenode.service: failed")

    def report(self) -> Mapping[str, object] | None:
        """Return whether it is connected."""
        return {"connected": self.online} if self.restarts else None

    def enroll(self, person: str, name: str) -> int:
        """Object, or enroll."""
        if self.objections:
            raise PeopleError(self.objections.pop(0))
        self.enrolled.append((person, name))
        return 1

    def wait(self, seconds: float) -> float:
        """Let no time pass but that of the test."""
        self.now_s += seconds
        return self.now_s


@dataclass
class FakeFiles:
    """Files that remember what they were given."""

    written: list[Answers] = field(default_factory=list)

    def write(self, answers: Answers) -> bool:
        """Remember the answers."""
        self.written.append(answers)
        return len(self.written) > 1


@dataclass
class FakeWorld:
    """All of it."""

    cameras: FakeCameras = field(default_factory=FakeCameras)
    brokers: FakeBrokers = field(default_factory=FakeBrokers)
    machine: FakeMachine = field(default_factory=FakeMachine)
    service: FakeService = field(default_factory=FakeService)
    files: FakeFiles = field(default_factory=FakeFiles)

    def world(self) -> World:
        """Return it as the first run takes it."""
        return World(self.cameras, self.brokers, self.machine, self.service, self.files)


@dataclass
class Owner:
    """Types from a list, and remembers what was said and asked.

    Attributes:
        types: the answers, in order.
        seen: every sentence.
        asked: every question.
    """

    types: list[str]
    seen: list[Say] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)

    def run(self, dialogue: Dialogue[Value]) -> Value:
        """Go through a dialogue; Ctrl-C once there is nothing left to type."""
        step = next(dialogue)
        while True:
            try:
                if isinstance(step, Say):
                    self.seen.append(step)
                    step = next(dialogue)
                    continue
                self.asked.append(step)
                if not self.types:
                    raise KeyboardInterrupt
                step = dialogue.send(self.types.pop(0))
            except StopIteration as ended:
                value: Value = ended.value
                return value

    @property
    def problems(self) -> list[str]:
        """Return what was said to be wrong."""
        return [said.text for said in self.seen if said.problem]
