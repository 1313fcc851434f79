"""`facenode bench` prints what it has measured."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from facenode_command import facenode


def _figures(folder: Path, *options: str) -> dict[str, Any]:
    done = facenode("bench", "--json", "--runs", "5", *options, settings={"storage.dir": folder}, timeout_s=120)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_each_step_has_a_median_and_a_95th_percentile(tmp_path: Path) -> None:
    """The 95th percentile is at least the median, and the whole frame takes longer than one of its steps."""
    figures = _figures(tmp_path)
    steps = figures["steps"]
    assert all(0 < times["p50_ms"] <= times["p95_ms"] for times in steps.values())
    assert steps["whole frame"]["p50_ms"] > steps["align"]["p50_ms"]
    assert 0 < figures["ratios"]["motion gate / whole frame"] < figures["ratios"]["four people / one"]


def test_the_table_shows_each_target_beside_its_ratio(tmp_path: Path) -> None:
    """The table shows every measured ratio beside its target."""
    done = facenode("bench", "--runs", "5", settings={"storage.dir": tmp_path}, timeout_s=120)
    assert done.code == 0, done.err
    lines = {line[:34].strip(): line[34:].split() for line in done.out.splitlines()}
    assert lines["ratio"] == ["measured", "at", "most"]
    assert lines["whole frame / bare calls"][1] == "1.10"
    assert lines["four people / one"][1] == "1.50"


def test_three_networks_are_loaded_on_request(tmp_path: Path) -> None:
    """Three networks need more memory than one, and the output says that there are three. Times are not compared."""
    one, three = _figures(tmp_path), _figures(tmp_path, "--networks", "3")
    assert three["peak_mb"] > one["peak_mb"] + 5
    assert three["network"] == f"{one['network']}, 3 of them"


@pytest.mark.timeout(600)
def test_the_block_to_paste_has_nothing_private(tmp_path: Path) -> None:
    """Names, addresses, paths and logins of the settings, the host's name and ids are not in it; the figures are."""
    private = {
        "storage.dir": tmp_path / "ada-home",
        "node.id": "ada-node",
        "node.name": "Ada's door",
        "node.area": "Ada's hall",
        "mqtt.host": "broker.ada.example",
        "mqtt.username": "ada-login",
        "camera.source": f"images:{tmp_path}",
    }
    done = facenode("bench", "--share", "--runs", "3", settings=private, timeout_s=500)
    assert done.code == 0, done.err
    assert done.err == ""
    ids = [Path(name).read_text(encoding="ascii").strip() for name in ("/etc/machine-id",) if Path(name).exists()]
    for word in (*map(str, private.values()), str(tmp_path), socket.gethostname(), *filter(None, ids)):
        assert word not in done.out
    lines = done.out.splitlines()
    assert lines[0].startswith("#### Facenode ")
    assert all(line.startswith("| ") for line in lines[2:])
    latency = next(line for line in lines if line.startswith("| deciding frame of a clip to a subscriber"))
    assert re.fullmatch(r"\| .* \| \d+ ms \|", latency)
