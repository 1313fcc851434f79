"""The memory of a node, step by step: megabytes after each, for networks of the zoo on each runtime.

    make memory

A process a column: what it holds (VmRSS) once each is imported or loaded, after the first frame with one face was
searched and its face looked at, and after 200. A frame has 1280x720 pixels. What a whole node takes, with its camera
and its broker, `make soak` tells.
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


def one(name: str, runtime: Runtime) -> dict[str, float]:
    """Return the megabytes after each step; the imports are steps, so they stand here."""
    held = {"the interpreter": _held()}
    import numpy as np  # noqa: PLC0415 - what an import takes is what is measured

    held["numpy"] = _held()
    import cv2  # noqa: PLC0415 - as numpy

    held["OpenCV"] = _held()
    importlib.import_module("node.commands.run")
    from node.commands.bench.visit import portrait  # noqa: PLC0415 - as numpy
    from node.domain import Frame  # noqa: PLC0415 - as numpy
    from node.settings import GateSettings  # noqa: PLC0415 - as numpy
    from node.system import bundled, malloc  # noqa: PLC0415 - as numpy
    from node.vision.detector import Detector  # noqa: PLC0415 - as numpy
    from node.vision.recognizer import Recognizer  # noqa: PLC0415 - as numpy
    from node.vision.tflite import Network  # noqa: PLC0415 - as numpy

    malloc.keep_freed_memory()
    held["the program"] = _held()
    network = Network(ROOT / "models" / "zoo" / f"{name}.tflite", runtime, threads=2)
    recognizer = Recognizer(network, GateSettings(), ("age",))
    held["the network"] = _held()
    detector = Detector(bundled.path(bundled.DETECTOR))
    held["the detector"] = _held()
    picture = cv2.resize(portrait(), (1280, 720)).astype(np.uint8, copy=False)
    held["a frame"] = _held()
    (face,) = detector.detect(Frame(picture))
    held["the first search"] = _held()
    recognizer.look(picture, face)
    held["the first look"] = _held()
    for _ in range(_FRAMES):
        frame = Frame(picture.copy())
        for found in detector.detect(frame):
            recognizer.look(frame.image, found)
    held[f"{_FRAMES} frames"] = _held()
    return held


def _held() -> float:
    return sample(os.getpid()).rss_mb


if __name__ == "__main__":
    if sys.argv[1:2] == [_ONE]:
        sys.path.insert(0, str(ROOT))
        json.dump(one(sys.argv[2], "litert" if sys.argv[3] == "litert" else "tflite"), sys.stdout)
    else:
        sys.exit(main())
