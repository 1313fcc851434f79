"""The table of a fleet."""

from node.commands.fleet import table
from node.fleet.node_table import Known


def test_whatever_a_node_says_of_itself_is_one_line_of_plain_text() -> None:
    """A machine may send anything: it must not clear the terminal of whoever looks at the fleet, or add lines."""
    said = "\x1b[2J\nhall  online"
    lines = table({said: Known(said, {"version": said})}, {said: []}).split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
