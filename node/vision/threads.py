"""Runtime and cores -> the threads that detector and network run on, and those of OpenCV.

Threads of one call wait for each other, so one that another process keeps from its core holds up all. On cores shared
with other work the second thread of tflite-runtime 2.14 makes a face take ten times as long at the median, and fifty
times at the 90th percentile; that of ai-edge-litert between 0.9 and 1.4 times, on two cores with a busy process on each
(`tests/benchmarks/threads.py`). So a second thread is used by ai-edge-litert alone, where it leaves half of the cores.
"""

import os

import cv2

_MOST = 2
_OPENCV = 1
"""What OpenCV does for a frame takes less than a millisecond: waking another thread for it gains nothing."""


def chosen(wanted: int, runtime: str, cores: int | None = None) -> int:
    """Return the number of threads.

    Args:
        wanted: a number; 0 chooses by runtime and cores.
        runtime: `litert` or `tflite`.
        cores: of the machine; those that this process may use unless given.
    """
    if wanted:
        return wanted
    if runtime == "tflite":
        return 1
    usable = len(os.sched_getaffinity(0)) if cores is None else cores
    return max(1, min(_MOST, usable // 2))


def limit_opencv() -> None:
    """Let OpenCV use one thread in this process; by itself it takes all cores."""
    cv2.setNumThreads(_OPENCV)
