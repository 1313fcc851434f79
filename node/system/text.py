"""Text that others wrote -> text that any file can hold, and text that a terminal shows and never obeys."""

import re

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BYTES = range(0xDC80, 0xDD00)
"""What Python makes of the bytes of a file name that is not UTF-8."""


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
