"""`ansible/tools/with-settings`, through which a roll-out lets the new program read each host's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [("[node]\nid = 'hall'\n", 0, "hall"), ("[detector]\nwidth = 1\n", 78, "detector.width = 1")],
)
def test_the_program_reads_settings_from_standard_input(settings: str, code: int, words: str, tmp_path: Path) -> None:
    """The program refuses a pipe as its settings file; the file that stands in for it is removed afterwards."""
    done = subprocess.run(
        [ROOT / "ansible/tools/with-settings", sys.executable, "-m", "node.cli", "check", "--settings"],
        input=settings, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert words in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())
