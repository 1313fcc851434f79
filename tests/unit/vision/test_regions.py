"""Regions: each face has room around it, what an edge cuts does not count, and nobody is lost unnoticed."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from makers import face

from node.domain import Box, Face
from node.vision.regions import SIDES, Region, around, merged, outside

SIZE = (480, 640)
NARROW = (360, 640)
"""Height 360 is no multiple of 32: the detector pads it to 384."""
ROOM, LEAST_ROOM = 0.35, 0.2


def box(x: float, y: float, height: float = 60.0, size: tuple[int, int] = SIZE) -> Box:
    """Return the box of a face around (x, y), all in pixels of the picture."""
    width = 0.8 * height
    return Box((x - width / 2) / size[1], (y - height / 2) / size[0], width / size[1], height / size[0])


def at(x: float, y: float, height: float = 60.0, score: float = 0.9) -> Face:
    """Return a face around (x, y), in pixels of the picture."""
    return Face(box(x, y, height), face().keypoints, score)


boxes = st.builds(
    box,
    st.floats(-20, 660),
    st.floats(-20, 500),
    st.floats(10, 300),
    st.sampled_from([SIZE]),
)


@given(st.lists(boxes, min_size=1, max_size=6), st.sampled_from([SIZE, NARROW, (144, 176), (33, 1000)]))
def test_regions_lie_on_the_detectors_grid_and_hold_every_face_with_room(
    faces: list[Box], size: tuple[int, int]
) -> None:
    """Room of .35 of the face's longer side, but at the picture's edges, and fewer pixels than two thirds of it."""
    regions = around(faces, size)
    rows, columns = size
    for region in regions:
        assert region.side in SIDES
        assert region.left % 32 == region.top % 32 == 0
        assert 0 <= region.left <= columns + 31 - region.side
        assert 0 <= region.top <= rows + 31 - region.side
    assert sum(region.side**2 for region in regions) <= 2 / 3 * (rows + 31) * (columns + 31)
    for each in faces if regions else ():
        left, top, width, height = each.left * columns, each.top * rows, each.width * columns, each.height * rows
        room = ROOM * max(width, height) - 1e-6
        assert any(
            (region.left == 0 or left - region.left >= room)
            and (region.top == 0 or top - region.top >= room)
            and (region.left + region.side >= columns or region.left + region.side - left - width >= room)
            and (region.top + region.side >= rows or region.top + region.side - top - height >= room)
            for region in regions
        )


def test_a_face_takes_the_least_region() -> None:
    """A face of 30 pixels takes 96, one of 60 pixels 160, one of 120 pixels 224."""
    sides = [around([box(320, 240, height)], SIZE)[0].side for height in (30, 60, 120)]
    assert sides == [96, 160, 224]


def test_two_faces_close_together_share_a_region() -> None:
    """The smaller one lies in the region of the larger with enough room."""
    assert len(around([box(320, 240, 90), box(385, 220, 20)], SIZE)) == 1
    assert len(around([box(120, 240), box(500, 240)], SIZE)) == 2


@pytest.mark.parametrize(
    "faces",
    [[], [box(320, 240, 200)], [box(x, y, 120) for x, y in itertools.product((100, 320, 540), (100, 380))]],
    ids=["nobody", "a large face", "six faces all over"],
)
def test_the_whole_picture_is_searched_where_regions_are_no_gain(faces: list[Box]) -> None:
    """No region for nobody, for a face that needs more than 224 pixels, or for two thirds of the picture."""
    assert around(faces, SIZE) == ()


def test_a_small_picture_has_no_regions() -> None:
    """A region is never larger than the picture."""
    assert around([box(40, 40, 30, (80, 90))], (80, 90)) == ()


REGION = Region(160, 160, 160)


def test_an_expected_face_with_room_around_it_is_found() -> None:
    """It need not be exactly where it was expected."""
    found = at(245, 240)
    assert merged([(REGION, [found])], [box(240, 240)], SIZE) == (found,)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], [box(240, 240)]),
        ([at(240, 240)], [box(240, 240), box(245, 245)]),
        ([at(200, 240, 30)], [box(270, 240, 30)]),
    ],
    ids=["nobody found", "two expected, one found", "found elsewhere"],
)
def test_a_missing_face_needs_a_search_of_the_whole_picture(found: list[Face], expected: list[Box]) -> None:
    """Nobody who was followed is given up on the word of a region alone."""
    assert merged([(REGION, found)], expected, SIZE) is None


def test_a_face_near_an_edge_of_its_region_is_cut() -> None:
    """Within .2 of its longer side, here 12 pixels: another person may be there, whom only a whole search shows."""
    followed = at(240, 240, 40)
    near = 160 + LEAST_ROOM * 60 + 0.4 * 60
    assert merged([(REGION, [followed, at(near + 1, 240)])], [box(240, 240, 40)], SIZE) is not None
    assert merged([(REGION, [followed, at(near - 1, 240)])], [box(240, 240, 40)], SIZE) is None


def test_at_the_edge_of_the_picture_a_face_is_not_cut() -> None:
    """There a whole search sees no more."""
    found = at(30, 240)
    assert merged([(Region(0, 160, 160), [found])], [box(30, 240)], SIZE) == (found,)


def test_a_cut_face_that_another_region_shows_whole_is_no_other_person() -> None:
    """Where regions overlap, both show it, and it counts as the region has it that shows all of it."""
    left, right = at(220, 240, 40), at(330, 240, 40)
    cut = at(312, 240, 30, score=0.95)
    found = merged(
        [(REGION, [left, cut]), (Region(256, 160, 160), [right])], [box(220, 240, 40), box(330, 240, 40)], SIZE
    )
    assert found is not None
    assert set(found) == {left, right}


def test_a_face_in_two_regions_counts_once() -> None:
    """The more certain one of the two stays, and the largest face comes first."""
    surer, same, larger = at(240, 240, 40, 0.95), at(241, 240, 40, 0.9), at(230, 200, 44)
    found = merged([(REGION, [same]), (Region(192, 160, 160), [surer, larger])], [box(240, 240, 40)], SIZE)
    assert found == (larger, surer)


def test_somebody_new_in_a_region_is_found() -> None:
    """Without a search of the whole picture."""
    assert len(merged([(REGION, [at(220, 230, 40), at(280, 250, 40)])], [box(220, 230, 40)], SIZE) or ()) == 2


def test_the_cells_outside_are_those_that_no_region_covers() -> None:
    """A cell that a region covers in part is outside."""
    mask = outside([Region(64, 32, 96), Region(480, 320, 160)], SIZE, (48, 64))
    assert mask.shape == (48, 64)
    inside = np.zeros((48, 64), np.bool_)
    inside[4:12, 7:16] = True
    inside[32:48, 48:64] = True
    assert (mask == ~inside).all()
