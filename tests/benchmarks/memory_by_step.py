"""A node's memory in megabytes after each step of its start, for networks of the zoo on each runtime.

    make memory

Each column is a process: its memory (VmRSS) after each import and load, after the first frame with one face was
searched and the face embedded, and after 200 frames of 1280x720 pixels. For a whole node with camera and broker, see
`make soak`.
"""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from procfs import sample

Runtime = Literal["litert", "tflite"]
ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ("mobilefacenet.float32", "mobilefacenet.int8")
RUNTIMES: dict[Runtime, str] = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}
_FRAMES = 200
_ONE = "--one"


def main() -> int:
    """Print the table."""
    columns = {}
    for runtime, package in RUNTIMES.items():
        if importlib.util.find_spec(package):
            for network in NETWORKS:
                command = [sys.executable, __file__, _ONE, network, runtime]
                done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
                columns[f"{network}, {runtime}"] = json.loads(done.stdout)
    print(f"| MB after | {' | '.join(columns)} |")
    print(f"| --- |{' ---: |' * len(columns)}")
    for step in next(iter(columns.values())):
        print(f"| {step} | {' | '.join(f'{column[step]:.1f}' for column in columns.values())} |")
    return 0


def measure_steps(name: str, runtime: Runtime) -> dict[str, float]:
    """Return the megabytes after each step; imports are steps, so they are inside."""
    memory_mb = {"the interpreter": _rss_mb()}
    import numpy as np  # noqa: PLC0415 - the memory of an import is measured

    memory_mb["numpy"] = _rss_mb()
    import cv2  # noqa: PLC0415 - as numpy

    memory_mb["OpenCV"] = _rss_mb()
    importlib.import_module("node.commands.run")
    from node.commands.bench.visit import portrait  # noqa: PLC0415 - as numpy
    from node.domain import Frame  # noqa: PLC0415 - as numpy
    from node.settings import GateSettings  # noqa: PLC0415 - as numpy
    from node.system import bundled, malloc  # noqa: PLC0415 - as numpy
    from node.vision.detector import Detector  # noqa: PLC0415 - as numpy
    from node.vision.orientation import MIN_SCORE, OrientationMeter  # noqa: PLC0415 - as numpy
    from node.vision.recognizer import Recognizer  # noqa: PLC0415 - as numpy
    from node.vision.tflite import Network  # noqa: PLC0415 - as numpy

    malloc.keep_freed_memory()
    memory_mb["the program"] = _rss_mb()
    network = Network(ROOT / "models" / "zoo" / f"{name}.tflite", runtime, threads=2)
    memory_mb["the network"] = _rss_mb()
    detector = Detector(bundled.detector(runtime), runtime=runtime, threads=2)
    orientation = OrientationMeter(Detector(bundled.detector(runtime), min_score=MIN_SCORE, runtime=runtime))
    recognizer = Recognizer(network, orientation, GateSettings(), ("age",))
    memory_mb["the detector"] = _rss_mb()
    picture = cv2.resize(portrait(), (1280, 720)).astype(np.uint8, copy=False)
    memory_mb["a frame"] = _rss_mb()
    (face,) = detector.detect(Frame(picture))
    memory_mb["the first search"] = _rss_mb()
    recognizer.look(picture, face)
    memory_mb["the first look"] = _rss_mb()
    for _ in range(_FRAMES):
        frame = Frame(picture.copy())
        for found in detector.detect(frame):
            recognizer.look(frame.image, found)
    memory_mb[f"{_FRAMES} frames"] = _rss_mb()
    return memory_mb


def _rss_mb() -> float:
    return sample(os.getpid()).rss_mb


if __name__ == "__main__":
    if sys.argv[1:2] == [_ONE]:
        sys.path.insert(0, str(ROOT))
        json.dump(measure_steps(sys.argv[2], "litert" if sys.argv[3] == "litert" else "tflite"), sys.stdout)
    else:
        sys.exit(main())
