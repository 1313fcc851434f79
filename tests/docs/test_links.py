"""Where the documents lead."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import ROOT, anchors, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A file that is there and a heading that is there; an address elsewhere is looked at for its form alone."""
    for target in links(page):
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme == "https", target
            assert "." in parts.netloc, target
            continue
        place = (page.parent / parts.path).resolve() if parts.path else page
        assert place.is_relative_to(ROOT), target
        assert place.exists(), target
        if parts.fragment:
            assert place.suffix == ".md", target
            assert parts.fragment in anchors(place), target


def test_every_page_of_the_documents_is_found_from_the_readme() -> None:
    """Whoever begins there comes to each, in as many steps as it takes."""
    found, new = set[Path](), {ROOT / "README.md"}
    while new:
        found |= new
        reached = {(page.parent / urlsplit(target).path).resolve() for page in new for target in links(page)}
        new = {page for page in reached if page.suffix == ".md" and page.is_relative_to(ROOT)} - found
    assert set((ROOT / "docs").rglob("*.md")) <= found
