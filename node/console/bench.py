"""This machine -> its figures: milliseconds of each step, memory, and what the program adds to the bare calls."""

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from node import artefacts
from node.camera.picture import read_picture
from node.clock import SystemClock
from node.domain import Frame, Image, Track
from node.errors import SettingsError
from node.parts import Eyes, build_eyes
from node.settings import Settings
from node.vision.tflite import Network

_FRAME = (480, 640)


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `bench` to the command line."""
    parser = subparsers.add_parser("bench", parents=[common])
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--runs", type=int, default=100, help="runs of each step (100)")
    parser.add_argument(
        "--networks",
        type=int,
        default=1,
        help="networks that a face goes through (1); 3 is what it costs to have one for each task",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print median and 95th percentile of each step on a 640x480 frame with one face."""
    eyes = build_eyes(settings, settings.publish.tasks)
    others = [build_eyes(settings, ()).network for _ in range(args.networks - 1)]
    figures = measure(eyes, portrait(), max(1, args.runs), others)
    head = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "network": f"{eyes.network.sidecar.name} {eyes.network.sidecar.version}"
        + (f", {len(others) + 1} of them" if others else ""),
        "runtime": f"{eyes.network.runtime}, {settings.model.threads} threads",
        "frame": f"{_FRAME[1]}x{_FRAME[0]}, faces searched at {settings.detector.width}",
    }
    if args.json:
        print(json.dumps(head | figures))
        return 0
    for name, value in head.items():
        print(f"{name:<10}{value}")
    print(f"\n{'step':<24}{'median ms':>10}{'p95 ms':>10}")
    for step, times in figures["steps"].items():
        print(f"{step:<24}{times['p50_ms']:>10.2f}{times['p95_ms']:>10.2f}")
    print(f"\nwhole frame / (bare detector + bare network): {figures['ratio']:.2f}")
    print(f"peak memory: {figures['peak_mb']:.0f} MB")
    return 0


def portrait() -> Image:
    """Return a frame, shape (480, 640, 3), uint8, RGB, with one face."""
    picture = read_picture(artefacts.bundled("media/astronaut.jpg"))
    frame = np.full((*_FRAME, 3), 118, np.uint8)
    picture = cv2.resize(picture, (_FRAME[0], _FRAME[0]), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    left = (_FRAME[1] - _FRAME[0]) // 2
    frame[:, left : left + _FRAME[0]] = picture
    return frame


def measure(eyes: Eyes, image: Image, runs: int, others: Sequence[Network] = ()) -> dict[str, Any]:
    """Return the times of each step, the ratio of the whole to the bare calls, and the peak memory.

    The bare calls are the detector on a picture already of its size and colour order, and the interpreter on an input
    it already holds.

    Args:
        eyes: detector and network.
        image: with one face, shape (height, width, 3), uint8, RGB.
        runs: of each step.
        others: networks that each face goes through besides.

    Raises:
        SettingsError: the detector finds no face.
    """
    frame = Frame(image)
    face = next(iter(eyes.detector.detect(frame)), None)
    if face is None:
        raise SettingsError("no face is found in the picture that is measured with: set detector.min_score lower")
    crop = eyes.recognizer.aligner.align(image, face).crop
    now = SystemClock().now()
    track = Track(1, face, now, now)

    def recognize(seen: Track) -> None:
        eyes.recognizer.recognize(frame, (seen,))
        for other in others:
            other.infer(crop)

    def whole() -> None:
        for found in eyes.detector.detect(frame):
            recognize(Track(1, found, now, now))

    def invoke() -> None:
        for network in (eyes.network, *others):
            network.invoke()

    steps: dict[str, Callable[[], object]] = {
        "detect": lambda: eyes.detector.detect(frame),
        "align": lambda: eyes.recognizer.aligner.align(image, face),
        "network": lambda: [network.infer(crop) for network in (eyes.network, *others)],
        "align, gates, network": lambda: recognize(track),
        "whole frame": whole,
        "bare detector": eyes.detector.bare(frame),
        "bare network": invoke,
    }
    times = _interleaved(steps, runs)
    bare = times["bare detector"]["p50_ms"] + times["bare network"]["p50_ms"]
    return {
        "steps": times,
        "ratio": round(times["whole frame"]["p50_ms"] / bare, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1),
    }


def _interleaved(steps: dict[str, Callable[[], object]], runs: int) -> dict[str, dict[str, float]]:
    """Return median and 95th percentile of each step, milliseconds.

    The steps take turns, so that all meet the same disturbances, and the first runs only warm up.
    """
    warm_up = runs // 5 + 1
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs + warm_up):
        for name, step in steps.items():
            start_s = time.perf_counter()
            step()
            taken[name].append((time.perf_counter() - start_s) * 1e3)
    return {
        name: {
            "p50_ms": round(float(np.percentile(times[warm_up:], 50)), 3),
            "p95_ms": round(float(np.percentile(times[warm_up:], 95)), 3),
        }
        for name, times in taken.items()
    }
