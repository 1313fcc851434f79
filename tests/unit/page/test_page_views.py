"""What the page shows and asks the node for: each view and each action, and each thing that can go wrong with it."""

import base64
from pathlib import Path
from typing import Any

import pytest
from page_client import PageClient
from page_scenes import JPEG, PEOPLE, SMALL, VERBS, entry, found_face, inbox, person, photo

from node.errors import PeopleError, Reason

FIRST, SECOND = f"{1:08x}", f"{2:08x}"


@pytest.fixture
def client(tmp_path: Path) -> PageClient:
    """Return a browser with a session, at a node that knows Ada and Bob."""
    made = PageClient(tmp_path)
    made.node.answers |= {"people_list": PEOPLE, "inbox_assign": {"what": "done", "id": "ada"}}
    made.log_in_by_link()
    return made


def shown(client: PageClient, path: str) -> str:
    """Return the text of a page, without markup and without the spaces that it is indented by."""
    text = client.get(path).text.partition("<main")[2].partition("</main>")[0]
    return " ".join(" ".join(part.partition(">")[2] for part in text.split("<")).split())


@pytest.mark.parametrize(
    ("use", "visits", "sentence"),
    [
        (
            "uncertain", [entry(1, nearest="bob", score=0.41, margin=-0.06)],
            "Looks like Bob, but not surely: 0.41, needs 0.47.",
        ),
        (
            "uncertain", [entry(1, person="bob", nearest="bob", score=0.49, margin=0.02)],
            "Recognized as Bob, but barely: 0.49, needs 0.47.",
        ),
        (
            "uncertain", [entry(1, person="ada", nearest="bob", score=0.61, margin=0.14)],
            "Was taken for Ada &lt;b&gt;, but is nearer to Bob: 0.61, needs 0.47.",
        ),
        (
            "uncertain", [entry(1, person="bob", nearest="bob", score=0.18, margin=-0.29)],
            "Was taken for Bob, but does not look like Bob: 0.18, needs 0.47.",
        ),
        (
            "other", [entry(1, person="bob", nearest="bob", score=0.71, margin=0.24)],
            "Bob, recognized surely: 0.71, needs 0.47. There is nothing to teach.",
        ),
        (
            "stranger_again", [entry(2, nearest="bob", score=0.11, margin=-0.36), entry(1)],
            "A stranger, seen 2 times. Nearest is Bob: 0.11, needs 0.47.",
        ),
        ("other", [entry(1)], "A stranger."),
        (
            "unusable", [entry(1, looks=0, flaws={"size": 5, "blur": 2, "tilt": 1})],
            "No look was good enough: too small or blurred.",
        ),
    ],
)  # fmt: skip
def test_a_card_says_in_one_sentence_what_the_node_makes_of_it(
    client: PageClient, use: str, visits: list[dict[str, Any]], sentence: str
) -> None:
    """With the score of the nearest person, and the one at which this face would be named."""
    client.node.answers["inbox_list"] = inbox((use, visits))
    assert sentence in shown(client, "/")


def test_a_surely_recognized_face_is_not_offered_for_teaching(client: PageClient) -> None:
    """It teaches nothing, and a slip would teach something wrong. What it offers is to say that it is not her."""
    client.node.answers["inbox_list"] = inbox(("other", [entry(1, person="bob", nearest="bob", score=0.7, margin=0.2)]))
    text = shown(client, "/")
    assert "Not Bob" in text
    assert "It is Bob" not in text
    assert "Enroll" not in text


def test_the_page_says_how_long_faces_are_kept(client: PageClient) -> None:
    """In memory, or for days."""
    client.node.answers["inbox_list"] = inbox(("other", [entry(1)]))
    assert "gone at the next restart, or after 100 more visits" in shown(client, "/")
    client.node.answers["inbox_list"] = inbox(("other", [entry(1)]), keep_days=1)
    assert "kept on disk for 1 day." in shown(client, "/")


