"""Sidecars: refused with what and where; thresholds never promise less than was requested."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sidecars import POINTS, valid

from node.contract import schema
from node.errors import ModelError
from node.vision import network_file
from node.vision.sidecar import Threshold, Thresholds, load_sidecar

ROWS = tuple(
    Threshold(fpir=fpir, gallery=gallery, cosine=cosine)
    for fpir, gallery, cosine in [
        (0.01, 1, 0.20), (0.003, 1, 0.25), (0.001, 1, 0.30),
        (0.01, 10, 0.28), (0.003, 10, 0.32), (0.001, 10, 0.36),
        (0.01, 50, 0.33), (0.003, 50, 0.37), (0.001, 50, 0.41),
    ]
)  # fmt: skip
TABLE = Thresholds(anchors_per_person=5, rows=ROWS)


@pytest.mark.parametrize(
    ("max_fpir", "people", "cosine"),
    [
        (0.01, 0, 0.20), (0.01, 1, 0.20), (0.01, 2, 0.28), (0.01, 10, 0.28), (0.01, 11, 0.33), (0.01, 500, 0.33),
        (0.003, 1, 0.25), (0.005, 1, 0.25), (0.0029, 1, 0.30), (0.001, 50, 0.41),
    ],
)  # fmt: skip
def test_the_chosen_row_is_within_the_rate_and_as_large_as_the_gallery(
    max_fpir: float, people: int, cosine: float
) -> None:
    """Between two rows the stricter one is chosen."""
    assert TABLE.cosine(max_fpir, people) == cosine


def test_a_rate_below_the_table_is_refused() -> None:
    """A rate that was not measured is not promised."""
    with pytest.raises(ModelError, match=r"goes down to 0\.001"):
        TABLE.cosine(0.0005, 1)


def valid_input(**changes: object) -> dict[str, Any]:
    """Return the input of the smallest valid sidecar, with changes."""
    return dict(valid()["input"]) | changes


def test_a_valid_sidecar_is_read_and_matches_the_schema(tmp_path: Path) -> None:
    """The parser and the published schema agree."""
    jsonschema.validate(valid(), schema("sidecar"))
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(valid()))
    sidecar = load_sidecar(path)
    assert sidecar.heads.lengths == {"embedding": 192, "age": 2}
    assert sidecar.heads.labels("ethnicity") == ()
    assert sidecar.short_hash == "00000000"


@pytest.mark.parametrize(
    ("keys", "value", "where"),
    [
        (("sha256",), "xyz", "sha256"),
        (("backbone",), "resnet", "backbone"),
        (("input", "size"), [112], "input.size"),
        (("input", "scale"), 0, "input.scale"),
        (("input", "scale"), float("inf"), "input.scale"),
        (("input", "alignment", "points"), [[1.0, float("nan")]] * 5, "input.alignment.points"),
        (("input", "alignment", "points"), [[1.0, 2.0]] * 4, "input.alignment.points"),
        (("input", "alignment", "points"), [[1.0, 2.0]] * 5, "input.alignment: .*both eyes are at one place"),
        (("input", "alignment", "points"), [POINTS[0], POINTS[0], *POINTS[2:]], "input.alignment: .*both eyes"),
        (("input", "alignment", "points"), [[x, 3 * x] for x in (1, 9, 5, 2, 8)], "input.alignment: .*on one line"),
        (("input", "alignment", "points"), [[1e300, 2.0], *POINTS[1:]], "input.alignment.points"),
        (("input", "alignment", "points"), [[300.0, 2.0], *POINTS[1:]], "input: .*a point is far outside"),
        (("input", "zero_point"), 10**40, "input.zero_point"),
        (("input", "zero_point"), 300, "input.zero_point"),
        (("input", "zero_point"), 3, "input: .*scale is missing"),
        (("input", "dtype"), "int8", "input: .*scale is missing"),
        (("input",), valid_input(dtype="float32", scale=0.5), "input: .*a float32 input has none"),
        (("input", "size"), [112, 10**9], "input.size"),
        (("heads", "age", "labels"), ["a", "a"], "heads.age"),
        (("heads", "gender"), {"labels": ["a", "b"]}, "heads.gender"),
        (("thresholds", "rows"), [], "thresholds.rows"),
        (("thresholds", "rows"), [{"fpir": 0.01, "gallery": 1, "cosine": 0.3}] * 2, "thresholds: .*two of them"),
        (
            ("thresholds", "rows"),
            [{"fpir": 0.01, "gallery": 1, "cosine": 0.3}, {"fpir": 0.001, "gallery": 1, "cosine": 0.2}],
            "thresholds: .*a lower rate has a lower cosine",
        ),
    ],
)
def test_an_invalid_sidecar_is_refused_with_the_field(
    tmp_path: Path, keys: tuple[str, ...], value: object, where: str
) -> None:
    """The message names the file and the field."""
    content = valid()
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=rf"tiny\.json: {where}"):
        load_sidecar(path)


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"])
def test_a_missing_or_damaged_sidecar_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    """No traceback; the line names the file."""
    path = tmp_path / "tiny.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"tiny\.json") as caught:
        load_sidecar(path)
    assert "\n" not in str(caught.value)


def test_a_sidecar_that_never_ends_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe without a writer, a device without an end, and a file that would fill the memory."""
    os.mkfifo(tmp_path / "pipe.json")
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.truncate(1 << 40)
    for path in (tmp_path / "pipe.json", Path("/dev/zero"), tmp_path, tmp_path / "huge.json"):
        with pytest.raises(ModelError, match=str(path)):
            load_sidecar(path)


@pytest.mark.parametrize("name", ["pipe", "huge", "folder"])
def test_a_network_that_never_ends_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    """The same holds for the file of the network, which is read in one piece."""
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    elif name == "folder":
        path.mkdir()
    else:
        with path.open("wb") as huge:
            huge.truncate(1 << 40)
    with pytest.raises(ModelError, match=r"model\.path names no readable network"):
        network_file.checked(path)
