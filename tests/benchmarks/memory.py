"""The memory of a node, step by step: megabytes after each, for networks of the zoo on each runtime.

    make memory

A process a column: what it holds (VmRSS) once the interpreter runs, numpy and OpenCV are imported, the program is, and
the settings read, the network is loaded, the detector is, after the first frame with one face, and after 200. A frame
has 1280x720 pixels. What a whole node takes, with its camera and its broker, `make soak` tells.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from procfs import sample

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ("mobilefacenet.float32", "mobilefacenet.int8")
RUNTIMES = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}
_FRAMES = 200
_ONE = "--one"


def main() -> int:
    """Print the table."""
    columns = {}
    for runtime, package in RUNTIMES.items():
        if subprocess.run([sys.executable, "-c", f"import {package}"], capture_output=True, check=False).returncode:
            continue
        for network in NETWORKS:
            command = [sys.executable, __file__, _ONE, network, runtime]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            columns[f"{network}, {runtime}"] = json.loads(done.stdout)
    print(f"| MB after | {' | '.join(columns)} |")
    print(f"| --- |{' ---: |' * len(columns)}")
    for step in next(iter(columns.values())):
        print(f"| {step} | {' | '.join(f'{column[step]:.1f}' for column in columns.values())} |")
    return 0


def one(network: str, runtime: str) -> dict[str, float]:
    """Return the megabytes after each step; the imports are steps, so they stand here."""
    held = {"the interpreter": _held()}
    import numpy as np  # noqa: PLC0415 - what an import takes is what is measured

    held["numpy"] = _held()
    import cv2  # noqa: PLC0415 - as numpy

    held["OpenCV"] = _held()
    from node.app import Node  # noqa: PLC0415 - as numpy

    held["the program"] = _held()
    from node.configuration import load  # noqa: PLC0415 - as numpy
    from node.console.bench import portrait  # noqa: PLC0415 - as numpy
    from node.domain import Frame  # noqa: PLC0415 - as numpy
    from node.parts import build_eyes  # noqa: PLC0415 - as numpy

    del Node
    path = ROOT / "models" / "zoo" / f"{network}.tflite"
    settings = load(None, {"model": {"path": path, "runtime": runtime}}, {}, Path("/nonexistent"))
    held["the settings"] = _held()
    eyes = build_eyes(settings, ("age",))
    held["network and detector"] = _held()
    picture = cv2.resize(portrait(), (1280, 720)).astype(np.uint8, copy=False)
    held["a frame"] = _held()
    for number in range(_FRAMES):
        frame = Frame(picture.copy())
        for face in eyes.detector.detect(frame):
            eyes.recognizer.look(frame.image, face)
        if number == 0:
            held["the first look"] = _held()
    held[f"{_FRAMES} looks"] = _held()
    return held


def _held() -> float:
    return sample(os.getpid()).rss_mb


if __name__ == "__main__":
    if sys.argv[1:2] == [_ONE]:
        sys.path.insert(0, str(ROOT))
        json.dump(one(*sys.argv[2:4]), sys.stdout)
    else:
        sys.exit(main())
