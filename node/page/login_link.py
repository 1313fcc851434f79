"""A link that logs in once: `facenode page --link` makes it, for whoever may read and write `storage.dir`."""

import hashlib
import hmac
import secrets

from node.page.boot_time import Moment
from node.page.page_files import PageFiles

FILE = "link.json"
LASTS_S = 600.0
"""Seconds after which a link that was not used is good for nothing."""
_KEY_BYTES = 32


class LoginLink:
    """The latest link; a new one replaces it.

    Args:
        files: of the page.
    """

    def __init__(self, files: PageFiles) -> None:
        self._files = files

    def make(self, now: Moment) -> str:
        """Return the key of a new link; the file holds its digest only.

        Raises:
            OSError: it cannot be written.
        """
        key = secrets.token_urlsafe(_KEY_BYTES)
        self._files.write_object(FILE, {"v": 1, "digest": _digest(key), "boot": now.boot, "made_s": now.boot_s})
        return key

    def use(self, key: str, now: Moment) -> bool:
        """Return whether a key is that of the link, which is good for nothing from now on.

        Raises:
            OSError: the file cannot be read or removed.
        """
        fields = self._files.read_object(FILE) or {}
        digest, boot, made_s = fields.get("digest"), fields.get("boot"), fields.get("made_s")
        if not (isinstance(digest, str) and isinstance(boot, str) and isinstance(made_s, int | float)):
            return False
        age_s = now.since(Moment(boot, made_s))
        if age_s is None or not 0 <= age_s < LASTS_S or not hmac.compare_digest(digest, _digest(key)):
            return False
        return self._files.take(FILE)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
