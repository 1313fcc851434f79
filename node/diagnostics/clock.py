"""The system clock -> a finding: whether it is synchronized."""

from node.clock import Clock
from node.diagnostics.finding import Finding


def clock_finding(clock: Clock) -> Finding:
    """Ask whether the clock is synchronized; a node works without, so it is no fault."""
    if clock.now().synced:
        return Finding("clock", ok=True, text="synchronized")
    return Finding("clock", ok=True, text="not synchronized: every event carries clock = unsynced until it is")
