"""The socket of the page for every day, as the first run treats it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from node.errors import SetupError
from node.setup.page_socket import PageSocket


def page_socket(
    folder: Path, codes: Mapping[str, tuple[int, str]] | None = None
) -> tuple[PageSocket, list[Sequence[str]]]:
    """Return a socket whose commands give these codes by their verb, and the commands that it runs."""
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> tuple[int, str]:
        ran.append(command)
        return (codes or {}).get(command[1], (0, ""))

    return PageSocket(folder / "page.socket.d" / "network.conf", run), ran


def test_the_page_is_opened_to_the_network_now_and_at_each_boot(tmp_path: Path) -> None:
    """A drop-in replaces the address of the unit, which is enabled and restarted."""
    opened, ran = page_socket(tmp_path)
    opened.open_to_network(8470)
    (file,) = (tmp_path / "page.socket.d").iterdir()
    lines = file.read_text(encoding="ascii").splitlines()
    assert lines[1:] == ["[Socket]", "ListenStream=", "ListenStream=8470"]
    assert [command[1] for command in ran] == ["daemon-reload", "enable", "restart"]


@pytest.mark.parametrize(("code", "paused"), [(0, True), (3, False)])
def test_a_page_that_is_open_is_paused_and_resumed(tmp_path: Path, code: int, *, paused: bool) -> None:
    """What listens already would keep the first run from its address."""
    opened, ran = page_socket(tmp_path, {"is-active": (code, "")})
    assert opened.pause() is paused
    assert [command[1] for command in ran] == ["is-active", *(["stop"] if paused else [])]
    opened.resume()
    assert ran[-1] == ("systemctl", "start", "facenode-page.socket")


def test_a_page_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    """Systemd's own first line and where to look; or the file that could not be written."""
    opened, _ = page_socket(tmp_path, {"enable": (1, "Unit facenode-page.socket does not exist\nMore")})
    with pytest.raises(SetupError, match=r"^systemctl enable facenode-page.socket: Unit .* exist: see `systemctl"):
        opened.open_to_network(8470)
    (tmp_path / "file").write_text("")
    blocked = PageSocket(tmp_path / "file" / "network.conf", lambda _: (0, ""))
    with pytest.raises(SetupError, match=r"Not a directory|File exists"):
        blocked.open_to_network(8470)
