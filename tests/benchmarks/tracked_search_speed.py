"""Search around tracks compared with the search of whole frames: time, faces lost, embeddings, newcomers.

    python tests/benchmarks/tracked_search_speed.py [--threads N] [--frames N]

Two lines of a node, search to engine, get the same frames in turn, at ten frames a second of simulated time: one
searches whole frames, the other around tracks. The scenes are composed of `tests/media`; with the face data
(FACENODE_DATA) real clips follow. Columns:

- ms: mean milliseconds a frame of each line, without the first second; the ratio is of these. With one thread that is
  processor time of the loop's thread, with more it is time that has passed.
- whole: share of frames that the second line searches everywhere.
- faces, lost: faces of whole searches, and those that the other line misses in the same frame; newcomers included.
- cosine: median and 5th percentile between the embeddings of a face found both ways, where the second line searched
  regions.
- delay: most frames from a whole search's first sight of somebody to the other line's.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from composed_scene import Person, cast, frames, standing

from node.assembly import build_matcher, build_scoring, build_vision
from node.assembly.vision import Vision
from node.camera.video import read_video
from node.domain import Face, Frame, Image, Instant, Tick, overlap
from node.events.engine import Engine
from node.events.tracker import Tracker
from node.settings import Settings
from node.system import bundled
from node.vision.detector import Detector
from node.vision.motion import Motion
from node.vision.search import Search
from node.vision.tracked_search import TrackedSearch

FPS = 10
MEDIA = Path(__file__).resolve().parents[1] / "media"
CLIPS = {"single_face.mp4": 3, "WolfgangLanger_Pexels.mp4": 2, "no_face.mp4": 2}
"""Clips of the face data, and every how many frames are shown: so that ten a second are about real time."""
_SAME = 0.5
_FACE_PX = 60


class CountingDetector(Detector):
    """A detector that counts the frames that it searches whole."""

    count = 0

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, and count."""
        self.count += 1
        return super().detect(frame)


class Line:
    """Search, tracker, recognizer and engine of a node, in simulated time.

    Args:
        settings: of the node.
        vision: its recognizer and network are used.
        tracked: whether to search around tracks.
    """

    def __init__(self, settings: Settings, vision: Vision, *, tracked: bool) -> None:
        model, detector = settings.model, settings.detector
        path = bundled.detector(vision.network.runtime)
        self.detector = CountingDetector(path, detector.width, detector.min_score, model.runtime, model.threads)
        self._search = Search(self.detector, Motion(), tracked=TrackedSearch() if tracked else None)
        self._vision = vision
        self.tracker = Tracker(settings.events)
        sidecar = vision.network.sidecar
        scoring = build_scoring(settings, sidecar)
        self._engine = Engine(settings.events, build_matcher(settings, sidecar, scoring, ()), {})
        self._clock_s = time.thread_time if model.threads == 1 else time.perf_counter
        self.ms: list[float] = []

    def step(self, at: Instant, frame: Frame) -> tuple[Face, ...]:
        """Process a frame and return its faces."""
        began_s = self._clock_s()
        faces = self._search.faces(Tick(at, frame), self.tracker.tracks).faces or ()
        self.tracker.update(at, faces)
        self.tracker.assign(self._vision.recognizer.recognize(frame, self.tracker.due()))
        self._engine.update(at, self.tracker.tracks)
        self.ms.append((self._clock_s() - began_s) * 1e3)
        return faces


@dataclass(slots=True)
class Comparison:
    """What the two lines made of the same frames.

    Attributes:
        frames: how many.
        everywhere: those that the second line searched whole.
        faces: of whole searches.
        lost: those of them that the second line missed.
        extra: faces that only the second line found.
        cosines: of embeddings, of faces found both ways where the second line searched regions.
        delays: frames until the second line found who entered, one by one; None if never.
        ms: milliseconds a frame of each line.
    """

    frames: int = 0
    everywhere: int = 0
    faces: int = 0
    lost: int = 0
    extra: int = 0
    cosines: list[float] = field(default_factory=list)
    delays: list[int | None] = field(default_factory=list)
    ms: tuple[list[float], list[float]] = ([], [])