def test_an_empty_inbox_says_why(client: PageClient) -> None:
    """Nobody came, privacy mode is on, or the node does not run."""
    assert "Nobody waits for you" in shown(client, "/")
    client.node.answers["check"] = {"camera": "private"}
    assert "Privacy mode is on" in shown(client, "/")
    client.node.runs = False
    assert "the node does not run" in shown(client, "/")


@pytest.mark.parametrize(
    ("fields", "asked", "said"),
    [
        ({"do": "person:ada"}, {"as": "person", "id": "ada"}, "That is Ada &lt;b&gt; now."),
        ({"do": "person", "who": "bob"}, {"as": "person", "id": "bob"}, "That is"),
        ({"do": "new", "name": " Zoë "}, {"as": "new", "name": "Zoë"}, "is enrolled"),
        ({"do": "ignore"}, {"as": "ignore"}, "but you are not told"),
        ({"do": "reject"}, {"as": "reject"}, "not taken for Ada"),
        ({"do": "drop"}, {"as": "drop"}, "2 visits are put aside"),
    ],
)
def test_a_decision_is_one_request_and_leads_to_the_next_card(
    client: PageClient, fields: dict[str, str], asked: dict[str, str], said: str
) -> None:
    """About all faces of the form; the next page says what was done, once."""
    given = {"entries": f"{FIRST},{SECOND}", "next": f"{3:08x}", "apart": f"{7:08x}", **fields}
    answer = client.send("/decide", given)
    assert (answer.status, answer.location) == (303, f"{client.base}/?apart={7:08x}#card-{3:08x}")
    assert client.node.asked_for("inbox_assign") == [{"entries": [FIRST, SECOND], **asked}]
    assert said in shown(client, "/")
    assert said not in shown(client, "/")


def test_several_cards_are_decided_about_at_once(client: PageClient) -> None:
    """The boxes of the cards give their faces, each once; what is no id is left out."""
    given = {"entries": [FIRST, f"{SECOND},{FIRST}", "../x", ""], "do": "drop"}
    assert client.send("/decide", given).status == 303
    assert client.node.asked_for("inbox_assign") == [{"entries": [FIRST, SECOND], "as": "drop"}]


def test_a_face_can_be_taken_out_of_its_group(client: PageClient) -> None:
    """It is then a card of its own, by the address alone: another phone still sees the group."""
    client.node.answers["inbox_list"] = inbox(("stranger_again", [entry(3), entry(2), entry(1)]))
    whole = client.get("/").text
    assert whole.count("data-card") == 1
    assert f'value="{3:08x},{2:08x},{1:08x}"' in whole
    apart = client.get(f"/?apart={2:08x}").text
    assert apart.count("data-card") == 2
    assert f'value="{3:08x},{1:08x}"' in apart
    assert f'value="{2:08x}"' in apart


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "drop"}, "Choose at least one face"),
        ({"do": "drop", "entries": "../../etc"}, "Choose at least one face"),
        ({"do": "person", "entries": FIRST}, "Choose a person"),
        ({"do": "person:../x", "entries": FIRST}, "Choose a person"),
        ({"do": "new", "entries": FIRST, "name": "  "}, "A name has 1 to 64 characters"),
        ({"do": "new", "entries": FIRST, "name": "x" * 65}, "A name has 1 to 64 characters"),
        ({"do": "new", "entries": FIRST, "name": "a\nb"}, "A name has 1 to 64 characters"),
        ({"do": "erase", "entries": FIRST}, "The form makes no sense"),
        ({"entries": FIRST}, "The form makes no sense"),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(client: PageClient, fields: dict[str, str], said: str) -> None:
    """One sentence on the page says what is missing."""
    assert client.send("/decide", fields).status == 303
    assert client.node.asked_for("inbox_assign") == []
    assert said in shown(client, "/")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PeopleError("x", Reason.NEARER, {"id": "bob", "score": 0.61}), "This face is Bob\u2019s (0.61)."),
        (PeopleError("x", Reason.UNUSABLE, {"flaws": ["size", "blur"]}), "No face here is good enough: too small or"),
    ],
)
def test_a_doubtful_face_is_taught_only_if_its_owner_insists(client: PageClient, error: PeopleError, said: str) -> None:
    """The page says why, and the same form once more, with one field more, carries it out."""
    client.node.answers["inbox_assign"] = error
    given = {"entries": FIRST, "do": "person:ada", "next": SECOND}
    answer = client.send("/decide", given)
    assert answer.status == 409
    assert said in answer.text
    assert "Teach anyway" in answer.text
    client.node.answers["inbox_assign"] = {"what": "done", "id": "ada"}
    assert client.send("/decide", {**given, "force": "yes"}).status == 303
    assert client.node.asked_for("inbox_assign")[-1] == {
        "entries": [FIRST], "as": "person", "id": "ada", "force": True,
    }  # fmt: skip


