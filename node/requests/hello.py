"""Who speaks the protocol of the local socket, and which version of it."""

from node import __version__
from node.domain import Instant
from node.requests.answer import Answer
from node.requests.local_request import Hello
from node.requests.protocol import VERSION
from node.requests.verb import Verb


def hello(request: Hello, at: Instant, answer: Answer) -> None:
    """Answer the version of the protocol and of the program, and every verb."""
    del request, at
    answer.ok({"v": VERSION, "version": __version__, "verbs": [str(verb) for verb in Verb]})
