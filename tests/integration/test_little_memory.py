"""A node in an address space that is too small: one sentence and exit code 1, or it runs. It never spins.

Which size fails where differs from machine to machine: the sizes cover the way from the imports to the first faces.
"""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MEDIA = Path(__file__).resolve().parents[1] / "media"
MB = 1 << 20


@pytest.mark.parametrize("size_mb", [250, 330, 385, 400, 510])
def test_a_node_without_memory_ends_with_one_sentence(tmp_path: Path, size_mb: int) -> None:
    """Whoever supervises it starts it again; a signal still reaches one that runs."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(200):
        (pictures / f"{number}.jpg").symlink_to(MEDIA / "astronaut.jpg")
    settings = (f"storage.dir={tmp_path}", f"camera.source=images:{pictures}", "mqtt.host=127.0.0.1", "mqtt.port=1")
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "run", *(word for each in settings for word in ("--set", each))],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size_mb * MB, size_mb * MB)),  # noqa: PLW1509 - no other thread forks
    )
    try:
        try:
            _, errors = process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in errors
    assert process.returncode in {0, 1, -signal.SIGTERM}, errors
    if process.returncode == 1:
        # OpenBLAS has a sentence of its own and ends the process by itself.
        assert sum(line.startswith(("facenode: ", "OpenBLAS")) for line in errors.splitlines()) >= 1
