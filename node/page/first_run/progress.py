"""What the owner has answered so far; in memory only, and the password in no page."""

from dataclasses import dataclass, field
from typing import Any

from node.page.first_run.kept_page import KeptPage

STEPS = ("camera", "broker", "name", "you")


@dataclass(slots=True)
class Progress:
    """The answers of the one browser.

    Attributes:
        answers: by section, as they will be handed over.
        words: what was found out at each step.
        typed: what was typed at a step and could not be used, without the password, to be mended.
        still: the picture of the camera that was tried; None without one.
        turn: by how many degrees the picture should be turned.
        handed: whether the answers were handed over.
        kept: the page for every day, if the owner keeps one and the answers were carried out.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    words: dict[str, str] = field(default_factory=dict)
    typed: dict[str, dict[str, str]] = field(default_factory=dict)
    still: bytes | None = None
    turn: int = 0
    handed: bool = False
    kept: KeptPage | None = field(default=None, repr=False)

    def is_open(self, step: str) -> bool:
        """Return whether a step may be shown: all before it have answers."""
        return all(earlier in self.words for earlier in STEPS[: STEPS.index(step)])

    @property
    def next(self) -> str:
        """The first step without an answer."""
        return next((step for step in STEPS if step not in self.words), STEPS[-1])
