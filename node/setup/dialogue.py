"""The steps of the first run as dialogues: what each says and asks, without a terminal or a page.

A step is a generator. It yields `Say` and `Ask`, is sent the owner's answer to each `Ask`, and returns what was
decided. An answer that makes no sense is said so and asked again. Whoever drives a step may close it at any question:
nothing has been changed by then.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from node.errors import SetupError


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence to the owner.

    Attributes:
        text: one sentence or more, without line ends.
        heading: whether a step begins.
        problem: whether something is wrong.
    """

    text: str
    heading: bool = False
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the owner.

    Attributes:
        text: the question, without a question mark's ceremony, such as `Password`.
        default: the answer where the owner types nothing; None where there is none.
        secret: whether what is typed is not shown.
    """

    text: str
    default: str | None = None
    secret: bool = False


Value = TypeVar("Value")
Dialogue = Generator[Say | Ask, str, Value]


def ask_until(question: Ask, checked: Callable[[str], Value]) -> Dialogue[Value]:
    """Ask until an answer is accepted, and return what it means.

    Args:
        question: to ask.
        checked: returns what an answer means; raises SetupError with what is wrong.
    """
    while True:
        answer = (yield question).strip() or question.default or ""
        try:
            return checked(answer)
        except SetupError as error:
            yield Say(str(error), problem=True)


def ask_yes(text: str, *, default: bool) -> Dialogue[bool]:
    """Ask a question that is answered by yes or no."""

    def checked(answer: str) -> bool:
        word = answer.lower()
        if word not in ("y", "yes", "n", "no"):
            raise SetupError("Type y for yes or n for no.")
        return word.startswith("y")

    return (yield from ask_until(Ask(f"{text} (y/n)", "y" if default else "n"), checked))


def choose(text: str, choices: Sequence[str], default: int = 0) -> Dialogue[int]:
    """Show numbered choices, and return the index of the one that the owner picks."""
    for number, choice in enumerate(choices, 1):
        yield Say(f"{number}. {choice}")

    def checked(answer: str) -> int:
        if not (answer.isascii() and answer.isdecimal() and 1 <= int(answer[:4]) <= len(choices)):
            raise SetupError(f"Type a number from 1 to {len(choices)}.")
        return int(answer[:4]) - 1

    return (yield from ask_until(Ask(text, str(default + 1)), checked))
