"""A whole frame in this program compared with other libraries on one thread, in alternating runs.

    .venv-bench/bin/python tests/benchmarks/library_comparison.py

- `face_recognition` (dlib) as its users run it: `face_locations` and `face_encodings` with their defaults.
- YuNet and MobileFaceNet called directly: OpenCV's detector on the whole frame, a face warped to its template, and the
  original network file, which takes two faces at a time and therefore embeds each twice.

A round is one run of each. Ratios are taken within a round, so that other load on the machine affects all alike.
A library that is not installed has no row, and a message says so.
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
from node.vision.aligner import similarity
from node.vision.tflite import find_runtime

DATA = Path(os.environ.get("FACENODE_DATA", "../shared/data"))
ONNX = Path(__file__).resolve().parents[2] / "models" / "detector" / "face_detection_yunet_2023mar.onnx"
EVERY_FACE, AS_NODE = "this program, every face embedded", "this program, as a node runs"
DIRECT, DLIB = "YuNet and MobileFaceNet directly", "face_recognition (dlib)"
TARGETS = {DIRECT: "2.2 / 2.2", DLIB: "20 / 28"}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="network file (default: the one that ships with the program)")
    parser.add_argument("--runs", type=int, default=30, help="number of rounds (default: 30)")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    steps = {**own_steps(args.model, portrait()), **library_steps(portrait())}
    rounds = time_in_rounds(steps, args.runs, warm_up=3)
    print("| a 640x480 frame with one face | median, ms | speed-up, every face | speed-up, as a node runs | target |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in steps:
        faster = [f"{rounds.ratio((name,), (own,)):.2f}" for own in (EVERY_FACE, AS_NODE)]
        print(f"| {name} | {rounds.p50_ms(name):.1f} | {' | '.join(faster)} | {TARGETS.get(name, '')} |")
    return 0


def own_steps(model: Path | None, image: Image) -> dict[str, Step]:
    """Return this program's steps: with every face through the network, and as a node runs over a visit."""
    settings = load(None, {"model": {"threads": 1} | ({"path": model} if model else {})}, {}, Path("/nonexistent"))
    vision = build_vision(settings, settings.publish.tasks)
    frame = Frame(image)
    visit = Visit(settings, vision, image, SystemClock().now())
    return {
        EVERY_FACE: lambda: [vision.recognizer.look(image, face) for face in vision.detector.detect(frame)],
        AS_NODE: visit.step,
    }


def library_steps(image: Image) -> dict[str, Step]:
    """Return the steps of the libraries that are installed."""
    found: dict[str, Step] = {}
    weights = DATA / "weights" / "MobileFaceNet.tflite"
    if weights.is_file():
        found[DIRECT] = direct_calls(weights, image)
    else:
        sys.stderr.write(f"{DIRECT}: skipped: no {weights}: set FACENODE_DATA to the folder of face data\n")
    try:
        library: Any = importlib.import_module("face_recognition")
    except ImportError as error:
        sys.stderr.write(f"{DLIB}: skipped: {error}: `make bench` installs it in .venv-bench\n")
    else:
        found[DLIB] = lambda: library.face_encodings(image, library.face_locations(image))
    return found


def direct_calls(weights: Path, image: Image) -> Callable[[], object]:
    """Return the two networks called as their own examples call them."""
    sidecar = build_vision(load(None, {}, {}, Path("/nonexistent")), ()).network.sidecar
    template = [complex(x, y) for x, y in sidecar.input.alignment.points]
    detector = cv2.FaceDetectorYN.create(str(ONNX), "", (640, 480), 0.7, 0.3, 200)
    _, interpreter_class = find_runtime("auto")
    interpreter = interpreter_class(model_path=str(weights), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def step() -> list[Any]:
        embeddings = []
        picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, faces = detector.detect(picture)
        for face in () if faces is None else faces:
            turn, shift = similarity([complex(x, y) for x, y in face[4:14].reshape(5, 2)], template)
            matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
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
