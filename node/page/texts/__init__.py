"""The texts of the page, a file for each language -> sentences with their values.

A translation is one file beside `en.toml`, with the same keys: `tests/unit/page/test_page_texts.py` compares them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

_FOLDER = Path(__file__).parent
DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text that is to be shown in the language of whoever looks.

    Attributes:
        key: of the text.
        values: what it names.
        count: what its singular or plural goes by; None if it has neither.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    count: int | None = None


def say(key: str, **values: object) -> Sentence:
    """Return a sentence with its values."""
    return Sentence(key, MappingProxyType(values))


def say_count(key: str, number: int, **values: object) -> Sentence:
    """Return a sentence in the singular or the plural, with its values."""
    return Sentence(key, MappingProxyType(values), number)


class Texts:
    """The texts of one language.

    Args:
        language: as in the attribute `lang` of HTML.
        table: text by key; a text with a plural has the keys `<key>.one` and `<key>.other`.
    """

    def __init__(self, language: str, table: Mapping[str, str]) -> None:
        self.language, self.table = language, table

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values.

        Raises:
            KeyError: there is no such text, or a value is missing.
        """
        return self.table[key].format(**values)

    def count(self, key: str, number: int, **values: object) -> str:
        """Return a text in the singular or the plural, with `{number}`."""
        return self(f"{key}.{'one' if number == 1 else 'other'}", number=number, **values)

    def tell(self, sentence: Sentence) -> str:
        """Return a sentence; what it is made of is told first."""
        values = {
            key: self.tell(value) if isinstance(value, Sentence) else value for key, value in sentence.values.items()
        }
        if sentence.count is None:
            return self(sentence.key, **values)
        return self.count(sentence.key, sentence.count, **values)


def load_texts(folder: Path = _FOLDER) -> Mapping[str, Texts]:
    """Return the texts of every language for which there is a file."""
    return {
        path.stem: Texts(path.stem, _flat(tomllib.loads(path.read_text("utf-8")))) for path in folder.glob("*.toml")
    }


def choose(header: str, available: Sequence[str]) -> str:
    """Return the language that a browser prefers, by its header `Accept-Language`, else English."""
    wished = [_wish(part) for part in header.split(",")[:20]]
    for _, language in sorted((wish for wish in wished if wish[0] > 0), key=lambda wish: -wish[0]):
        if language in available:
            return language
    return DEFAULT


def _wish(part: str) -> tuple[float, str]:
    """Return the weight and the language in a part of the header: `de-CH;q=0.8` is German."""
    tag, _, weight = part.strip().partition(";q=")
    try:
        return float(weight or 1), tag.partition("-")[0].lower()
    except ValueError:
        return 0.0, ""


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
    return found
