"""The messages between the main process of a simulation and its worker processes."""

from dataclasses import dataclass
from enum import Enum

from node.simulation.recorder import Recorder


class Action(Enum):
    """What a worker is asked to do."""

    START_VISITS = "let visitors come"
    STORM = "cut every connection, and let no attempt through for some seconds"
    STOP_CUTS = "cut no more connections: the broker is about to restart"
    STOP_VISITS = "create no more events, but go on delivering those that wait"
    REPORT = "send the records; events that still wait count as never acknowledged"
    STOP = "disconnect the nodes one after the other, and end"


@dataclass(frozen=True, slots=True)
class Command:
    """An action, and the seconds that belong to it."""

    action: Action
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a worker's nodes.

    Attributes:
        connected: nodes that the broker has accepted.
        waiting: events that the broker does not have yet.
        commands_done: how many commands the worker had executed by then.
    """

    connected: int = 0
    waiting: int = 0
    commands_done: int = 0


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """The results of a worker.

    Attributes:
        recorder: the records of its nodes.
        lags_s: the worst delay of a timer within each second, seconds.
        cpu_s: processor time used, seconds.
    """

    recorder: Recorder
    lags_s: tuple[float, ...]
    cpu_s: float


WorkerMessage = Progress | WorkerReport
"""What a worker sends to the main process."""
