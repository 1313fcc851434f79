"""The verbs of a node -> docs/local-socket.md, with an exchange as the program writes it."""

import json

from docs.markdown import code, page, table
from node.errors import Reason
from node.requests.answer import failure, success
from node.requests.inbox import LOCAL_FIELDS
from node.requests.local_socket import MAX_CONNECTIONS
from node.requests.protocol import FILE, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, VERSION, Timeouts
from node.requests.verb import OFFERED, Verb

_TIMEOUTS = Timeouts()
_REASONS = ", ".join(f"`{reason}`" for reason in Reason)
_INTRO = f"""
A running node listens on a Unix socket, `{FILE}` in `storage.dir`. `facenode people`, `facenode inbox` and programs of
your own use it for what MQTT never carries: stored faces, pictures of visits and of the view, merging people and
undoing it. Its mode is 0600: whoever may read `storage.dir` may ask, and nobody else.

- One connection carries one request and one answer, each a line of JSON in UTF-8.
- A request has at most {MAX_REQUEST_BYTES} bytes, `"verb"`, the fields of the verb, and `"v"`, the version of this
  protocol that you speak. Without `"v"` it is version 1. A node refuses a newer version than its own. Fields that it
  does not know are ignored.
- An answer has `"status"`: `"ok"`, with the result as `"data"` if there is any, or `"error"`, with a sentence as
  `"error"`. Programs that say it in words of their own read `"reason"`, which is one of {_REASONS}, and `"about"`, an
  object with ids and numbers; other errors have neither. It has at most {MAX_ANSWER_BYTES >> 20} MB.
  Ignore fields that you do not know.
- {MAX_CONNECTIONS} connections are served at once; one more is answered with an error. A request must be complete
  within {_TIMEOUTS.receive_s:.0f} s, an answer is sent within {_TIMEOUTS.receive_s:.0f} s, and a node that has not
  answered within {_TIMEOUTS.answer_s:.0f} s says so. A connection that is silent, slow or does not read holds up no
  other, and never the node.
- Every request is done whole or not at all, between two frames. What changes people takes the same lock as the
  commands, so that the node and a command never write at once.
- The version is {VERSION}. It rises when a field changes its meaning or goes. `hello` returns it.

A request and its answers:
""".strip()
_ADDED = f"""
The verbs of [request/&lt;verb&gt;](topics.md#requests) are here, too, with the same fields. These fields count on the
socket only: {", ".join(map(code, sorted(LOCAL_FIELDS)))}. With `"force": true`, `people_enroll` and `people_ignore`
accept a face that is nearer to somebody else.
""".strip()
_WITHOUT = """
## Without a running node

`facenode people` changes the files itself: `photos`, `rename`, `merge`, `ignore`, `undo`, `export` and `import` need no
node. `facenode inbox` does so if `review.keep_days` keeps the inbox on disk. A node that runs takes changes over
within a second.
""".strip()
_PERSON = '`"id"`'
_VERBS = {
    Verb.HELLO: ("", '`{"v", "version", "verbs"}`: the version of the protocol and of the program, and every verb'),
    Verb.PEOPLE_PHOTOS: (
        _PERSON,
        (
            'a list of `{"photo", "source", "added", "agreement", "rejected", "face", "weak", "alike", "own", '
            '"other"}`: the id of each photo, where it comes from, when it was enrolled, by how '
            "much its deciding score with the most similar other photo reaches the threshold, as `person.margin`, or "
            "null without one, whether it is a rejected face, whether its face is kept, whether the other photos "
            "would not name this person (`weak`) or would name somebody else (`alike`); `own` and `other` are "
            '`{"id", "score", "margin"}` of the person and of whoever else is nearest, else null'
        ),
    ),
    Verb.PEOPLE_PHOTO: (f'{_PERSON}, `"photo"`', '`{"png"}`: the aligned face in base64'),
    Verb.PEOPLE_PHOTO_REMOVE: (f'{_PERSON}, `"photo"`', '`{"id", "faces"}`; the only photo of a person stays'),
    Verb.PEOPLE_PHOTO_MOVE: (
        f'{_PERSON}, `"photo"`, `"to"`',
        'a list of `{"id", "faces"}`: the person who had the photo, and the other, who must be enrolled',
    ),
    Verb.PEOPLE_MERGE: (
        f'{_PERSON}, `"into"`',
        '`{"id", "faces"}`: the person who stays, with all photos; the first id is free again',
    ),
    Verb.PEOPLE_UNDO_LIST: (
        "",
        (
            'a list of `{"action", "age_s", "what", "deed", "values", "people", "obstacle"}`, latest first: the '
            "actions of ten minutes, at most 50: what was done as a sentence, and as a kind with its values; and why "
            "one cannot be undone, else null"
        ),
    ),
    Verb.PEOPLE_UNDO: ('`"action"`', '`{"action", "what", "deed", "values"}`; refused if somebody has changed since'),
    Verb.PEOPLE_OVERVIEW: (
        "",
        (
            'a list of `{"id", "name", "faces", "rejected", "ignored", "last_seen", "photo", "recognized", '
            '"comparable", "other", "more", "childlike"}`: of how many comparable photos the others name the person '
            "and nobody else, how many more would help, whether the network sees many faces like theirs, and "
            "who else is nearest; `photo` is the id of one with a face"
        ),
    ),
    Verb.PEOPLE_TRACES: (
        _PERSON,
        (
            'a list of `{"kind", "path", "numbers", "what"}`: everything that `people_remove` would erase, each also '
            "as a sentence"
        ),
    ),
    Verb.INBOX_LIST: (
        "",
        (
            '`{"groups", "keep_days", "most"}`: groups, the most useful first, the value of `review.keep_days`, and '
            'how many visits are kept; a group is `{"use", "entries"}`; `"use"` is `stranger_again`, `uncertain`, '
            '`other` or `unusable`, an entry is `{"entry", "began", "seen", "person", "nearest", "score", "margin", '
            '"looks", "flaws", "events", "picture"}`, with `"score"` and `"margin"` as in events'
        ),
    ),
    Verb.INBOX_SHOW: (
        '`"entry"`',
        '`{"png", "jpeg"}` in base64: the aligned face, and a picture with hair and shoulders; null if there is none',
    ),
    Verb.INBOX_ASSIGN: (
        '`"entries"`, `"as"`; `"id"`, `"name"`, `"alike": true`, `"force": true`',
        (
            '`{"what", "id"}`; `"as"` is `person` (with `"id"`), `new` (with `"name"`, and `"id"` if you wish), '
            "`ignore`, `reject` or `drop`; all entries are one action; `alike` decides about their whole groups; "
            "without `force`, a face that is nearer to somebody else, or that failed a gate, is refused"
        ),
    ),
    Verb.INBOX_CLEAR: ("", "nothing; the inbox is erased for good"),
    Verb.STILL: (
        "",
        (
            '`{"jpeg", "aspect", "masks", "recognition", "faces"}`: the next frame in base64, turned and cropped, '
            "with the masks drawn on it, its width by its height, how many masks there are, whether faces are looked "
            "at, and of each face "
            '`{"box", "masked", "person", "score", "shortfalls"}`; a shortfall is `{"flaw", "what", "measured", '
            '"needed"}`; refused in privacy mode'
        ),
    ),
}


def local_socket_page() -> str:
    """Return the text of docs/local-socket.md."""
    request = json.dumps({"v": VERSION, "verb": str(Verb.PEOPLE_MERGE), "id": "ada2", "into": "ada"})
    done = success("local", {"id": "ada", "faces": 5}).decode()
    refused = failure(
        "local", "ada2: nobody is enrolled under this id: `facenode people list` shows everybody"
    ).decode()
    verbs = [verb for verb in Verb if verb not in OFFERED]
    return page(
        "The local socket",
        _INTRO,
        f"```text\n{request}\n{done}\n{refused}\n```",
        "## Verbs",
        _ADDED,
        table(("verb", "fields", "data of the answer"), ((code(verb), *_VERBS[verb]) for verb in verbs)),
        _WITHOUT,
    )
