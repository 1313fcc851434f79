"""Processes that take turns -> the milliseconds of their steps, so that other load on the machine affects all alike.

A process answers on its standard output: it prints `ready` once its steps are built, and then for each line with the
name of a step the milliseconds of one run, as JSON: one number for each figure that the step has.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
_READY = "ready"
_LEAST_ROUNDS = 5
_SPIN = "while True: pass"

Figures = Mapping[str, float]
"""Milliseconds, by the name of the figure."""


class Player:
    """A process that runs a step whenever it is its turn.

    Args:
        command: the script in this folder, and its arguments.
        checkout: the checkout whose program it runs.
        python: the interpreter.
    """

    def __init__(self, command: Sequence[str], checkout: Path = ROOT, python: str = sys.executable) -> None:
        path = os.pathsep.join(map(str, (checkout, FOLDER)))
        self._process = subprocess.Popen(
            [python, str(FOLDER / command[0]), *command[1:]],
            env=os.environ | {"PYTHONPATH": path},
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._answer() != _READY:
            raise SystemExit(f"{' '.join(command)} in {checkout}: it does not start")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def turn(self, step: str) -> Figures:
        """Run a step once, and return its figures."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()
        figures: dict[str, float] = json.loads(self._answer() or "{}")
        return figures

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def serve(steps: Mapping[str, Callable[[], Figures]]) -> None:
    """Answer every turn until nobody asks any more: the other end of a Player."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    answers.write(f"{_READY}\n")
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(steps[line.strip()]()) + "\n")
        answers.flush()


def timed(step: Callable[[], object]) -> float:
    """Return the milliseconds of one run of a step."""
    began_s = time.perf_counter()
    step()
    return (time.perf_counter() - began_s) * 1e3


def play(
    players: Mapping[str, Player],
    steps: Sequence[str],
    rounds: int,
    *,
    most_s: float = float("inf"),
    warm_up: int = 3,
) -> dict[str, dict[str, list[float]]]:
    """Return the milliseconds of each player's figures; in each round each player runs each step once.

    Args:
        players: by name.
        steps: their names, the same for all players.
        rounds: how many.
        most_s: seconds after which no further round begins, once there are some.
        warm_up: rounds before them that do not count.
    """
    found: dict[str, dict[str, list[float]]] = {name: {} for name in players}
    began_s = time.monotonic()
    for number in range(rounds + warm_up):
        if number > warm_up + _LEAST_ROUNDS and time.monotonic() - began_s > most_s:
            break
        for step in steps:
            for name, player in players.items():
                figures = player.turn(step)
                if number >= warm_up:
                    for figure, took_ms in figures.items():
                        found[name].setdefault(figure, []).append(took_ms)
    return found


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many processes busy for as long as the context lasts."""
    with ExitStack() as all_of_them:
        for _ in range(count):
            process = all_of_them.enter_context(subprocess.Popen([sys.executable, "-c", _SPIN]))
            all_of_them.callback(process.kill)
        yield
