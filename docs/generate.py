"""The code -> the generated pages of docs, and the generated files of the Debian package.

Run it with `make docs` or `python -m docs.generate`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.commands_page import commands_page
from docs.completion import completion
from docs.local_socket_page import local_socket_page
from docs.man_page import man_page
from docs.settings_example import settings_example
from docs.settings_page import settings_page
from docs.topics_page import topics_page

FOLDER = Path(__file__).resolve().parent
PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "topics.md": topics_page,
    "commands.md": commands_page,
    "local-socket.md": local_socket_page,
    "../packaging/debian/facenode.1": man_page,
    "../packaging/debian/completions/facenode": completion,
    "../packaging/debian/facenode.toml": settings_example,
}
"""Path of each generated file, from this folder -> the function that returns its text."""


def main() -> None:
    """Write every file."""
    for name, render in PAGES.items():
        (FOLDER / name).write_text(render(), encoding="utf-8")
        print((FOLDER / name).resolve())


if __name__ == "__main__":
    main()