@pytest.mark.parametrize("reason", [None, *Reason])
def test_whatever_the_node_refuses_is_one_sentence_of_the_page(client: PageClient, reason: Reason | None) -> None:
    """A stale id, two phones at once, a full disk, a node that dies in the middle: nothing is half done."""
    client.node.answers["inbox_assign"] = PeopleError(
        "the node's own sentence", reason, {"flaws": ["size"], "id": "bob"}
    )
    assert client.send("/decide", {"entries": FIRST, "do": "drop"}).status == 303
    page = client.get("/").text
    assert 'role="alert"' in page
    assert ("the node&#39;s own sentence" in page) == (reason is None)


def test_everybody_is_listed_with_what_is_known_of_them(client: PageClient) -> None:
    """Photos, last seen, how surely; too few photos, look-alikes, those of another network, the ignored."""
    client.node.answers["people_overview"] = [
        person("bob", "Bob", recognized=2, other={"id": "ada", "score": 0.6, "margin": 0.1}),
        person("ada", "Ada <b>", faces=1, recognized=0, comparable=1, ignored=True, last_seen=None, more=2),
        person("eve", "Eve", comparable=0, recognized=0, photo=None),
        person("flo", "Flo"),
        person("kim", "Kim", more=1, childlike=True),
    ]
    text = shown(client, "/people")
    assert text.index("Ada &lt;b&gt;") < text.index("Bob") < text.index("Eve") < text.index("Flo")
    for part in (
        "ignored", "Add 2 more photos, in another light and pose",
        "for a child, new ones every year", "Not seen since the node was started", "2 of 3 photos agree",
        "Looks like Ada &lt;b&gt; (0.60)", "Enrolled with another network", "Recognized surely",
    ):  # fmt: skip
        assert part in text


def test_a_persons_photos_say_which_are_weak_or_look_like_somebody_else(client: PageClient) -> None:
    """And which are rejected faces, or have no picture any more."""
    client.node.answers["people_overview"] = [person("ada", "Ada <b>"), person("bob", "Bob")]
    client.node.answers["people_photos"] = [
        photo("1" * 16),
        photo("2" * 16, weak=True, own={"id": "ada", "score": 0.3, "margin": -0.17}),
        photo("3" * 16, alike=True, other={"id": "bob", "score": 0.66, "margin": 0.2}, face=False),
        photo("4" * 16, rejected=True, own=None),
        photo("5" * 16, own=None),
    ]
    text = shown(client, "/people/ada")
    for part in (
        "0.80 with the others, needs 0.50", "0.30 with the others, needs 0.47", "Weak: unlike the other photos",
        "Looks like Bob (0.66)", "The face is not kept", "Not Ada &lt;b&gt;: kept", "The only one to compare",
    ):  # fmt: skip
        assert part in text
    assert client.get("/people/eve").status == 503
    assert "not enrolled any more" in client.get("/people/eve").text


