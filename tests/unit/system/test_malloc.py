"""Memory that is kept: what a frame takes and gives back is not asked of the kernel again."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.system.malloc import keep_freed_memory

_ROUNDS = 20
# Four pieces at a time, taken, written and given back, as a detector does with each frame.
_FRAMES = f"""
import ctypes, resource, sys
import numpy as np
from node.system.malloc import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("no glibc")

def frame():
    pieces = [np.ones(5_000_000, np.uint8) for _ in range(4)]

for _ in range(3):
    frame()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({_ROUNDS}):
    frame()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / {_ROUNDS})
"""


def faults(how: str) -> float:
    """Return page faults a frame of a process of its own."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", _FRAMES, how], cwd=root, capture_output=True, text=True, check=False)
    if "no glibc" in done.stderr:
        pytest.skip("the C library of this machine is not glibc: nothing is kept")
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_memory_that_is_kept_is_not_fetched_again() -> None:
    """20 MB a frame are some 5,000 pages; kept, next to none of them is fetched, and at most a tenth of what was."""
    kept = faults("kept")
    assert kept < 50
    assert kept < faults("plain") / 10


def test_keeping_is_harmless_to_ask_for_twice() -> None:
    """Either the C library knows how, both times, or not."""
    assert keep_freed_memory() == keep_freed_memory()
