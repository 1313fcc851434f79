"""By how much a face fails a gate -> a sentence that says what would help. Pure."""

from collections.abc import Mapping
from typing import Any

from node.page.texts import Sentence, say

_DECIMALS = {"unclear": 2, "turned": 2}
_SHARES = ("cut",)


def shortfall_sentence(shortfall: Mapping[str, Any]) -> Sentence:
    """Return a sentence about a shortfall as the node answers it."""
    what = shortfall["what"]
    factor = 100 if what in _SHARES else 1
    measured, needed = (f"{shortfall[key] * factor:.{_DECIMALS.get(what, 0)}f}" for key in ("measured", "needed"))
    return say(f"short.{what}", measured=measured, needed=needed)