@pytest.mark.parametrize(
    ("path", "fields", "verb", "asked", "after", "said"),
    [
        ("rename", {"name": "Zoë"}, "people_rename", {"id": "ada", "name": "Zoë"}, "ada", "The name is Zoë now"),
        ("merge", {"to": "bob"}, "people_merge", {"id": "ada", "into": "bob"}, "bob", "and Bob are one person now"),
        ("ignore", {"state": "on"}, "people_ignore", {"id": "ada", "state": "on"}, "ada", "but you are not told"),
        ("ignore", {"state": "off"}, "people_ignore", {"id": "ada", "state": "off"}, "ada", "You are told about"),
        (
            "photos/" + "1" * 16 + "/remove", {}, "people_photo_remove",
            {"id": "ada", "photo": "1" * 16}, "ada", "is removed",
        ),
        (
            "photos/" + "1" * 16 + "/move", {"to": "bob"}, "people_photo_move",
            {"id": "ada", "photo": "1" * 16, "to": "bob"}, "ada", "The photo is Bob\u2019s now",
        ),
    ],
)  # fmt: skip
def test_a_person_is_corrected_by_one_request(  # noqa: PLR0913, PLR0917 - what is sent, asked, and shown
    client: PageClient, path: str, fields: dict[str, str], verb: str, asked: dict[str, str], after: str, said: str
) -> None:
    """And the page says what was done."""
    client.node.answers |= {
        verb: {},
        "people_overview": [person("ada", "Ada"), person("bob", "Bob")],
        "people_photos": [],
    }
    answer = client.send(f"/people/ada/{path}", fields)
    assert (answer.status, answer.location) == (303, f"{client.base}/people/{after}")
    assert client.node.asked_for(verb) == [asked]
    assert said in shown(client, "/people/ada")


@pytest.mark.parametrize(
    ("path", "fields"),
    [("rename", {"name": ""}), ("merge", {"to": "../x"}), ("merge", {}), ("ignore", {"state": "maybe"})],
)
def test_a_correction_that_makes_no_sense_changes_nothing(
    client: PageClient, path: str, fields: dict[str, str]
) -> None:
    """One sentence says so."""
    asked = len([verb for verb, _ in client.node.asked if verb in VERBS])
    assert client.send(f"/people/ada/{path}", fields).status == 303
    assert {verb for verb, _ in client.node.asked[asked:]} <= {"people_list", "people_undo_list"}


def test_erasing_lists_what_it_would_erase_and_asks(client: PageClient) -> None:
    """The one thing that cannot be undone is the one thing that asks; afterwards the page keeps no face either."""
    client.node.answers |= {
        "people_traces": [
            {"kind": "entry", "path": "/s/people/ada", "numbers": {"faces": 2, "rejected": 1, "crops": 3}, "what": "x"},
            {"kind": "undo", "path": "/s/undo.jsonl", "numbers": {}, "what": "x"},
            {"kind": "waiting", "path": None, "numbers": {"messages": 1}, "what": "x"},
            {"kind": "memory", "path": None, "numbers": {}, "what": "x"},
        ],
        "people_remove": None,
    }
    text = shown(client, "/people/ada/erase")
    for part in (
        "/s/people/ada: 3 faces, 3 pictures of them", "/s/undo.jsonl: actions that can be undone",
        "1 message that waits for the broker", "what the node holds in memory",
    ):  # fmt: skip
        assert part in text
    assert client.node.asked_for("people_remove") == []
    assert client.send("/people/ada/erase", {}).location == f"{client.base}/people"
    assert client.node.asked_for("people_remove") == [{"id": "ada"}]
    assert "Ada &lt;b&gt; is erased" in shown(client, "/people")


def test_a_good_picture_is_added_at_once(client: PageClient) -> None:
    """The picture itself goes to the page's own process, and the face that it found goes into the gallery."""
    client.node.answers |= {
        "photos_look": {"photos": [{"name": "a.jpg", "error": None, "faces": [found_face()]}]},
        "faces_add": {"id": "ada", "faces": 4, "added": 1}, "people_overview": [person("ada", "Ada")],
        "people_photos": [],
    }  # fmt: skip
    answer = client.upload("/people/ada/upload", {}, [("C:\\x\\a.jpg", b"jpeg")])
    assert answer.location == f"{client.base}/people/ada"
    assert client.node.asked_for("photos_look") == [{"names": ["a.jpg"], "id": "ada", "contents": [b"jpeg"]}]
    (added,) = client.node.asked_for("faces_add")
    assert (added["id"], added["force"], len(added["faces"])) == ("ada", False, 1)
    assert "1 photo of Ada &lt;b&gt; is added" in shown(client, "/people/ada")


