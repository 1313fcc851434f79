"""What `facenode check` found: one thing, whether it is well, and a sentence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `facenode check`: what was looked at, whether it is well, and a sentence."""

    name: str
    ok: bool
    text: str
