"""A command -> the same where programs for a Raspberry Pi's processor run like all others, by qemu's emulation.

The command runs in a user namespace with the users of this machine. What the kernel is told there of programs it
forgets with the namespace, and nothing else on the machine takes notice.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

EMULATOR = Path("/usr/bin/qemu-aarch64-static")
_NEW_USERS, _NEW_MOUNTS = 0x10000000, 0x00020000
_USERS = "0 0 65536\n"
_REGISTRY = Path("/proc/sys/fs/binfmt_misc")
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def within(*command: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs another so; both have one process id."""
    return (sys.executable, __file__, *command)


def main() -> None:
    """Become the command of the command line."""
    _enter()
    subprocess.run(["mount", "-t", "binfmt_misc", "none", _REGISTRY], check=True)
    # F: the emulator is opened now, so that it need not lie in a root or a container.
    (_REGISTRY / "register").write_text(f":aarch64:M::{_MAGIC}:{_MASK}:{EMULATOR}:F")
    # A Raspberry Pi 4, since qemu's own default runs instructions that no Pi has.
    environ = os.environ | {"QEMU_CPU": "cortex-a72"}
    os.execvpe(sys.argv[1], sys.argv[1:], environ)  # noqa: S606 - it becomes the command, with its process id


def _enter() -> None:
    """Enter a user namespace, whose users only somebody outside may name."""
    libc = ctypes.CDLL(None, use_errno=True)
    there, named = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.read(there[0], 1)
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{os.getppid()}/{file}").write_text(_USERS)
        os.write(named[1], b".")
        os._exit(0)
    if libc.unshare(_NEW_USERS | _NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no user namespace")
    os.write(there[1], b".")
    os.read(named[0], 1)
    os.wait()


if __name__ == "__main__":
    main()
