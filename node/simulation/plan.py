"""What was asked for -> a plan of the simulation, and the names of its nodes."""

import re
from dataclasses import dataclass

MAX_NODES = 99_999
"""What five digits can name."""

_ID = re.compile(r"sim-\d{5}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a simulation goes.

    Attributes:
        nodes: how many.
        duration_s: seconds for which they have visitors.
        events_per_hour: of each node.
        processes: among which they are divided.
        connects_per_s: how many connect a second at the start.
        cut_every_s: mean seconds after which a node's connection is cut; 0: never.
        discovery: whether they announce themselves to Home Assistant.
        storm_s: seconds for which all are cut off in the middle; 0: there is no storm of this kind.
        storm_command: what restarts the broker in the middle instead; empty: nothing does.
        health_s: seconds between two health messages of a node.
    """

    nodes: int
    duration_s: float = 60.0
    events_per_hour: float = 60.0
    processes: int = 2
    connects_per_s: float = 200.0
    cut_every_s: float = 600.0
    discovery: bool = False
    storm_s: float = 0.0
    storm_command: tuple[str, ...] = ()
    health_s: float = 30.0

    @property
    def stormy(self) -> bool:
        """Whether all lose the broker at once in the middle."""
        return self.storm_s > 0 or bool(self.storm_command)

    def share(self, process: int) -> range:
        """Return the numbers of the nodes of one process; each node is in exactly one."""
        return range(process, self.nodes, self.processes)

    def starts_at_s(self, number: int) -> float:
        """Return how many seconds after the beginning a node connects for the first time."""
        return number / self.connects_per_s


def node_id(number: int) -> str:
    """Return the id of a simulated node."""
    return f"sim-{number:05}"


def is_simulated(node: str) -> bool:
    """Return whether a node's id is that of a simulated one."""
    return _ID.fullmatch(node) is not None
