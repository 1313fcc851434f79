"""Keep freed memory: what each frame allocates and frees is not requested from the kernel again."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.system.malloc import keep_freed_memory

_ROUNDS = 20
# Four blocks at a time, allocated, written and freed, as a detector does with each frame.
_FRAMES = f"""
import ctypes, resource, sys
import numpy as np
from node.system.malloc import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("no glibc")

def frame():
    blocks = [np.ones(5_000_000, np.uint8) for _ in range(4)]

for _ in range(3):
    frame()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({_ROUNDS}):
    frame()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / {_ROUNDS})
"""


def faults(how: str) -> float:
    """Return the page faults per frame of a separate process."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", _FRAMES, how], cwd=root, capture_output=True, text=True, check=False)
    if "no glibc" in done.stderr:
        pytest.skip("the C library of this machine is not glibc: nothing is kept")
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_kept_memory_causes_no_page_faults() -> None:
    """20 MB per frame are some 5,000 pages: next to none of them faults, and at most a tenth of those without."""
    kept = faults("kept")
    assert kept < 50
    assert kept < faults("plain") / 10


def test_a_second_call_is_harmless() -> None:
    """The C library supports it both times, or not at all."""
    assert keep_freed_memory() == keep_freed_memory()
