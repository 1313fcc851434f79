"""What travels between the process that directs a simulation and those whose nodes do as they are told."""

from dataclasses import dataclass
from enum import Enum

from node.simulation.recorder import Diary


class Order(Enum):
    """What a process is told to do."""

    OPEN = "let people come by"
    STORM = "cut every connection, and let none through for some seconds"
    WEATHER = "cut nothing any more: something else does"
    CALM = "let nothing more happen, but go on to deliver what has"
    TELL = "hand over the diary; what still waits counts as never taken"
    LEAVE = "take leave, within some seconds"


@dataclass(frozen=True, slots=True)
class Command:
    """An order, and the seconds that go with it."""

    order: Order
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How the nodes of a process are.

    Attributes:
        connected: nodes that the broker has accepted.
        waiting: events that it does not have yet.
        obeyed: how many orders they had followed by then.
    """

    connected: int = 0
    waiting: int = 0
    obeyed: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """What a process hands over.

    Attributes:
        diary: what its nodes noted.
        lags_s: seconds by which it was late for what was due, at worst within each second.
        cpu_s: processor time that it has used.
    """

    diary: Diary
    lags_s: tuple[float, ...]
    cpu_s: float


Answer = Progress | Account
