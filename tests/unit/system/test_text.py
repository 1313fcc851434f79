"""Text of others becomes text that any file can hold and that no terminal obeys."""

import os

import pytest

from node.system.text import decoded, escaped, valid


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë Müller 😀", "Zoë Müller 😀"),
        ("a\x1b[2J", r"a\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("one\r\ntwo\tthree\x7f", r"one\r\ntwo\tthree\x7f"),
        ("\u202a\u202e\u2066\u2069", r"\u202a\u202e\u2066\u2069"),
        ("\u200b\u200e\u2028\ufeff", r"\u200b\u200e\u2028\ufeff"),
        ("\ud800", r"\ud800"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    """Escape sequences, controls of C0 and C1, line ends, directions of writing, and what nobody sees."""
    assert escaped(text, "utf-8") == shown
    assert escaped(text, "utf-8").isprintable()


def test_what_the_terminal_cannot_show_is_escaped() -> None:
    """A terminal of another encoding gets no error instead of a line."""
    assert escaped("Zoë 😀", "ascii") == r"Zo\xeb \U0001f600"
    assert escaped("Zoë 😀", "latin-1") == r"Zoë \U0001f600"


def test_a_name_that_is_not_utf_8_becomes_a_text_that_is() -> None:
    """Its bytes are shown; every other character stays as it is, controls too."""
    assert valid(os.fsdecode(b"caf\xe9\n")) == "caf\\xe9\n"
    assert valid("\udfff").encode() == rb"\udfff"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_how_a_file_is_read(encoding: str) -> None:
    """It belongs to no text."""
    assert decoded("Zoë".encode(encoding)) == "Zoë"


@pytest.mark.parametrize("content", [b"Zo\xeb", "Zoë".encode("utf-16-le"), b"\xff\xfea"])
def test_another_encoding_is_refused_without_the_content(content: bytes) -> None:
    """It may be a password."""
    with pytest.raises(ValueError, match="save the file as UTF-8") as caught:
        decoded(content)
    assert "Zo" not in str(caught.value)
