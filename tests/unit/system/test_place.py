"""Where a path leads, step by step, and by which links."""

import os
from pathlib import Path

import pytest

from node.errors import StorageError
from node.system.place import Link, find


def test_a_folder_that_does_not_exist_is_made_by_the_owner_of_the_one_above(tmp_path: Path) -> None:
    """The nearest folder above that exists is found."""
    place = find(tmp_path / "a" / "b")
    assert (place.path, place.uid, place.links) == (tmp_path.resolve(), os.getuid(), ())


def test_every_link_on_the_way_is_found(tmp_path: Path) -> None:
    """A link may lead to another, up and down, relative and absolute."""
    (tmp_path / "disk" / "data").mkdir(parents=True)
    (tmp_path / "first").symlink_to(tmp_path / "second")
    (tmp_path / "second").symlink_to("disk/../disk")
    place = find(tmp_path / "first" / "data" / ".." / "data")
    assert place.path == (tmp_path / "disk" / "data").resolve()
    assert place.links == tuple(Link(tmp_path.resolve() / name, os.getuid()) for name in ("first", "second"))


def test_links_in_a_circle_are_one_line(tmp_path: Path) -> None:
    """They end, and the line names the folder."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StorageError, match=r"too many links: correct storage\.dir"):
        find(tmp_path / "a" / "c")


def test_a_way_through_a_file_is_one_line(tmp_path: Path) -> None:
    """The line names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Not a directory: correct storage\.dir"):
        find(tmp_path / "file" / "c")
