"""Several readers next to a writer: nobody misses anybody, and no intact entry is set aside."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gallery_reader
from gallery_changer import OLD, face
from samples import remove

from node.clock import SystemClock
from node.people import bundle
from node.people.gallery import Gallery

READERS, WRITE_S = 3, 3.0


def test_readers_without_a_lock_set_nothing_aside(tmp_path: Path, print_line: Callable[[str], None]) -> None:
    """Ada is changed all the time and others come and go; each reader always finds her, and logs nothing."""
    folder, file, clock = tmp_path / "people", tmp_path / "file", SystemClock()
    gallery = Gallery(folder)
    gallery.add("ada", None, OLD, [face(0), face(1)])
    gallery.add("eve", None, OLD, [face(5)])
    bundle.write(file, gallery.load())
    readers = [
        subprocess.Popen(
            [sys.executable, gallery_reader.__file__, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        for _ in range(READERS)
    ]  # fmt: skip
    changes, until_s = 0, clock.now().mono_s + WRITE_S
    try:
        while clock.now().mono_s < until_s:
            gallery.add("ada", None, OLD, [face(2)])
            gallery.reject("ada", OLD, face(2))
            gallery.add("bob", None, OLD, [face(3)])
            remove(folder, "bob")
            remove(folder, "eve")
            with bundle.opened(file, {}) as entries:
                gallery.merge(entries)
            changes += 6
    finally:
        results = [json.loads(reader.communicate()[0]) for reader in readers]
    print_line(f"{changes} changes, {sum(result['times'] for result in results)} times read")
    assert [line for result in results for line in result["wrong"]] == []
    assert sorted(path.name for path in folder.iterdir()) == ["ada", "eve"]
