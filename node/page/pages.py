"""A template and its values -> a page, with what every page has: language, paths, the form's token, the undo line."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse

from node import __version__
from node.page.texts import Sentence
from node.page.visit import Visit

_FOLDER = Path(__file__).with_name("templates")
_MAX_MESSAGES = 64
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for the next page.

    Attributes:
        sentence: what is said.
        problem: whether something did not work.
    """

    sentence: Sentence
    problem: bool


def with_code(text: str) -> Markup:
    """Return a text whose parts between backticks are shown as code; everything in it is escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped right here


class Messages:
    """What is to be said on the next page of a session; in memory, each once."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Message] = OrderedDict()

    def leave(self, visit: Visit, message: Message) -> None:
        """Leave a sentence for the next page."""
        self._waiting[visit.form_token] = message
        while len(self._waiting) > _MAX_MESSAGES:
            self._waiting.popitem(last=False)

    def take(self, visit: Visit) -> Message | None:
        """Return the sentence that was left, and forget it."""
        return self._waiting.pop(visit.form_token, None)


class Pages:
    """Render pages.

    Args:
        node_name: of the node, for the heading.
        undo: returns what can be undone, the latest first; None while nobody can tell.
    """

    def __init__(self, node_name: str, undo: Callable[[], Any]) -> None:
        self.messages = Messages()
        self._node_name, self._undo = node_name, undo
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False, bytecode_cache=None,
        )  # fmt: skip
        self._environment.filters["code"] = with_code

    def show(self, visit: Visit, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """Return a page with navigation and the undo line, for somebody with a session."""
        actions = self._undo()
        common = {
            "undo": next(iter(actions or ()), None),
            "message": self.messages.take(visit),
            "form_token": visit.form_token,
            "node_name": self._node_name,
        }
        return self._render(visit, template, status, {**common, **values})

    def show_plain(self, visit: Visit, template: str, status: int, **values: object) -> HTMLResponse:
        """Return a page without navigation, for somebody without a session."""
        return self._render(visit, template, status, values)

    def go_to(
        self, visit: Visit, path: str, sentence: Sentence | None = None, *, problem: bool = False
    ) -> RedirectResponse:
        """Return what leads a browser to a path of the page after a change, with a sentence for it."""
        if sentence is not None:
            self.messages.leave(visit, Message(sentence, problem))
        return RedirectResponse(f"{visit.base}{path}", status_code=303)

    def _render(self, visit: Visit, template: str, status: int, values: Mapping[str, object]) -> HTMLResponse:
        texts = visit.texts
        text = self._environment.get_template(template).render(
            base=visit.base, t=texts, tell=texts.tell, n=texts.count, language=texts.language, version=__version__,
            **values,
        )  # fmt: skip
        return HTMLResponse(text, status)
