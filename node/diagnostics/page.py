"""Settings of the page, and the socket unit -> a finding: whether the page is reached as the settings say."""

from collections.abc import Sequence
from importlib.util import find_spec

from node.diagnostics.finding import Finding
from node.settings.page import PageSettings

UNIT = "facenode-page.socket"
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_LIBRARIES = ("starlette", "uvicorn", "jinja2", "python_multipart")


def page_finding(page: PageSettings, unit: Sequence[str] | None, *, has_password: bool) -> Finding:
    """Compare the settings of an open page with the unit that hands over its socket.

    Args:
        page: the settings.
        unit: addresses of the unit; None if it does not listen, so that `facenode page` listens by itself.
        has_password: whether the page has a password.
    """
    problem = _missing(page, has_password=has_password) or (None if unit is None else _mismatch(page, unit))
    if problem is not None:
        return Finding("page", ok=False, text=problem)
    where = f"{UNIT} listens at {', '.join(unit)}" if unit else f"port {page.port}, while facenode page runs"
    return Finding("page", ok=True, text=f"door {page.door}, {where}")


def _missing(page: PageSettings, *, has_password: bool) -> str | None:
    """Return what the page lacks; None if nothing."""
    libraries = [name for name in _LIBRARIES if find_spec(name) is None]
    if libraries:
        return f"{', '.join(libraries)} is missing: install the extra: pip install 'facenode[page]'"
    if page.door == "lan" and not has_password:
        return "it has no password, so nobody gets in: run facenode page --new-password"
    return None


def _mismatch(page: PageSettings, unit: Sequence[str]) -> str | None:
    """Return in what the unit differs from the settings; None if in nothing."""
    listed = ", ".join(unit)
    if any(address.rpartition(":")[2] != str(page.port) for address in unit):
        return f"{UNIT} listens at {listed}, but page.port is {page.port}: the unit counts: make both the same"
    only_here = all(address.rpartition(":")[0] in _LOOPBACK for address in unit)
    if page.door == "loopback" and not only_here:
        return f"{UNIT} listens at {listed}, but page.door is loopback: others are refused: use 127.0.0.1"
    if page.door != "loopback" and only_here:
        return (
            f"{UNIT} listens at {listed}, but page.door is {page.door}: nobody else reaches it: let it listen at "
            f"{page.port}, by systemctl edit {UNIT}"
        )
    return None
