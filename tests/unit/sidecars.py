"""The smallest valid sidecar, for tests that change it."""

from typing import Any

POINTS = [[38.0, 52.0], [74.0, 52.0], [56.0, 72.0], [42.0, 92.0], [71.0, 92.0]]


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
            "alignment": {"template": "arcface-112", "points": POINTS},
        },
        "heads": {"embedding": {"length": 192, "space": "s"}, "age": {"labels": ["young", "senior"]}},
        "thresholds": {"anchors_per_person": 5, "data": "d", "rows": [{"fpir": 0.01, "gallery": 1, "cosine": 0.3}]},
        "metrics": [],
        "training": {"data": [], "command": "c"},
    }