def test_where_there_is_a_doubt_the_owner_chooses_the_face(client: PageClient) -> None:
    """Several faces, a face that is too small, one that is somebody else's, no face, no picture: one sentence each."""
    several = {"name": "b.jpg", "error": None, "faces": [found_face(), found_face(shortfalls=[SMALL])]}
    client.node.answers |= {
        "photos_look": {
            "photos": [
                several,
                {"name": "c.jpg", "error": None, "faces": [found_face(nearer={"id": "bob", "score": 0.6})]},
                {"name": "d.jpg", "error": None, "faces": []},
                {"name": "e.txt", "error": "not a readable image", "faces": []},
            ]
        },
        "faces_add": {"id": "zoe", "faces": 1, "added": 1},
    }
    answer = client.upload("/people/upload", {"name": "Zoë"}, [(name, b"x") for name in ("b.jpg", "c", "d", "e")])
    path = answer.location.removeprefix(client.base)
    text = shown(client, path)
    for part in (
        "Several faces: which is Zoë?", "28 px wide, needs 36: come nearer", "Looks like Bob (0.60)", "Teach anyway",
        "d.jpg: no face found", "e.txt: not a readable image",
    ):  # fmt: skip
        assert part in text
    assert client.node.asked_for("faces_add") == []
    assert client.get(f"{path}/0/1").body == JPEG
    assert client.get(f"{path}/9/1").status == 404
    assert client.get(f"{path}/0/x").status == 404
    assert "Choose at least one face" in client.get(client.send(path, {"picture-0": "leave"}).location[17:]).text
    assert client.send(path, {"picture-0": "1", "picture-1": "leave"}).location == f"{client.base}/people/zoe"
    (added,) = client.node.asked_for("faces_add")
    assert (added["name"], added["force"], added["faces"][0]["source"]) == ("Zoë", True, "b.jpg")
    assert client.get(path).status == 410


def test_an_upload_of_another_session_is_not_shown(client: PageClient) -> None:
    """Its id is no secret that opens anything by itself."""
    faces = [found_face(), found_face()]
    client.node.answers["photos_look"] = {"photos": [{"name": "a", "error": None, "faces": faces}]}
    path = client.upload("/people/ada/upload", {}, [("a", b"x")]).location.removeprefix(client.base)
    assert client.get(f"{path}/0/0").status == 200
    client.log_in_by_link()
    assert client.get(path).status == 410
    assert client.get(f"{path}/0/0").status == 404


@pytest.mark.parametrize(
    ("path", "fields", "files", "said"),
    [
        ("/people/upload", {"name": "Zoë"}, [], "Choose at least one picture"),
        ("/people/upload", {"name": ""}, [("a", b"x")], "A name has 1 to 64 characters"),
        ("/people/upload", {"name": "BOB"}, [("a", b"x")], "There is already somebody with this name"),
        ("/people/eve/upload", {}, [("a", b"x")], "not enrolled any more"),
        ("/people/import", {}, [], "Choose at least one picture"),
    ],
)
def test_an_upload_that_makes_no_sense_changes_nothing(
    client: PageClient, path: str, fields: dict[str, str], files: list[tuple[str, bytes]], said: str
) -> None:
    """One sentence says so, on the page from which it came."""
    answer = client.upload(path, fields, files)
    assert answer.status == 303
    client.node.answers["people_overview"] = [person("eve", "Eve")]
    client.node.answers["people_photos"] = []
    assert said in shown(client, answer.location.removeprefix(client.base))
    assert client.node.asked_for("photos_look") == []


