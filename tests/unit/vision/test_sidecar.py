"""Sidecars: refused with what and where; thresholds never promise less than was requested."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from node.contract import schema
from node.errors import ModelError
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


def valid() -> dict[str, Any]:
    """Return the smallest valid sidecar."""
    return {
        "name": "tiny",
        "version": "1.0.0",
        "sha256": "0" * 64,
        "backbone": "mobilefacenet",
        "quantisation": "float32",
        "input": {
            "name": "image",
            "size": [112, 112],
            "dtype": "uint8",
            "scale": None,
            "zero_point": None,
            "colour": "rgb",
            "alignment": {"template": "arcface-112", "points": [[1.0, 2.0]] * 5},
        },
        "heads": {"embedding": {"length": 192, "space": "s"}, "age": {"labels": ["young", "senior"]}},
        "thresholds": {"anchors_per_person": 5, "data": "d", "rows": [{"fpir": 0.01, "gallery": 1, "cosine": 0.3}]},
        "metrics": [],
        "training": {"data": [], "command": "c"},
    }


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
        (("heads", "age", "labels"), ["a", "a"], "heads.age"),
        (("heads", "gender"), {"labels": ["a", "b"]}, "heads.gender"),
        (("thresholds", "rows"), [], "thresholds.rows"),
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
