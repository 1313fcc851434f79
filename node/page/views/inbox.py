"""The inbox: who came, and what the owner says about it."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from node.errors import PeopleError, Reason
from node.page.backend import Backend
from node.page.form import Form
from node.page.ids import ENTRY, PERSON, entry_ids, path_id
from node.page.inbox_cards import Card, Section, cards
from node.page.pages import Pages
from node.page.people_names import PeopleNames
from node.page.problems import PageError, sentence_of
from node.page.texts import Sentence, say, say_count
from node.page.views.picture import picture
from node.page.visit import Visit

_KINDS = ("person", "new", "ignore", "reject", "drop")
_MAX_APART = 100
_MAX_NAME = 64


class InboxViews:
    """Show the inbox, and decide about visits.

    Args:
        backend: asks the node.
        names: of the people.
        pages: renders what is shown.
    """

    def __init__(self, backend: Backend, names: PeopleNames, pages: Pages) -> None:
        self._backend, self._names, self._pages = backend, names, pages

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page with a card for each group of visits."""
        apart = entry_ids([request.query_params.get("apart", "")])[:_MAX_APART]
        values: dict[str, Any] = {"page": "inbox", "apart": apart, "sections": [], "names": {}, "notice": None}
        try:
            inbox = self._backend.ask("inbox_list")
        except PeopleError as error:
            if error.reason is not Reason.AWAY:
                raise
            return self._pages.show(visit, "inbox.html", **values | {"notice": "inbox.not_running", "kept": None})
        names = self._names()
        found = cards(inbox["groups"], names, apart)
        private = not found and self._backend.ask("check").get("camera") == "private"
        values |= {
            "sections": [(section, [card for card in found if card.section is section]) for section in Section],
            "following": _following(found),
            "names": names,
            "notice": None if found else "inbox.private" if private else "inbox.empty",
            "kept": _kept(inbox),
        }
        return self._pages.show(visit, "inbox.html", **values)

    def picture(self, visit: Visit, request: Request) -> Response:
        """Return the picture of a visit, else the aligned face."""
        del visit
        shown = self._backend.ask("inbox_show", entry=path_id(request, "entry", ENTRY))
        if shown["jpeg"] is not None:
            return picture(base64.b64decode(shown["jpeg"]), "image/jpeg")
        return picture(None if shown["png"] is None else base64.b64decode(shown["png"]), "image/png")

    def decide(self, visit: Visit, request: Request, form: Form) -> Response:
        """Carry out what the owner decided, or ask whether a doubtful face is to be taught anyway."""
        del request
        entries = entry_ids(form.values("entries"))
        if not entries:
            raise PageError(say("error.none_chosen"))
        fields = _fields(form)
        names = self._names()
        force = form.value("force") == "yes"
        try:
            done = self._backend.ask("inbox_assign", entries=entries, **fields, **({"force": True} if force else {}))
        except PeopleError as error:
            if error.reason not in (Reason.UNUSABLE, Reason.NEARER) or force or fields["as"] in ("reject", "drop"):
                raise
            return self._confirm(visit, form, error, entries, names)
        sentence = _done(fields, done, len(entries), self._names.known())
        return self._pages.go_to(visit, path_after(form), sentence)

    def _confirm(
        self, visit: Visit, form: Form, error: PeopleError, entries: Sequence[str], names: Mapping[str, str]
    ) -> Response:
        """Return the page that says why a face is doubtful, with the same form once more."""
        nearer = names.get(str(error.about.get("id", "")), "") if error.reason is Reason.NEARER else ""
        again = {key: form.value(key) for key in ("do", "who", "name", "next", "apart")}
        return self._pages.show(
            visit, "confirm.html", 409, page="inbox", why=sentence_of(error, names), nearer=nearer, entries=entries,
            again=again, back=path_after(form),
        )  # fmt: skip


def path_after(form: Form) -> str:
    """Return the path of the inbox after a form: with the same groups, at the next card."""
    apart = entry_ids(form.values("apart"))[:_MAX_APART]
    query = f"?{urlencode({'apart': ','.join(apart)})}" if apart else ""
    following = form.value("next", ENTRY.fullmatch)
    return f"/{query}{f'#card-{following}' if following else ''}"


def _fields(form: Form) -> dict[str, str]:
    """Return what was decided, as `inbox_assign` wants it.

    Raises:
        PageError: the form does not say.
    """
    kind, _, person = form.value("do").partition(":")
    if kind not in _KINDS:
        raise PageError(say("error.form"))
    if kind == "person":
        chosen = person or form.value("who")
        if not PERSON.fullmatch(chosen):
            raise PageError(say("error.no_person"))
        return {"as": kind, "id": chosen}
    if kind == "new":
        return {"as": kind, "name": checked_name(form.value("name"))}
    return {"as": kind}


def checked_name(given: str) -> str:
    """Return a display name without the spaces around it.

    Raises:
        PageError: it is not one.
    """
    name = given.strip()
    if not (0 < len(name) <= _MAX_NAME and name.isprintable()):
        raise PageError(say("error.name"))
    return name


def _done(fields: Mapping[str, str], done: Mapping[str, Any], count: int, names: Mapping[str, str]) -> Sentence:
    """Return what was done."""
    kind, person = fields["as"], str(done["id"] or "")
    if kind == "drop":
        return say_count("done.dropped", count)
    keys = {"person": "done.person", "new": "done.new", "ignore": "done.ignored", "reject": "done.rejected"}
    return say(keys[kind], name=names.get(person, person))


def _kept(inbox: Mapping[str, Any]) -> Sentence:
    if inbox["keep_days"]:
        return say_count("inbox.kept_days", inbox["keep_days"])
    return say("inbox.kept_memory", most=inbox["most"])


def _following(found: Sequence[Card]) -> Mapping[str, str]:
    """Return the key of the card after each card, by its key; that of the one before for the last."""
    keys = [card.key for section in Section for card in found if card.section is section]
    after = [*keys[1:], *keys[-2:-1]]
    return dict(zip(keys, after, strict=False))