def test_everybody_is_exported_to_one_file_and_imported_from_it(client: PageClient) -> None:
    """The page's own process writes and reads the file; nothing of it stays with the page or in a browser's cache."""

    def write(**fields: Any) -> dict[str, int]:  # noqa: ANN401 - of the request
        assert fields["contents"] == [b""]
        return {"people": 2}

    client.node.answers |= {"people_export": write, "people_import": {"people": 2}}
    answer = client.send("/people/export", {})
    assert answer.headers["content-disposition"] == 'attachment; filename="facenode.people"'
    assert answer.headers["cache-control"] == "no-store"
    client.upload("/people/import", {"replace": "yes"}, [("family.people", b"zip")])
    assert client.node.asked_for("people_import") == [{"replace": True, "contents": [b"zip"]}]
    assert "2 people of the file are here now" in shown(client, "/people")


def test_a_still_shows_each_face_with_its_name_or_what_is_missing(client: PageClient) -> None:
    """The picture is in memory for a minute, for this session; boxes are drawn without inline style."""
    faces = [
        {"box": [0.1, 0.2, 0.3, 0.4], "masked": False, "person": "bob", "score": 0.62, "shortfalls": []},
        {"box": [0, 0, 0.1, 0.1], "masked": False, "person": None, "score": 0.2, "shortfalls": []},
        {"box": [0, 0, 0.1, 0.1], "masked": False, "person": None, "score": None, "shortfalls": [SMALL]},
        {"box": [0, 0, 0.1, 0.1], "masked": True, "person": None, "score": None, "shortfalls": []},
    ]
    still = {"jpeg": base64.b64encode(JPEG).decode(), "aspect": 1.5, "masks": 1, "recognition": "on", "faces": faces}
    client.node.answers["still"] = still
    path = client.send("/camera", {}).location.removeprefix(client.base)
    page = client.get(path).text
    for part in (
        "Face 1: Bob (0.62)", "Face 2: a stranger", "Face 3: 28 px wide, needs 36: come nearer",
        "Face 4: in a masked part", 'x="15.0" y="20.0" width="45.0" height="40.0"',
        'viewBox="0 0 150.0 100"', "1 part of the view is masked",
    ):  # fmt: skip
        assert part in page
    id_ = path.partition("=")[2]
    answer = client.get(f"/camera/{id_}")
    assert (answer.body, answer.headers["cache-control"]) == (JPEG, "no-store")
    client.log_in_by_link()
    assert client.get(f"/camera/{id_}").status == 404
    assert "This picture is gone" in shown(client, f"/camera?still={id_}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PeopleError("privacy mode is on", Reason.PRIVATE), "Privacy mode is on"),
        (PeopleError("the camera is lost", Reason.CAMERA_LOST), "The camera is lost"),
        (PeopleError("no frame", Reason.NO_FRAME), "gives no picture"),
    ],
)
def test_without_a_frame_the_camera_says_why(client: PageClient, error: PeopleError, said: str) -> None:
    """In privacy mode there is nothing to see here either."""
    client.node.answers["still"] = error
    assert client.send("/camera", {}).location == f"{client.base}/camera"
    assert said in shown(client, "/camera")


