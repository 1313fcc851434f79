"""The version of what is spoken on the local socket, and who speaks it."""

from node import __version__
from node.domain import Instant
from node.requests.answer import Answer
from node.requests.local_request import Hello
from node.requests.verb import Verb

VERSION = 1
"""It rises when a field of a request or an answer changes its meaning or goes. Unknown fields are ignored."""


def hello(request: Hello, at: Instant, answer: Answer) -> None:
    """Answer the version of the protocol and of the program, and every verb."""
    del request, at
    answer.ok({"v": VERSION, "version": __version__, "verbs": [str(verb) for verb in Verb]})
