"""The command line: its help, its errors, and what each command imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.cli import main

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"cv2", "amqtt", "tflite_runtime", "ai_edge_litert"}


def test_watching_needs_neither_opencv_nor_a_network() -> None:
    """A command's module is imported only when that command runs, so that a subscriber stays small."""
    program = "import sys, contextlib\nfrom node.cli import main\n"
    program += "with contextlib.suppress(SystemExit):\n    main(['watch', '--help'])\n"
    program += "print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "paho" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("command", ["run", "demo", "recognize", "watch", "people", "inbox", "check", "bench"])
def test_every_command_is_listed_and_has_its_own_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` lists all commands without importing any, and each command has a `--help`."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert f"\n    {command} " in capsys.readouterr().out.replace("\n", " \n")
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: facenode {command}" in capsys.readouterr().out


def test_no_command_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing command is a usage error; the user wants to know which commands exist."""
    assert main([]) == 2
    shown = capsys.readouterr().err
    assert "recognize" in shown
    assert "recognize faces in pictures" in shown


def test_an_unknown_command_is_refused_with_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main(["observe"])
    assert ended.value.code == 2
    assert "'watch'" in capsys.readouterr().err


def test_a_ready_file_that_cannot_be_created_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """`--ready` in a folder that is a file fails at once, not at the first connection."""
    assert main(["watch", "--ready", f"{__file__}/ready"]) == 2
    assert f"--ready {__file__}/ready" in capsys.readouterr().err


@pytest.mark.parametrize(
    "assignments", [("mqtt.port=3", "mqtt.port.x=5"), ("mqtt.tls=3", "mqtt.tls.enabled=5"), ("mqtt.port.x=5", "mqtt=1")]
)
def test_two_assignments_that_exclude_each_other_are_a_usage_error(
    assignments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A value has no keys within it."""
    assert main(["watch", *(part for assignment in assignments for part in ("--set", assignment))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("facenode: --set mqtt")


def test_an_assignment_that_is_refused_is_printed_without_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    """It can contain the password of a camera."""
    for assignment in ("source=rtsp://admin:s3cret@cam/x", "camera.source:rtsp://admin:s3cret@cam/x"):
        assert main(["watch", "--set", assignment]) == 2
        assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--verbose"], ["list"], ["list", "--json"], ["--json"]])
def test_a_command_without_a_verb_takes_its_default_one(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`facenode inbox` lists, with any option of the list; nothing is there without a node."""
    given = ["--set", f"storage.dir={tmp_path}"]
    arguments = [*options, *given] if options[:1] == ["list"] else [*given, *options]
    assert main(["inbox", *arguments]) == 1
    assert "no node runs in" in capsys.readouterr().err


def test_help_shows_the_verbs_of_a_command_that_has_a_default_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Help is of the command, not of its default verb."""
    with pytest.raises(SystemExit) as ended:
        main(["inbox", "--help"])
    assert ended.value.code == 0
    assert "assign" in capsys.readouterr().out
