"""Commands of root on a folder of another user, who swaps links and FIFOs there meanwhile -> their exit codes.

Run as `python storage_attack.py STORAGE UID TRIES VICTIM FILE` by root. It prints how the commands ended.
"""

import importlib
import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from node.cli import main

_COMMAND_S = 20


def fork(work: Callable[[], int]) -> int:
    """Run something in a process of its own and return its number."""
    process = os.fork()
    if process:
        return process
    code = 99
    try:
        code = work()
    finally:
        os._exit(code)


def swap(storage: Path, uid: int, victim: Path) -> int:
    """Put links and FIFOs in the place of what a command looks for, over and over, as the owner of the folder."""
    program = os.getppid()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    people = storage / "people"
    places = {
        people / ".new": victim,
        people: victim,
        people / "eve": victim,
        people / "eve" / "person.json": victim / "file",
        storage / "outbox.db": victim / "file",
        storage / "outbox.db-wal": None,
        people / ".new" / "eve": victim,
    }
    while os.getppid() == program:  # not for longer than the program, however that ends
        for place, target in places.items():
            aside = storage / "aside"
            with suppress(OSError):
                place.rename(aside)
            with suppress(OSError):
                if target is None:
                    os.mkfifo(place)
                else:
                    place.symlink_to(target)
            with suppress(OSError):
                place.unlink()
            with suppress(OSError):
                aside.rename(place)
            with suppress(OSError):
                shutil.rmtree(aside)
    return 0


def run(*arguments: str) -> int:
    """Run a command as root, with its output thrown away; a command that hangs is killed."""
    signal.alarm(_COMMAND_S)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return main(arguments)


def attack(storage: Path, uid: int, tries: int, victim: Path, file: Path) -> Counter[int]:
    """Return how often the commands ended with each exit code."""
    importlib.import_module("node.commands.people")  # once, not in each process
    attacker = fork(lambda: swap(storage, uid, victim))
    codes: Counter[int] = Counter()
    setting = ("--set", f"storage.dir={storage}", "--set", "homeassistant.enabled=false")
    try:
        for _ in range(tries):
            for arguments in (("import", str(file)), ("remove", "eve"), ("list",)):
                command = fork(lambda arguments=arguments: run("people", *arguments, *setting))  # type: ignore[misc]
                codes[os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])] += 1
    finally:
        os.kill(attacker, signal.SIGKILL)
        os.waitpid(attacker, 0)
    return codes


if __name__ == "__main__":
    place, number, count, target, bundle = sys.argv[1:]
    sys.stdout.write(json.dumps(attack(Path(place), int(number), int(count), Path(target), Path(bundle))))
