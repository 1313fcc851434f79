"""The storage's place, the user of the node, and when a program is started again."""

import logging
import os
import sys
import threading
from pathlib import Path

import pytest
from mosquitto_broker import eventually
from start.program import Launch, Program, account_of, without_token
from start.restarts import Outcome, Restarts
from start.storage import camera_groups, hand_over, place_storage


def test_a_program_that_fails_is_started_again_with_growing_pauses() -> None:
    """2 s, 4 s, 8 s and so on up to a minute; after two minutes of running well, from the beginning."""
    restarts = Restarts(lasting=False)
    assert [restarts.after(1, 0.5) for _ in range(7)] == [(Outcome.AGAIN, each) for each in (2, 4, 8, 16, 32, 60, 60)]
    assert restarts.after(-9, 120) == (Outcome.AGAIN, 2)


@pytest.mark.parametrize(
    ("code", "lasting", "outcome"),
    [(78, False, Outcome.OVER), (78, True, Outcome.OVER), (0, False, Outcome.OVER), (0, True, Outcome.AGAIN)],
)
def test_what_cannot_get_better_is_over(code: int, outcome: Outcome, *, lasting: bool) -> None:
    """Bad settings, and a clip that has ended; a page that ends by itself is a fault."""
    assert Restarts(lasting=lasting).after(code, 1)[0] is outcome


def python(*lines: str) -> Launch:
    """Return a program that runs these lines."""
    return Launch("node", (sys.executable, "-c", "\n".join(lines)), os.environ, lambda: None)


def test_a_program_is_looked_after_until_it_is_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It fails twice, each time it is started again, and its last exit code is returned."""
    caplog.set_level(logging.WARNING)
    marks = tmp_path / "marks"
    script = ("from pathlib import Path", f"marks = Path({str(marks)!r})",
              "marks.open('a').write('x')", "raise SystemExit(3 if len(marks.read_text()) < 3 else 78)")  # fmt: skip
    clock = iter(range(0, 10_000_000, 100))
    program = Program(python(*script), Restarts(lasting=False), lambda: float(next(clock)))
    assert eventually(lambda: program.look() == 78, 60)
    assert marks.read_text() == "xxx"
    assert [record.message for record in caplog.records if "started again" in record.message] != []
    assert "app: the node cannot run with these options: change them" in caplog.records[-1].message
    assert program.look() is None


def test_a_program_ends_on_request_and_starts_anew(tmp_path: Path) -> None:
    """By SIGTERM, and by SIGKILL if it does not end."""
    started = tmp_path / "started"
    stubborn = ("import signal, time, pathlib", "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
                f"pathlib.Path({str(started)!r}).open('a').write('x')", "time.sleep(600)")  # fmt: skip
    program = Program(python(*stubborn), Restarts(lasting=False))
    assert program.look() is None
    assert eventually(started.exists, 60)
    program.restart(0.1)
    assert program.look() is None
    assert eventually(lambda: started.read_text() == "xx", 60)
    program.end(0.1)
    assert program.look() is None


def test_the_node_has_no_token_of_the_supervisor() -> None:
    """Whoever takes the node over can ask the Supervisor nothing."""
    assert without_token({"SUPERVISOR_TOKEN": "a", "HASSIO_TOKEN": "a", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_the_choice_about_backups_moves_the_storage(tmp_path: Path) -> None:
    """Nothing is lost on the way, there and back; a second start changes nothing."""
    storage = place_storage(tmp_path, backup_crops=False)
    (storage / "people").mkdir()
    for choice in (False, True, True, False):
        storage = place_storage(tmp_path, backup_crops=choice)
        assert (storage / "people").is_dir()
        assert [path.name for path in tmp_path.iterdir()] == [storage.name]
        assert storage.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_left_over_is_kept_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The app takes the place of the option, and deletes nothing."""
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage-crops-stay").mkdir()
    assert place_storage(tmp_path, backup_crops=True) == tmp_path / "storage"
    assert (tmp_path / "storage-crops-stay").is_dir()
    assert "storage-crops-stay is left over and not used" in caplog.records[-1].message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files over")
def test_what_is_handed_over_is_the_nodes_and_no_link_is_followed(tmp_path: Path) -> None:
    """As after a restore: every file, but nothing that a link leads to."""
    outside = tmp_path / "outside"
    outside.write_text("root's")
    folder = tmp_path / "storage"
    (folder / "people" / "ada").mkdir(parents=True)
    (folder / "people" / "ada" / "person.json").write_text("{}")
    (folder / "link").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    hand_over(folder, 10001, 10002)
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in (folder, *folder.rglob("*"))}
    assert owners == {(10001, 10002)}
    assert outside.stat().st_uid == 0


def test_cameras_are_used_by_their_groups_but_never_by_roots(tmp_path: Path) -> None:
    """A file that is no device counts for nothing."""
    (tmp_path / "video0").write_text("no device")
    (tmp_path / "video1").symlink_to("/dev/null")  # of group root
    assert camera_groups(tmp_path, "no such group") == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_program_runs_as_its_account(tmp_path: Path) -> None:
    """With the groups of the cameras that are there when it starts, and nothing of root's."""
    seen = tmp_path / "seen"
    tmp_path.chmod(0o777)
    line = f"import os; open({str(seen)!r}, 'w').write(f'{{os.getuid()}} {{os.getgid()}} {{sorted(os.getgroups())}}')"
    launch = Launch("node", ("/usr/bin/python3", "-c", line), {}, account_of(10001, 10002, lambda: (44,)))
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    program = Program(launch, Restarts(lasting=False))
    assert eventually(lambda: program.look() == 0, 60)
    assert seen.read_text() == "10001 10002 [44]"
    assert threading.active_count() >= 1
