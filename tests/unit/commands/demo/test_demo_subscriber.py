"""The subscriber's view: what a person reads of an event."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.commands.demo.subscriber import sighting

ROOT = Path(__file__).resolve().parents[4]
ROW = ("18:00:58", "recognized", "unknown", "0.97", "middle 0.88", "12.5 s", "1234 ms")
AT = datetime(2026, 11, 24, 18, 0, 58, 621000, tzinfo=UTC)
EVENT = {"event_type": "recognized", "at": "2026-11-24T18:00:58.621Z", "person": {"id": "ada", "score": 0.97},
         "age": {"group": "middle", "score": 0.88}}  # fmt: skip


def test_a_row_says_who_with_score_age_group_and_latency() -> None:
    """Latency is from the event's own time to its receipt."""
    seen = sighting(json.dumps(EVENT).encode(), AT + timedelta(milliseconds=41))
    assert seen.kind == "recognized"
    assert seen.latency_ms == pytest.approx(41, abs=1e-6)
    assert seen.row[1:] == ("recognized", "ada", "0.97", "middle 0.88", "", "41 ms")


def test_a_stranger_has_no_score_and_who_left_has_a_time_in_view() -> None:
    """What an event does not carry stays empty."""
    left = {"event_type": "left", "at": EVENT["at"], "seen_s": 4.25}
    assert sighting(json.dumps(left).encode(), AT).row[1:] == ("left", "unknown", "", "", "4.2 s", "0 ms")


def test_the_live_table_fits_a_terminal_of_80_columns() -> None:
    """As wide as most are: the table is there, and no cell of it is cut or wrapped."""
    program = (
        "from node.commands.demo.subscriber import Sighting, view\n"
        f"with view() as show:\n    show(Sighting({{'event_type': 'recognized'}}, 41.0, {ROW!r}))\n"
    )
    near, far = pty.openpty()
    environ = os.environ | {"COLUMNS": "80", "TERM": "xterm-256color"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, stdout=far, check=True)
    os.close(far)
    shown = b""
    with os.fdopen(near, "rb", buffering=0) as terminal:
        shown = terminal.read(65536)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= 80
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    assert list(ROW) in cells
