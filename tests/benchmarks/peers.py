"""A whole frame of this program beside what others do with the same frame, one thread, in turns.

    .venv-bench/bin/python tests/benchmarks/peers.py

- `face_recognition` (dlib) as its users run it: `face_locations` and `face_encodings` at their defaults.
- YuNet and MobileFaceNet by hand: OpenCV's detector on the whole frame, a face warped to its template, and the original
  file of the face data, which takes two faces at a time and so embeds each twice.

A round is one run of each; the ratio is taken within a round, so that what else the machine does meets all alike.
What is not installed or not there has no line, and is said.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from node.assembly import build_vision
from node.clock import SystemClock
from node.commands.bench.stopwatch import Step, time_in_rounds
from node.commands.bench.visit import Visit, portrait
from node.domain import Frame, Image
from node.settings.loader import load
from node.system import bundled
from node.vision.aligner import similarity
from node.vision.tflite import find_runtime

DATA = Path(os.environ.get("FACENODE_DATA", "../shared/data"))
OURS, SETTLED = "this program, each face looked at", "this program, as it runs"
BY_HAND, DLIB = "YuNet and MobileFaceNet by hand", "face_recognition (dlib)"
TARGETS = {BY_HAND: 1.3, DLIB: 12.0}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="the network; the one that ships with the program unless given")
    parser.add_argument("--runs", type=int, default=30, help="rounds (30)")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    steps = {**ours(args.model, portrait()), **peers(portrait())}
    rounds = time_in_rounds(steps, args.runs, warm_up=3)
    print("| a 640x480 frame with one face | median, ms | times as fast, each face | as it runs | at least |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in steps:
        faster = [f"{rounds.ratio((name,), (own,)):.2f}" for own in (OURS, SETTLED)]
        print(f"| {name} | {rounds.p50_ms(name):.1f} | {' | '.join(faster)} | {TARGETS.get(name, '')} |")
    return 0


def ours(model: Path | None, image: Image) -> dict[str, Step]:
    """Return this program: every face of the frame through the network; and as a node does it over a visit."""
    settings = load(None, {"model": {"threads": 1} | ({"path": model} if model else {})}, {}, Path("/nonexistent"))
    eyes = build_vision(settings, settings.publish.tasks)
    frame = Frame(image)
    visit = Visit(settings, eyes, image, SystemClock().now())
    return {
        OURS: lambda: [eyes.recognizer.look(image, face) for face in eyes.detector.detect(frame)],
        SETTLED: visit.step,
    }


def peers(image: Image) -> dict[str, Step]:
    """Return those that are there."""
    found: dict[str, Step] = {}
    weights = DATA / "weights" / "MobileFaceNet.tflite"
    if weights.is_file():
        found[BY_HAND] = by_hand(weights, image)
    else:
        sys.stderr.write(f"{BY_HAND}: left out: no {weights}: set FACENODE_DATA to the folder of face data\n")
    try:
        library: Any = importlib.import_module("face_recognition")
    except ImportError as error:
        sys.stderr.write(f"{DLIB}: left out: {error}: `make bench` installs it in .venv-bench\n")
    else:
        found[DLIB] = lambda: library.face_encodings(image, library.face_locations(image))
    return found


def by_hand(weights: Path, image: Image) -> Callable[[], object]:
    """Return the two networks called as their own examples call them."""
    sidecar = build_vision(load(None, {}, {}, Path("/nonexistent")), ()).network.sidecar
    template = np.array(sidecar.input.alignment.points, dtype=np.float64)
    detector = cv2.FaceDetectorYN.create(str(bundled.path(bundled.DETECTOR)), "", (640, 480), 0.7, 0.3, 200)
    _, interpreter_class = find_runtime("auto")
    interpreter = interpreter_class(model_path=str(weights), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def step() -> list[Any]:
        embeddings = []
        picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, faces = detector.detect(picture)
        for face in () if faces is None else faces:
            matrix = similarity(face[4:14].reshape(5, 2).astype(np.float64), template)
            crop = cv2.warpAffine(image, matrix, (112, 112))
            pair = np.stack([crop, crop]).astype(np.float32)
            interpreter.set_tensor(source, (pair - 127.5) / 128)
            interpreter.invoke()
            embedding = interpreter.get_tensor(target)[0]
            embeddings.append(embedding / np.linalg.norm(embedding))
        return embeddings

    return step


if __name__ == "__main__":
    sys.exit(main())
