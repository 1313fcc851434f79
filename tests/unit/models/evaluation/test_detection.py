"""The figures of a detector, with detectors whose answers are known."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from models.catalogue import read_sidecar
from models.data.face_scenes import FaceScene
from models.evaluation.detection import AGREEMENT, EMPTY, PAIRS, ScenePair, agreement, recall, verify
from models.evaluation.detector_card import tables, write_figures
from models.evaluation.figure import Figure
from models.evaluation.report import metrics
from node.domain import Box, Face, Frame, Image, Vector

FOLDER = Path(__file__).resolve().parents[4] / "models" / "detector"
BOX = Box(0.2, 0.2, 0.1, 0.1)
FACE = Face(BOX, ((0.25, 0.25),) * 5, 0.9)


class Known:
    """A detector that gives the same faces for every scene but black ones, in which it finds none."""

    def __init__(self, *faces: Face) -> None:
        self._faces = faces

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces."""
        return self._faces if frame.image.any() else ()


def scene(level: int = 100, width_px: int = 24, background: str = "plain") -> FaceScene:
    """Return a scene of one gray level."""
    return FaceScene(np.full((480, 640, 3), level, np.uint8), BOX, width_px, background)


def embed(image: Image, _face: Face) -> Vector:
    """Return an embedding that tells the gray level."""
    angle = float(image[0, 0, 0]) / 100
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def value(figures: list[Figure], data: str, name: str) -> float:
    """Return one figure."""
    (found,) = [figure.value for figure in figures if (figure.data, figure.figure) == (data, name)]
    return found


def test_recall_counts_by_width_and_background() -> None:
    """A face that is found elsewhere is no hit, and a box too many is counted."""
    other = replace(FACE, box=Box(0.7, 0.7, 0.1, 0.1))
    scenes = [scene(), scene(0), scene(width_px=40), scene(background="textured")]
    found = recall(Known(FACE, other), scenes, [scene().image, scene(0).image])
    assert value(found, "recall, plain background", "24 px") == 0.5
    assert value(found, "recall, plain background", "40 px") == 1
    assert value(found, "recall, textured background", "24 px") == 1
    assert value(found, EMPTY, "scenes: boxes that are no face, a scene") == 3 / 4
    assert value(found, EMPTY, "pictures in which a face is found") == 0.5


def test_agreement_is_measured_in_pixels_of_the_scene() -> None:
    """A keypoint that is a hundredth of the width off is 6.4 px off; scenes that one misses do not count."""
    moved = replace(FACE, keypoints=tuple((x + 0.01, y) for x, y in FACE.keypoints))
    found = agreement(Known(moved), Known(FACE), [scene(), scene(0)], embed)
    assert value(found, AGREEMENT, "distance of the landmarks, px, mean") == pytest.approx(6.4)
    assert value(found, AGREEMENT, "overlap of the boxes, mean") == pytest.approx(1)
    assert value(found, AGREEMENT, "cosine of the embeddings, median") == pytest.approx(1)
    assert {figure.n for figure in found} == {1}


def test_verification_leaves_out_pairs_with_a_missed_face_and_counts_them() -> None:
    """Pairs of equal gray levels are of one person."""
    same = [ScenePair(scene(level), scene(level), same=True) for level in range(10, 130, 5)]
    different = [ScenePair(scene(level), scene(level + 100), same=False) for level in range(10, 130, 5)]
    missed = ScenePair(scene(0), scene(10), same=True)
    found = verify(Known(FACE), [*same, *different, missed], embed)
    assert value(found, PAIRS, "true accepts at 1% false accepts") == 1
    assert value(found, PAIRS, "accuracy") == 1
    assert value(found, PAIRS, "both faces found") == 48 / 49


def test_figures_of_one_runtime_leave_those_of_the_other(tmp_path: Path) -> None:
    """Both runtimes need not be installed at once."""
    path = tmp_path / "yunet.float32.json"
    path.write_text(json.dumps({"name": "yunet.float32", "metrics": []}))
    today = Figure("a", "b", 0.5, 2)
    on = date(2026, 1, 2)
    write_figures(path, "tflite", [today], on)
    write_figures(path, "litert", [today], on)
    write_figures(path, "tflite", [replace(today, value=0.25)], on)
    assert [(entry["runtime"], entry["value"]) for entry in read_sidecar(path)["metrics"]] == [
        ("litert", 0.5),
        ("tflite", 0.25),
    ]
    assert metrics([today], on)[0].items() <= read_sidecar(path)["metrics"][0].items()


def test_the_card_has_the_figures_of_the_sidecars() -> None:
    """Each file on each runtime is a column, as `evaluate_detector` wrote it."""
    card = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"<!-- detector figures: begin -->\n(.*)\n<!-- detector figures: end -->", card, re.DOTALL)
    columns: dict[str, list[Figure]] = {}
    for form in ("float32", "int8"):
        for entry in read_sidecar(FOLDER / f"yunet.{form}.json")["metrics"]:
            kept = {key: value for key, value in entry.items() if key not in {"date", "runtime"}}
            columns.setdefault(f"{form}, {entry['runtime']}", []).append(Figure(**kept))
    assert set(columns) == {"float32, litert", "float32, tflite", "int8, litert"}
    for name, figures in columns.items():
        for row in tables({name: figures}).splitlines():
            if row.startswith("| ") and not row.startswith(("| figure", "| ---")):
                label, _, cell = (part.strip() for part in row.strip("|").split("|"))
                assert re.search(rf"^\| {re.escape(label)} \|.*\| {re.escape(cell)} \|", written, re.MULTILINE)
