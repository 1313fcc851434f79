"""The repository's Markdown -> its links, anchors and code blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("docs", "models", "ansible", "tests", "node", "packaging")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.MULTILINE)
_NAME = re.compile(r'<a name="(?P<name>[^"]+)">')
_MARK = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block.

    Attributes:
        page: where it stands.
        line: of its first line, from 1.
        language: behind the fence.
        text: what is in it, without the indent of the fence.
        reason: why it is not run; None for one that is.
    """

    page: Path
    line: int
    language: str
    text: str
    reason: str | None

    @property
    def name(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every page of the repository."""
    found = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *found])


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page; an HTML comment right before one says why it is not run."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        mark = _MARK.search(text, 0, match.start())
        indent = re.compile(rf"^{match['indent']}", re.MULTILINE)
        yield Block(
            page,
            text.count("\n", 0, match.start()) + 2,
            match["language"],
            indent.sub("", match["text"]),
            mark["reason"] if mark else None,
        )


def prose(page: Path) -> str:
    """Return a page without its code."""
    return _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))


def links(page: Path) -> list[str]:
    """Return the targets of the links and pictures of a page."""
    return [match["target"] for match in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """Return what a link to a part of a page may name: headings as GitHub and its kin name them, and names given."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set(_NAME.findall(text))
    for match in _HEADING.finditer(text):
        slug = re.sub(r"[^\w\- ]", "", match["text"].lower()).replace(" ", "-")
        number = 0
        while (name := slug if not number else f"{slug}-{number}") in found:
            number += 1
        found.add(name)
    return found
