"""Text that others wrote -> text that any file can hold, and text that a terminal shows and never obeys."""

import codecs
import re

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BYTES = range(0xDC80, 0xDD00)
"""What Python makes of the bytes of a file name that is not UTF-8."""

# Of UTF-32 first: the mark of UTF-16 is the beginning of it.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded(content: bytes) -> str:
    """Return the text of a file that a person wrote with any editor: UTF-8, or what a byte order mark says.

    Raises:
        ValueError: it is neither; the message says what to do, and nothing of the content.
    """
    mark, encoding = next((each for each in _MARKS if content.startswith(each[0])), (b"", "utf-8"))
    try:
        text = content.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start + len(mark)) + 1
        raise ValueError(f"line {line} is not valid {encoding.upper()}: save the file as UTF-8") from error
    if "\0" in text:  # what UTF-16 without its mark looks like; no text has one
        raise ValueError("it contains zero bytes: save the file as UTF-8")
    return text


def valid(text: str) -> str:
    r"""Return a text that can be written as UTF-8; a byte of a file name that is not UTF-8 is shown as `\xff`."""
    return _SURROGATE.sub(_shown, text)


def escaped(text: str, encoding: str) -> str:
    """Return a text without control characters and without characters that the encoding lacks.

    Escaped is whatever is not printable: line ends, escape sequences, the controls of C1, and the characters that
    change the direction of writing or that nobody sees. Anybody may have written the name of a file or of a person, or
    what comes from a broker: it must not move the cursor, rename or color the terminal, or pass for a line of its own.
    """
    text = valid(text)
    if not text.isprintable():
        text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _shown(surrogate: re.Match[str]) -> str:
    code = ord(surrogate[0])
    return f"\\x{code - 0xDC00:02x}" if code in _BYTES else f"\\u{code:04x}"
