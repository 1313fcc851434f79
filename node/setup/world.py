"""What the first run needs of the machine and the network, and what they answer with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from node.domain import Flaw
from node.setup.schema import Answers, BrokerAnswer, CameraAnswer


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera of this machine.

    Attributes:
        source: as `camera.source` has it.
        name: what its maker calls it.
    """

    source: str
    name: str


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face that a camera was seen to show.

    Attributes:
        width_px: in the full frame.
        flaws: why it could not be recognized; empty if it could.
        turn: degrees clockwise by which the picture must be turned for it to be upright; None if unknown.
    """

    width_px: int
    flaws: tuple[Flaw, ...] = ()
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a camera shows.

    Attributes:
        width: of a frame, pixels.
        height: of a frame, pixels.
        light: mean luminance, 0..255.
        faces: of the frame that showed most, largest first.
    """

    width: int
    height: int
    light: float
    faces: tuple[SeenFace, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundBroker:
    """A host in this network that may be the broker.

    Attributes:
        host: name or address, as a node would use it.
        port: of MQTT.
        name: what it calls itself.
        address: where the name leads now.
        home_assistant: whether it is Home Assistant that was found.
    """

    host: str
    port: int
    name: str
    address: str = ""
    home_assistant: bool = False


@dataclass(frozen=True, slots=True)
class LoginResult:
    """What came of a try to use a broker as the node would.

    Attributes:
        step: that failed: `name`, `tcp`, `tls`, `login`, `message`, `will`, `retained` or `discovery`; None for none.
        problem: why, one sentence; empty if nothing failed.
        status: what the broker keeps as the status of the node's id: `online`, `offline`, or None for nothing.
    """

    step: str | None = None
    problem: str = ""
    status: str | None = None


class Cameras(Protocol):
    """The cameras of this machine."""

    def find(self) -> Sequence[FoundCamera]:
        """Return the cameras that are connected."""
        ...

    def is_held(self, camera: CameraAnswer) -> bool:
        """Return whether the node that runs here has this camera, and frames come."""
        ...

    def look(self, camera: CameraAnswer) -> Sight:
        """Open a camera, and return what it shows within some seconds.

        Raises:
            CameraError: it shows nothing; one sentence.
        """
        ...


class Brokers(Protocol):
    """The brokers of this network."""

    def find(self) -> Sequence[FoundBroker]:
        """Return hosts that may be the broker, Home Assistant's first."""
        ...

    def try_login(self, broker: BrokerAnswer, node_id: str) -> LoginResult:
        """Use a broker as a node of this id would; leave nothing there."""
        ...


class Service(Protocol):
    """The service that runs the node on this machine."""

    @property
    def present(self) -> bool:
        """Whether there is a service to start."""
        ...

    def restart(self) -> None:
        """Start the service, also at each boot; restart it if it runs.

        Raises:
            SetupError: it does not start; the message says where to look.
        """
        ...

    def report(self) -> Mapping[str, object] | None:
        """Return what the running node says of itself, as the answer to `check`; None while none answers."""
        ...

    def enroll(self, person: str, name: str) -> int:
        """Enroll whoever looks into the camera of the running node, and return how many faces of them are known.

        Raises:
            PeopleError: nobody could be enrolled; one sentence.
        """
        ...

    def wait(self, seconds: float) -> float:
        """Let time pass, and return seconds of the monotonic clock."""
        ...


class Machine(Protocol):
    """What is set on this machine."""

    def timezone(self) -> str | None:
        """Return the name of its time zone; None if it has none but UTC."""
        ...

    def default_id(self) -> str:
        """Return the id of a node that is given none."""
        ...


class Files(Protocol):
    """The settings file and the secrets beside it."""

    def write(self, answers: Answers) -> bool:
        """Write all of them or none; return whether a settings file was replaced.

        Raises:
            SetupError: they cannot be written.
        """
        ...
