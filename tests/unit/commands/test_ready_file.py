"""The file of `--ready`: created, removed, and never in the place of what is no file."""

import os
from pathlib import Path

import pytest

from node.commands.ready_file import ready_setter
from node.errors import UsageError


def test_the_file_exists_while_the_program_is_ready(tmp_path: Path) -> None:
    """It is removed again."""
    set_ready = ready_setter(tmp_path / "ready")
    set_ready(True)
    assert (tmp_path / "ready").is_file()
    set_ready(False)
    assert not (tmp_path / "ready").exists()


def test_what_is_no_file_is_refused_and_stays(tmp_path: Path) -> None:
    """As root it would remove a device such as /dev/null for everybody."""
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to("/dev/null")
    for path in (fifo, link, tmp_path):
        with pytest.raises(UsageError, match="it exists and is not a regular file"):
            ready_setter(path)
        assert os.path.lexists(path)
