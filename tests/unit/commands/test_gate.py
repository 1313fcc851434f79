"""The command line of `facenode gate`: what it reads is bounded, and it always ends."""

import os
from pathlib import Path

import pytest

from node.cli import main


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_file_from_before_that_is_none_is_a_usage_error(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also a pipe without a writer, which would keep a roll-out waiting, and JSON that is too deep."""
    path = tmp_path / "before"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    assert main(["gate", "--nodes", "pi-1", "--before", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"facenode: --before {path}: not the output of `facenode fleet --json`")


@pytest.mark.parametrize("option", ["--wait", "--worse"])
@pytest.mark.parametrize("value", ["nan", "-1", "long"])
def test_a_time_that_never_comes_is_a_usage_error(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No moment is later than `nan`: the command would wait for ever."""
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--nodes", "pi-1", option, value])
    assert ended.value.code == 2
    assert f"argument {option}: '{value}': give a number, 0 or greater" in capsys.readouterr().err
