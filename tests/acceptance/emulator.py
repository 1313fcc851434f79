"""qemu for programs of a Pi's processor: the kernel starts them by it, also those that a program starts itself."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from process import run

PROGRAM = "qemu-aarch64-static"
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_NAME = "facenode-tests-aarch64"
_MAGIC = r"\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00"
_MASK = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe" + r"\xff" * 3
"""The head of an ELF file for aarch64, program or library loader, and which bits of it count (elf(5))."""


@contextmanager
def registered() -> Iterator[None]:
    """Let the kernel start programs for aarch64 by qemu, unless it does so already.

    With the flag F it opens qemu now, so that a root needs no copy of it.
    """
    mounted = (_BINFMT / "register").exists()
    if not mounted:
        run("mount", "-t", "binfmt_misc", "binfmt_misc", _BINFMT)
    mine = not any("aarch64" in entry.name for entry in _BINFMT.iterdir())
    if mine:
        program = os.path.realpath(str(shutil.which(PROGRAM)))
        (_BINFMT / "register").write_text(f":{_NAME}:M::{_MAGIC}:{_MASK}:{program}:OCF")
    try:
        yield
    finally:
        if mine:
            (_BINFMT / _NAME).write_text("-1")
        if not mounted:
            run("umount", _BINFMT)
