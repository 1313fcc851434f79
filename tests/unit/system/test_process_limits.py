"""A process that has limited itself: what it can no longer do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _run(code: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, which ends with it."""
    head = "import socket, resource\nfrom node.system import process_limits as limits\n"
    return subprocess.run(
        [sys.executable, "-c", head + code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("limits.limit_memory(50 << 20); bytearray(40 << 20); bytearray(60 << 20)", "MemoryError"),
        ("limits.limit_files(); open('limited', 'wb', 0).write(b'x')", "OSError|File too large"),
        ("limits.limit_files(); [open('/dev/null') for _ in range(20)]", "Too many open files"),
    ],
)
def test_more_than_a_limit_is_refused(tmp_path: Path, code: str, error: str) -> None:
    """What fits is allowed before."""
    done = _run(code, tmp_path)
    assert done.returncode == 1
    assert any(word in done.stderr for word in error.split("|")), done.stderr


def test_processor_time_ends_the_process() -> None:
    """The kernel ends it, whatever it is doing; a later limit may be higher."""
    done = _run("limits.limit_time(1); limits.limit_time(2); limits.limit_time(1)\nwhile True: pass")
    assert done.returncode == -24


def test_the_network_is_left_where_the_system_permits() -> None:
    """Without a network not even this machine can be reached."""
    done = _run(
        "if limits.leave_network():\n"
        "    s = socket.socket()\n"
        "    s.settimeout(5)\n"
        "    try: s.connect(('127.0.0.1', 9))\n"
        "    except OSError as error: print(error.errno)\n"
        "else: print('not permitted')"
    )
    assert done.stdout.strip() in ("101", "not permitted"), done.stderr
