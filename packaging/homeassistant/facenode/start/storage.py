"""The folder /data -> `storage.dir`, in the place that decides about backups, owned by the user of the node.

The Supervisor leaves out of a backup what config.yaml lists, and that list is fixed. So there are two places: the faces
of people in `storage-crops-stay` stay out, those in `storage` go in. A change of the option moves the folder.
"""

import grp
import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_IN, _STAY = "storage", "storage-crops-stay"
_CAMERAS = ("video*", "media*")

_log = logging.getLogger(__name__)


def place_storage(data: Path, *, backup_crops: bool) -> Path:
    """Return the folder of the storage; move it if the choice has changed.

    Args:
        data: the folder that backups are made of.
        backup_crops: whether they contain the faces of people.

    Raises:
        OSError: it cannot be moved.
    """
    wanted, other = (data / _IN, data / _STAY) if backup_crops else (data / _STAY, data / _IN)
    if other.is_dir() and not wanted.exists():
        other.rename(wanted)
    elif other.is_dir():
        _log.warning("app: %s is left over and not used: %s is", other, wanted)
    wanted.mkdir(mode=0o700, exist_ok=True)
    return wanted


def hand_over(folder: Path, uid: int, gid: int) -> None:
    """Give a folder with all its files to a user, as after a restore on another machine; follow no link.

    Raises:
        OSError: a file cannot be handed over.
    """
    if folder.lstat().st_uid != uid or folder.lstat().st_gid != gid:
        for _, folders, files, descriptor in os.fwalk(folder, topdown=False, follow_symlinks=False):
            for name in (*folders, *files):
                os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)
        # Last, so that a start that is interrupted is repeated.
        os.chown(folder, uid, gid, follow_symlinks=False)


def camera_groups(devices: Path = Path("/dev"), name: str = "video") -> tuple[int, ...]:
    """Return the groups that may use cameras: those of the devices, whose numbers are the machine's, and this system's.

    The group 0 is left out: it is root's.
    """
    found = {each.stat().st_gid for pattern in _CAMERAS for each in _device_files(devices.glob(pattern))}
    try:
        found.add(grp.getgrnam(name).gr_gid)
    except KeyError:
        _log.debug("app: there is no group %s", name)
    return tuple(sorted(found - {0}))


def _device_files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        try:
            if stat.S_ISCHR(path.stat().st_mode):
                yield path
        except OSError:
            continue
