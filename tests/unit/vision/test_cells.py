"""Cells of the detector's outputs: decoded to faces, each once."""

import math

import numpy as np
import pytest

from node.vision.cells import OVERLAP, CellDecoder, Cells, Rows, suppressed

SIZE, STRIDES = (64, 96), (8, 16, 32)


def outputs(**cells: tuple[int, int, list[float]]) -> list[Cells]:
    """Return empty outputs, and in them by `stride8=(row, column, values)` the values of one cell."""
    found = []
    for stride in STRIDES:
        output = np.full((SIZE[0] // stride, SIZE[1] // stride, 16), -9.0, np.float32)
        if f"stride{stride}" in cells:
            row, column, values = cells[f"stride{stride}"]
            output[row, column] = values
        found.append(output.reshape(-1, 16))
    return found


def cell(score_logit: float = 4.0, size: float = 0.0) -> list[float]:
    """Return a cell whose face is centered on it and one stride wide, with all keypoints in its corner."""
    return [score_logit, score_logit, 0.5, 0.5, size, size, *[0.0] * 10]


def rows(*boxes: tuple[float, float, float, float, float]) -> Rows:
    """Return candidates: left, top, width, height, score."""
    found = np.zeros((len(boxes), 15), np.float32)
    for row, (left, top, width, height, score) in zip(found, boxes, strict=True):
        row[:4], row[14] = (left, top, width, height), score
    return found


@pytest.mark.parametrize(("stride", "row", "column"), [(8, 3, 5), (16, 1, 4), (32, 1, 2)])
def test_a_cell_gives_box_keypoints_and_score_in_pixels(stride: int, row: int, column: int) -> None:
    """Center and keypoints count from the cell, in strides; sizes are logarithms; tolerance 1e-3 px."""
    (face,) = CellDecoder(SIZE, STRIDES, 0.5).faces(
        outputs(**{f"stride{stride}": (row, column, cell(4.0, math.log(2)))})
    )
    left, top = (column - 0.5) * stride, (row - 0.5) * stride
    assert face[:4] == pytest.approx([left, top, 2 * stride, 2 * stride], abs=1e-3)
    assert face[4:14] == pytest.approx([column * stride, row * stride] * 5, abs=1e-3)
    assert face[14] == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-5)


def test_class_and_object_must_both_be_sure() -> None:
    """The score is the square root of their product."""
    decoder = CellDecoder(SIZE, STRIDES, 0.7)
    values = cell()
    values[1] = 0.0  # half sure: sqrt(0.982 * 0.5) = 0.7007
    assert len(decoder.faces(outputs(stride8=(0, 0, values)))) == 1
    values[1] = -0.1
    assert len(decoder.faces(outputs(stride8=(0, 0, values)))) == 0


def test_a_picture_without_a_face_gives_none() -> None:
    """The shape stays, so that callers need no special case."""
    assert CellDecoder(SIZE, STRIDES, 0.5).faces(outputs()).shape == (0, 15)


@pytest.mark.filterwarnings("error")
def test_absurd_sizes_raise_no_warning() -> None:
    """Of a picture a few pixels across the network makes any numbers."""
    decoder = CellDecoder(SIZE, STRIDES, 0.5)
    found = decoder.faces(outputs(stride8=(0, 0, cell(9.0, 1e3)), stride16=(0, 0, cell())))
    assert len(found) == 2


@pytest.mark.parametrize(("shift", "kept"), [(0, 1), (5, 1), (6, 2), (10, 2)])
def test_of_two_boxes_that_overlap_much_the_better_stays(shift: int, kept: int) -> None:
    """Boxes of 10x10 px: 5 px apart they share a third of their union, 6 px apart a quarter."""
    assert OVERLAP == 0.3
    found = suppressed(rows((0, 0, 10, 10, 0.8), (shift, 0, 10, 10, 0.9)))
    assert len(found) == kept
    assert found[0, 14] == pytest.approx(0.9)


def test_boxes_are_compared_in_whole_pixels() -> None:
    """As OpenCV does, which would otherwise keep another face."""
    assert len(suppressed(rows((0.9, 0, 10.9, 10, 0.8), (5.9, 0, 10.9, 10, 0.9)))) == 1


def test_what_only_reaches_the_least_score_counts_when_it_is_alone() -> None:
    """OpenCV suppresses nothing where there is one candidate."""
    one = rows((0, 0, 10, 10, 0.5))
    assert len(suppressed(one, 0.5)) == 1
    assert len(suppressed(rows((0, 0, 10, 10, 0.5), (50, 0, 10, 10, 0.9)), 0.5)) == 1
