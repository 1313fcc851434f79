"""The result of one check -> one line of `facenode check`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: what was checked.
        ok: whether it is in order.
        text: one sentence; where `ok` is false it says what to do.
    """

    name: str
    ok: bool
    text: str
