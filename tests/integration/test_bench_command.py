"""`facenode bench`: what it prints is what it measured."""

import json
from pathlib import Path
from typing import Any

from facenode_command import facenode


def _figures(folder: Path, *options: str) -> dict[str, Any]:
    done = facenode("bench", "--json", "--runs", "5", *options, settings={"storage.dir": folder}, timeout_s=120)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_each_step_has_its_times(tmp_path: Path) -> None:
    """A step has a median and a 95th percentile that is no less, the whole frame takes longer than a part of it."""
    figures = _figures(tmp_path)
    steps = figures["steps"]
    assert all(0 < times["p50_ms"] <= times["p95_ms"] for times in steps.values())
    assert steps["whole frame"]["p50_ms"] > steps["align"]["p50_ms"]
    assert 0 < figures["ratios"]["motion gate / whole frame"] < figures["ratios"]["four people / one"]


def test_the_table_shows_each_target_beside_its_ratio(tmp_path: Path) -> None:
    """Whoever reads it sees at once what is too much."""
    done = facenode("bench", "--runs", "5", settings={"storage.dir": tmp_path}, timeout_s=120)
    assert done.code == 0, done.err
    lines = {line[:34].strip(): line[34:].split() for line in done.out.splitlines()}
    assert lines["ratio"] == ["measured", "at", "most"]
    assert lines["whole frame / bare calls"][1] == "1.10"
    assert lines["four people / one"][1] == "1.50"


def test_a_network_for_each_task_is_loaded(tmp_path: Path) -> None:
    """With three networks the process needs more memory, and says that there are three; time is a busy machine's."""
    one, three = _figures(tmp_path), _figures(tmp_path, "--networks", "3")
    assert three["peak_mb"] > one["peak_mb"] + 5
    assert three["network"] == f"{one['network']}, 3 of them"
