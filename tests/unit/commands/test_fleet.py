"""The table of `facenode fleet`."""

import pytest

from node.commands.fleet import table
from node.fleet.node_table import NodeRecord


def test_whatever_a_node_publishes_is_one_line_of_plain_text() -> None:
    """Any client may publish anything: it must neither clear the reader's terminal nor add lines."""
    hostile = "\x1b[2J\nhall  online"
    lines = table({hostile: NodeRecord(hostile, {"version": hostile})}, {hostile: []})
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "no nodes found at the broker"), (1, "1 node, 1 with problems"), (2, "2 nodes, 2 with problems")],
)
def test_the_last_line_counts_the_nodes(count: int, expected: str) -> None:
    """One node is singular."""
    nodes = {f"node-{number}": NodeRecord("offline") for number in range(count)}
    assert table(nodes, {node: ["offline"] for node in nodes})[-1] == expected
