"""A dialogue of the first run -> lines on a terminal of any width, and what the owner types."""

import getpass
import shutil
import sys
import textwrap
from collections.abc import Callable

from node.errors import UsageError
from node.setup.dialogue import Ask, Dialogue, Say, Value
from node.system.terminal import print_line, print_note, shown

_WIDEST, _NARROWEST = 100, 20


class Terminal:
    """Print what a dialogue says, and send it what is typed.

    Args:
        columns: returns the width of the terminal.
        read: shows a prompt and returns a line.
        read_secret: the same, without showing what is typed.
    """

    def __init__(
        self,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
        read: Callable[[str], str] = input,
        read_secret: Callable[[str], str] = getpass.getpass,
    ) -> None:
        self._columns, self._read, self._read_secret = columns, read, read_secret

    def run(self, dialogue: Dialogue[Value]) -> Value:
        """Drive a dialogue to its end, and return what was decided.

        Raises:
            UsageError: there is nobody who types.
        """
        answer: str | None = None
        while True:
            try:
                step = next(dialogue) if answer is None else dialogue.send(answer)
            except StopIteration as ended:
                decided: Value = ended.value
                return decided
            answer = None
            if isinstance(step, Say):
                self.say(step)
            else:
                answer = self._ask(step)

    def say(self, said: Say) -> None:
        """Print a sentence."""
        if said.heading:
            print_line()
            print_line(said.text)
            print_line("-" * len(said.text))
            return
        lead = "! " if said.problem else ""
        for line in self._wrapped(lead + said.text):
            print_line(line)

    def _ask(self, question: Ask) -> str:
        default = f" [{question.default}]" if question.default and not question.secret else ""
        *above, last = self._wrapped(f"{question.text}{default}: ")
        for line in above:
            print_line(line)
        prompt = shown(f"{last.rstrip()} ", sys.stdout)
        try:
            return (self._read_secret if question.secret else self._read)(prompt)
        except EOFError as error:
            print_note("")
            raise UsageError(
                "nobody types the answers: run `facenode setup` in a terminal, or use --answers"
            ) from error

    def _wrapped(self, text: str) -> list[str]:
        width = max(_NARROWEST, min(_WIDEST, self._columns()))
        return textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]