def compare(images: Iterable[Image], settings: Settings, vision: Vision, fps: float = FPS) -> Comparison:
    """Return what both lines make of the frames."""
    whole, tracked = (Line(settings, vision, tracked=tracked) for tracked in (False, True))
    result = Comparison(ms=(whole.ms, tracked.ms))
    begun: dict[int, int] = {}
    for number, image in enumerate(images):
        at = Instant(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number / fps), number / fps, synced=True)
        frame, counted = Frame(image), tracked.detector.count
        if number % 2:
            theirs, ours = tracked.step(at, frame), whole.step(at, frame)
        else:
            ours, theirs = whole.step(at, frame), tracked.step(at, frame)
        in_regions = tracked.detector.count == counted and bool(theirs)
        pairs = [(face, match) for face in ours if (match := _match(face, theirs))]
        result.frames += 1
        result.everywhere += tracked.detector.count > counted
        result.faces += len(ours)
        result.lost += len(ours) - len(pairs)
        result.extra += sum(_match(face, ours) is None for face in theirs)
        if in_regions:
            result.cosines += [
                cosine for one, other in pairs if (cosine := _cosine(vision, image, one, other)) is not None
            ]
        for track in whole.tracker.tracks:
            if track.seen is at and begun.get(track.number, number) >= 0:
                first = begun.setdefault(track.number, number)
                if _match(track.face, theirs):
                    result.delays.append(number - first)
                    begun[track.number] = -1  # found
    result.delays += [None for first in begun.values() if first >= 0]
    return result


def _match(face: Face, others: Sequence[Face]) -> Face | None:
    best = max(others, key=lambda other: overlap(face.box, other.box), default=None)
    return best if best is not None and overlap(face.box, best.box) >= _SAME else None


def _cosine(vision: Vision, image: Image, one: Face, other: Face) -> float | None:
    looks = [vision.recognizer.look(image, face) for face in (one, other)]
    if any(look.embedding is None for look in looks):
        return None
    return float(np.dot(*(look.embedding for look in looks)))  # type: ignore[arg-type] # neither is None


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="of the runtime (default: 1)")
    parser.add_argument("--frames", type=int, default=120, help="of each composed scene (default: 120)")
    args = parser.parse_args()
    settings = Settings.model_validate({"model": {"threads": args.threads}})
    cv2.setNumThreads(args.threads)
    vision = build_vision(settings, settings.publish.tasks)
    print(f"{vision.network.runtime}, {args.threads} thread(s), load {os.getloadavg()[0]:.1f}\n")
    print("| scene | whole, ms | tracked, ms | ratio | whole | faces | lost | extra | cosine | p5 | delay |")
    print(f"| --- |{' ---: |' * 10}")
    for name, images in _scenes(args.frames):
        print(_row(name, compare(images, settings, vision)), flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}")
    return 0


def _scenes(count: int) -> Iterator[tuple[str, Iterable[Image]]]:
    people = cast(MEDIA, _FACE_PX)
    for number in (1, 2, 4):
        yield f"{number} standing", frames(standing(people[:number]), count)
    for number in (1, 2, 4):
        walking = [
            Person(looks, (40 + 10 * place, 90 + 100 * place), step=(4.0 + place, 0.0))
            for place, looks in enumerate(people[:number])
        ]
        yield f"{number} walking", frames(walking, min(count, 110))
    for number in (1, 2, 5):
        enter = [20 + 7 * each for each in range(number)]
        yield f"1, then {number} appear", frames(standing(people[: number + 1], enter=enter), count)
    for number in (1, 2, 5):
        entering = [
            Person(looks, (-70, 60 + 80 * each), step=(12.0, 0.0), enters=20 + 7 * each)
            for each, looks in enumerate(people[1 : number + 1])
        ]
        yield f"1, then {number} walk in", frames([*entering, Person(people[0], (560, 240), sway=3)], count)
    data = Path(os.environ.get("FACENODE_DATA", "../shared/data")) / "media"
    for name, step in {"carphone.mp4": 3}.items():
        yield name, [image for index, image in enumerate(read_video(MEDIA / name)) if index % step == 0]
    for name, step in CLIPS.items() if data.is_dir() else ():
        yield name, [image for index, image in enumerate(read_video(data / name)) if index % step == 0]
        yield (
            f"{name}, halved",
            [_halved(image) for index, image in enumerate(read_video(data / name)) if not index % step],
        )


def _halved(image: Image) -> Image:
    """Return a frame at half the size on a gray frame of its own size, as from further away."""
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    far = np.full_like(image, 118)
    far[rows // 2 : rows // 2 + rows, columns // 2 : columns // 2 + columns] = cv2.resize(
        image, (columns, rows), interpolation=cv2.INTER_AREA
    )
    return far


def _row(name: str, found: Comparison) -> str:
    whole_ms, tracked_ms = (float(np.mean(ms[FPS:])) for ms in found.ms)
    cosines = [f"{np.percentile(found.cosines, part):.4f}" if found.cosines else "" for part in (50, 5)]
    delay = max((float("inf") if each is None else each for each in found.delays), default=0)
    numbers = (
        *(f"{whole_ms:.2f}", f"{tracked_ms:.2f}", f"{tracked_ms / whole_ms:.2f}"),
        *(f"{found.everywhere / found.frames:.2f}", found.faces, found.lost, found.extra, *cosines, delay),
    )
    return f"| {name} | {' | '.join(map(str, numbers))} |"


if __name__ == "__main__":
    sys.exit(main())
