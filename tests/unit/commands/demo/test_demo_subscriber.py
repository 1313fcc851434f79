"""The demo's table of events as a subscriber receives them."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.commands.demo.event_table import row_of
from node.commands.demo.subscriber import parse_event

ROOT = Path(__file__).resolve().parents[4]
AT = datetime(2026, 11, 24, 18, 0, 58, 621000, tzinfo=UTC)
EVENT = {"event_type": "recognized", "at": "2026-11-24T18:00:58.621Z", "person": {"id": "ada", "score": 0.97},
         "age": {"group": "middle", "score": 0.88}}  # fmt: skip


def test_a_row_shows_who_with_score_age_group_and_latency() -> None:
    """Latency runs from the time in the event to its receipt."""
    event = parse_event(json.dumps(EVENT).encode(), AT + timedelta(milliseconds=41))
    assert event.event_type == "recognized"
    assert event.latency_ms == pytest.approx(41, abs=1e-6)
    assert row_of(event)[1:] == ("recognized", "ada", "0.97", "middle 0.88", "", "41 ms")


def test_a_stranger_has_no_score_and_who_left_has_a_time_in_view() -> None:
    """What an event does not carry stays empty."""
    left = {"event_type": "left", "at": EVENT["at"], "seen_s": 4.25}
    assert row_of(parse_event(json.dumps(left).encode(), AT))[1:] == ("left", "unknown", "", "", "4.2 s", "0 ms")


def test_the_live_table_fits_a_terminal_of_80_columns() -> None:
    """Most terminals are that wide: the table is used, and none of its cells is cut or wrapped."""
    widest = EVENT | {"person": {"id": "unknown", "score": 0.97}, "seen_s": 12.5}
    program = (
        "from node.commands.demo.event_table import event_table\n"
        "from node.commands.demo.subscriber import ReceivedEvent\n"
        f"with event_table() as print_event:\n    print_event(ReceivedEvent({widest!r}, 1234.0))\n"
    )
    near, far = pty.openpty()
    environ = os.environ | {"COLUMNS": "80", "TERM": "xterm-256color", "TZ": "UTC"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, stdout=far, check=True)
    os.close(far)
    shown = b""
    with os.fdopen(near, "rb", buffering=0) as terminal:
        shown = terminal.read(65536)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= 80
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    row = ["18:00:58", "recognized", "unknown", "0.97", "middle 0.88", "12.5 s", "1234 ms"]
    assert row in cells
