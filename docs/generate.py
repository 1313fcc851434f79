"""The code -> the pages of docs that are made from it.

python -m docs.generate
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.commands_page import commands_page
from docs.settings_page import settings_page
from docs.topics_page import topics_page

FOLDER = Path(__file__).resolve().parent
PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "topics.md": topics_page,
    "commands.md": commands_page,
}
"""Each page, and what makes it."""


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