def test_the_latest_action_can_be_undone_from_every_page(client: PageClient) -> None:
    """In the words of the page; the older ones are on a page of their own, each with why it cannot be, if so."""
    client.node.answers |= {
        "people_undo_list": [
            {"action": "abc123", "age_s": 5, "what": "x", "deed": "renamed", "people": ["ada"], "obstacle": None,
             "values": {"person": "ada", "before": "A", "after": "B"}},
            {"action": "def456", "age_s": 130, "what": "x", "deed": "added", "people": ["bob"], "obstacle": "changed",
             "values": {"person": "bob", "faces": 2}},
        ],
        "people_undo": {"action": "abc123", "what": "x", "deed": "renamed",
                        "values": {"person": "ada", "before": "A", "after": "B"}},
        "people_overview": [],
    }  # fmt: skip
    for path in ("/", "/people", "/camera", "/undo", "/help"):
        assert "A renamed to B" in client.get(path).text
    text = shown(client, "/undo")
    for part in ("just now", "2 faces of Bob added", "2 minutes ago", "has changed since"):
        assert part in text
    assert client.send("/undo", {"action": "abc123", "back": "/people"}).location == f"{client.base}/people"
    assert client.node.asked_for("people_undo") == [{"action": "abc123"}]
    assert "Undone: A renamed to B" in shown(client, "/people")
    for action, back in (("zzz", "/"), ("abc123", "https://evil.example/")):
        assert client.send("/undo", {"action": action, "back": back}).location == f"{client.base}/"


def test_while_no_node_runs_people_are_managed_and_the_rest_says_so(client: PageClient) -> None:
    """The page's own process answers in its place."""
    client.node.runs = False
    client.node.answers |= {"people_overview": [person("ada", "Ada")], "people_photos": [], "people_rename": {}}
    assert "The node does not run" in shown(client, "/people")
    assert client.send("/people/ada/rename", {"name": "Zoë"}).status == 303
    assert client.node.asked_for("people_rename") == [{"id": "ada", "name": "Zoë"}]
    assert client.send("/decide", {"entries": FIRST, "do": "drop"}).status == 303
    assert "The node does not run or did not answer" in client.get("/").text
    assert client.send("/camera", {}).status == 303
    assert "The node does not run or did not answer" in client.get("/camera").text


def test_more_than_is_allowed_is_refused_and_never_held_in_memory(client: PageClient) -> None:
    """100 MB: by what a browser announces, and without an announcement while it is received."""
    sent = 0

    def part() -> dict[str, object]:
        nonlocal sent
        begin = b"" if sent else b'--mark\r\ncontent-disposition: form-data; name="files"; filename="a"\r\n\r\n'
        sent += 1 << 20
        return {"type": "http.request", "body": begin + b"x" * ((1 << 20) - len(begin)), "more_body": sent < 100 << 20}

    head = {"content-type": "multipart/form-data; boundary=mark", "origin": f"http://{client.headers['host']}"}
    for length in (str(100 << 20), ""):
        sent = 0
        answer = client.request(
            "POST", f"{client.base}/people/ada/upload", {**head, "content-length": length}, receive=part
        )
        assert answer.status == 413
        assert "at most 64 MB" in answer.text
        assert sent == 100 << 20  # all of it was dropped, so that a browser shows the answer
    assert client.node.asked_for("photos_look") == []
    fields = {"entries": ["0" * 8] * 10_000, "do": "drop"}
    assert client.send("/decide", fields).status == 413


def test_a_form_that_is_none_is_one_sentence(client: PageClient) -> None:
    """Damaged, with too many fields or files, or of another kind."""
    head = {"origin": f"http://{client.headers['host']}"}
    for kind, content in (
        ("multipart/form-data", b"--x"), ("multipart/form-data; boundary=x", b"nonsense"), ("text/plain", b"a=b"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(400))), ("", b"\xff\xfe"),
    ):  # fmt: skip
        answer = client.request("POST", f"{client.base}/decide", {**head, "content-type": kind}, content)
        assert answer.status in (400, 403), kind
        assert "<p role=" in answer.text
    assert client.upload("/people/ada/upload", {}, [(f"{n}.jpg", b"x") for n in range(11)]).status == 400


def test_a_full_disk_is_one_sentence(client: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An uploaded picture has no room: nothing is changed."""
    monkeypatch.setenv("TMPDIR", "/nowhere")
    import tempfile  # noqa: PLC0415 - its choice is made anew

    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    answer = client.upload("/people/ada/upload", {}, [("a.jpg", b"x" * (2 << 20))])
    assert answer.status == 507
    assert "The disk is full, or cannot be read or written. Nothing was changed" in answer.text
    assert client.node.asked_for("photos_look") == []
