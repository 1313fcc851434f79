"""The options of a simulation -> its plan, and the ids of its nodes."""

import re
from dataclasses import dataclass

MAX_NODES = 99_999
"""The ids of the nodes have five digits."""

_ID = re.compile(r"sim-\d{5}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a simulation runs.

    Attributes:
        nodes: the number of nodes.
        duration_s: how long the nodes have visitors, seconds.
        events_per_hour: events of each node.
        processes: the number of worker processes.
        connects_per_s: nodes that connect per second at the start, and disconnect per second at the end.
        cut_every_s: mean time between two cuts of a node's connection, seconds; 0: none.
        discovery: whether the nodes announce themselves to Home Assistant.
        storm_s: how long all nodes are cut off in the middle of the run, seconds; 0: not at all.
        storm_command: the command that restarts the broker in the middle instead; empty: none.
        health_s: time between two health messages of a node, seconds.
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
    def has_storm(self) -> bool:
        """Whether all nodes lose the broker at the same time in the middle of the run."""
        return self.storm_s > 0 or bool(self.storm_command)

    @property
    def disconnect_s(self) -> float:
        """How long one node may take to disconnect, seconds: the more there are, the slower is the broker."""
        return 20 + self.nodes / 100

    @property
    def leave_s(self) -> float:
        """How long all nodes together may take to disconnect, seconds."""
        return self.leave_after_s(self.nodes) + self.disconnect_s

    def node_numbers(self, process: int) -> range:
        """Return the numbers of the nodes of one process; each node is in exactly one."""
        return range(process, self.nodes, self.processes)

    def first_attempt_s(self, number: int) -> float:
        """Return when a node connects for the first time, seconds after the start."""
        return number / self.connects_per_s

    def leave_after_s(self, number: int) -> float:
        """Return when a node begins to disconnect, seconds after the command: the nodes leave as fast as they came.

        A broker may do as much for a client that leaves as for one that comes: a NATS cluster agrees on each.
        """
        return number / self.connects_per_s


def node_id(number: int) -> str:
    """Return the id of a simulated node."""
    return f"sim-{number:05}"


def is_simulated(node: str) -> bool:
    """Return whether a node id is that of a simulated node."""
    return _ID.fullmatch(node) is not None
