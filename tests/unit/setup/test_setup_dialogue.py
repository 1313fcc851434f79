"""The first run, step by step: what it says and asks, and what it decides."""

import pytest
from fake_setup_world import HOME, SIGHT, WEBCAM, FakeBrokers, FakeCameras, FakeMachine, FakeWorld, Owner

from node.domain import Flaw
from node.errors import SetupError
from node.setup.broker import NOT_FOUND, broker_step
from node.setup.camera import HELD, NO_CAMERA, camera_step
from node.setup.enrolment import enrol_step
from node.setup.first_run import Current, apply, ask_all, check_all, enroll_once
from node.setup.naming import naming_step
from node.setup.outcome import outcome
from node.setup.schema import Answers, CameraAnswer, NodeAnswer, PersonAnswer, parse, parse_broker
from node.setup.sight import in_words, turn_needed
from node.setup.world import FoundCamera, LoginResult, SeenFace, Sight

ALL = ["", "", "", "facenode", "right", "Front door", "Hall", "", "", "Ada Lovelace"]
"""What an owner types who takes whatever is offered."""
BROKER = parse_broker({"host": "homeassistant.local", "username": "facenode", "password": "right"})
GIVEN = Answers(
    camera=CameraAnswer(source="webcam:0"),
    broker=BROKER,
    node=NodeAnswer(id="front-door", name="Front door", area="Hall", timezone="Europe/Berlin"),
    person=PersonAnswer(id="ada-lovelace", name="Ada Lovelace"),
)


def test_an_owner_who_takes_what_is_offered_types_little() -> None:
    """Everything that can be found is offered: camera, broker, time zone, ids."""
    fake, owner = FakeWorld(), Owner(list(ALL))
    assert owner.run(ask_all(fake.world(), Current())) == GIVEN
    assert owner.problems == []
    assert fake.files.written == []


@pytest.mark.parametrize("typed", range(len(ALL)))
def test_ctrl_c_at_any_question_changes_nothing(typed: int) -> None:
    """All is asked before anything is written."""
    fake = FakeWorld()
    with pytest.raises(KeyboardInterrupt):
        Owner(ALL[:typed]).run(ask_all(fake.world(), Current()))
    assert fake.files.written == []
    assert fake.service.restarts == 0


def test_what_is_set_is_offered_again() -> None:
    """A second run with Enter alone changes nothing, and does not try a camera that the node holds."""
    fake = FakeWorld(cameras=FakeCameras(held="webcam:0"))
    current = Current(GIVEN.camera, GIVEN.broker, GIVEN.node, anybody=True)
    owner = Owner(["", "", "", "", "", "", ""])
    assert owner.run(ask_all(fake.world(), current)) == GIVEN.model_copy(update={"person": None})
    assert fake.cameras.tried == []
    assert any(said.text == HELD for said in owner.seen)


def test_without_a_camera_the_owner_plugs_one_in_and_goes_on() -> None:
    """One sentence, and the way on: look again, or type an address."""
    cameras = FakeCameras(found=())
    owner = Owner(["", "rtsp://192.168.1.20/stream", ""])
    cameras.sights = {"video:rtsp://192.168.1.20/stream": SIGHT}
    assert owner.run(camera_step(cameras, None)).source == "video:rtsp://192.168.1.20/stream"
    assert owner.problems == [NO_CAMERA, NO_CAMERA]


def test_of_two_cameras_the_owner_chooses() -> None:
    """Each has its number, its name and its source."""
    cameras = FakeCameras(found=(WEBCAM, FoundCamera("webcam:1", "Doorbell")))
    owner = Owner(["3", "nonsense", "picamera", "2", ""])
    assert owner.run(camera_step(cameras, None)).source == "webcam:1"
    assert "2. Doorbell (webcam:1)" in [said.text for said in owner.seen]
    assert cameras.tried[0].source == "picamera"  # shows nothing, so the owner chooses again


def test_a_camera_that_shows_nothing_is_chosen_again() -> None:
    """The driver's own sentence says why."""
    cameras = FakeCameras(found=(FoundCamera("webcam:7", "Broken"),))
    owner = Owner(["", "n", "webcam:0", ""])
    assert owner.run(camera_step(cameras, None)).source == "webcam:0"
    assert owner.problems == ["webcam:7: does not exist: plug the camera in."]


def test_a_picture_that_is_upside_down_is_turned_if_the_owner_agrees() -> None:
    """The camera is tried again, turned."""
    cameras = FakeCameras(sights={"webcam:0": Sight(640, 480, 120.0, (SeenFace(200, turn=180),))})
    owner = Owner(["", "y", "n", ""])
    assert owner.run(camera_step(cameras, None)) == CameraAnswer(source="webcam:0", rotate=180)
    assert [tried.rotate for tried in cameras.tried] == [0, 180]


@pytest.mark.parametrize(
    ("sight", "words"),
    [
        (Sight(640, 480, 5.0), "It delivers 640x480. The picture is dark"),
        (Sight(640, 480, 250.0), "It delivers 640x480. The picture is too bright"),
        (Sight(640, 480, 100.0), "It delivers 640x480. Nobody is in view."),
        (Sight(640, 480, 100.0, (SeenFace(212, turn=0),)), "It sees one face, 212 pixels wide: good."),
        (Sight(640, 480, 100.0, (SeenFace(20, (Flaw.SIZE,)),)), "20 pixels wide: too small: step nearer."),
        (Sight(640, 480, 100.0, (SeenFace(90), SeenFace(50))), "It sees 2 faces, the largest, 90 pixels wide: good."),
    ],
)
def test_what_a_camera_sees_is_said_in_words(sight: Sight, words: str) -> None:
    """No number stands without its meaning."""
    assert words in in_words(sight)


def test_every_flaw_of_a_face_has_its_words() -> None:
    """A new gate needs a sentence."""
    for flaw in Flaw:
        assert "good" not in in_words(Sight(640, 480, 100.0, (SeenFace(90, (flaw,)),)))


def test_faces_that_disagree_turn_nothing() -> None:
    """Somebody may lie on a sofa."""
    assert turn_needed(Sight(1, 1, 1.0, (SeenFace(9, turn=180), SeenFace(9, turn=0)))) == 0
    assert turn_needed(Sight(1, 1, 1.0, (SeenFace(9, turn=None),))) == 0


def test_no_password_is_sent_before_the_owner_agrees_to_the_host() -> None:
    """What mDNS says is anybody's word."""
    brokers = FakeBrokers()
    with pytest.raises(KeyboardInterrupt):
        Owner([]).run(broker_step(brokers, "front-door", None))
    assert brokers.tried == []


def test_a_broker_that_is_not_found_is_typed() -> None:
    """One sentence, and the way on."""
    owner = Owner(["192.168.1.10", "", "facenode", "right"])
    answer, status = owner.run(broker_step(FakeBrokers(found=()), "front-door", None))
    assert (answer.host, answer.port, status) == ("192.168.1.10", 1883, None)
    assert owner.problems == [NOT_FOUND]


def test_a_wrong_password_is_typed_again() -> None:
    """The login is tested at once; Enter leads to another login."""
    owner = Owner(["", "facenode", "wrong", "", "facenode", "right"])
    answer, _ = owner.run(broker_step(FakeBrokers(), "front-door", None))
    assert answer == BROKER
    (problem,) = owner.problems
    assert problem.startswith("The broker refuses the login: check username and password. With Home Assistant's broker")
    assert [question.secret for question in owner.asked if question.text == "Password"] == [True, True]


def test_a_certificate_of_an_unknown_authority_is_asked_for() -> None:
    """The sentence says which file, and the next choice asks for it."""
    result = LoginResult(
        "tls",
        "h:8883: the broker's certificate is signed by an unknown authority: set mqtt.tls.ca_file to that authority",
    )
    brokers = FakeBrokers(result=result)
    owner = Owner(["", "facenode", "right", "", "y", "", "/nonexistent/ca.pem"])
    with pytest.raises(KeyboardInterrupt):
        owner.run(broker_step(brokers, "front-door", None))
    assert "give the file of that authority's certificate" in owner.problems[0]
    assert owner.problems[1].startswith("/nonexistent/ca.pem: No such file")


def test_a_node_id_that_is_taken_is_chosen_anew() -> None:
    """An online node keeps its id; the place of one that is offline is taken only if the owner says so."""
    brokers = FakeBrokers(statuses={"front-door": "online", "old": "offline"})
    owner = Owner(["Front door", "-", "", "front-door", "old", "n", "old", "y"])
    node = owner.run(naming_step(FakeMachine(), brokers, BROKER, None))
    assert (node.id, node.area) == ("old", "")
    assert owner.problems[0].startswith("Another node is online with the id front-door")
    assert owner.problems[1] == "Another node has used the id old and is offline now"


def test_a_machine_without_a_time_zone_is_asked_for_one() -> None:
    """Nothing is guessed: alert rules have hours."""
    owner = Owner(["", "", "", "Mars/Olympus", "Europe/Paris", ""])
    assert owner.run(naming_step(FakeMachine(None), FakeBrokers(), BROKER, None)).timezone == "Europe/Paris"
    assert owner.problems[0].startswith("This machine has no time zone")
    assert owner.problems[1].startswith("Type a time zone")
    assert "not the name of a time zone" in owner.problems[2]


def test_answers_are_carried_out_in_order() -> None:
    """Written, started, online, enrolled; the last lines say what Home Assistant shows."""
    fake = FakeWorld()
    said = [each.text for each in apply(fake.world(), GIVEN)]
    assert said == ["Wrote the settings.", "Starting the node.", "The node is online."]
    assert (fake.files.written, fake.service.restarts) == ([GIVEN], 1)
    assert enroll_once(fake.service, GIVEN).text == "The node knows Ada Lovelace."
    assert fake.service.enrolled == [("ada-lovelace", "Ada Lovelace")]
    assert "the device Front door" in " ".join(outcome(GIVEN, "stranger.yaml"))


def test_without_a_service_the_settings_are_all() -> None:
    """In a container, or with a file of one's own, somebody else starts the node."""
    fake = FakeWorld()
    fake.service.present = False
    assert [each.text for each in apply(fake.world(), GIVEN)] == ["Wrote the settings."]
    assert fake.service.restarts == 0


def test_a_node_that_does_not_come_online_is_said_after_a_bounded_time() -> None:
    """The sentence says where to look; the settings stay."""
    fake = FakeWorld()
    fake.service.online = False
    with pytest.raises(SetupError, match=r"not online after 90 s \(it has no connection to the broker\).*journalctl"):
        list(apply(fake.world(), GIVEN))
    assert fake.service.now_s < 100


def test_whoever_is_not_seen_may_try_again() -> None:
    """The node's own sentence says why."""
    fake = FakeWorld()
    fake.service.objections = ["2 people are in view: only the person being enrolled may be"]
    owner = Owner([""])
    assert owner.run(enrol_step(fake.service, PersonAnswer(name="Ada", id="ada"))) == 1
    assert owner.problems == ["2 people are in view: only the person being enrolled may be."]
    fake.service.objections = ["nobody"]
    assert Owner(["n"]).run(enrol_step(fake.service, PersonAnswer(name="Ada", id="ada"))) == 0


def minimal(**more: object) -> Answers:
    """Return answers with what is needed alone, and more."""
    return parse({"camera": {"source": "webcam:0"}, "broker": BROKER.model_dump(), **more})


def test_answers_of_a_file_are_completed_and_tried() -> None:
    """Id and time zone come from the machine; camera and broker are tried as in the dialogue."""
    fake = FakeWorld()
    complete, lines = check_all(fake.world(), minimal(node={"name": "Front door"}, person={"name": "Zoë M"}), None)
    assert complete.node == NodeAnswer(id="front-door", name="Front door", timezone="Europe/Berlin")
    assert complete.person == PersonAnswer(id="zoe-m", name="Zoë M")
    assert lines == (
        "camera webcam:0: It delivers 1280x720. Nobody is in view.",
        "broker homeassistant.local: accepts the node front-door",
    )


@pytest.mark.parametrize(
    ("fake", "more", "sentence"),
    [
        (FakeWorld(cameras=FakeCameras(sights={})), {}, "camera.source: webcam:0: does not exist"),
        (FakeWorld(brokers=FakeBrokers(accepts="other")), {}, "broker: The broker refuses the login"),
        (FakeWorld(machine=FakeMachine(None)), {}, "node.timezone is missing, and this machine has no time zone"),
        (
            FakeWorld(brokers=FakeBrokers(statuses={"a": "online"})),
            {"node": {"id": "a", "take_over": True}},
            "node.id: Another node is online with the id a",
        ),
        (
            FakeWorld(brokers=FakeBrokers(statuses={"a": "offline"})),
            {"node": {"id": "a"}},
            "add take_over = true if this machine replaces it",
        ),
    ],
)
def test_answers_of_a_file_that_cannot_be_used_change_nothing(
    fake: FakeWorld, more: dict[str, object], sentence: str
) -> None:
    """One sentence, and nothing is written."""
    with pytest.raises(SetupError, match=sentence):
        check_all(fake.world(), minimal(**more), None)
    assert fake.files.written == []


@pytest.mark.parametrize("status", ["online", "offline"])
def test_a_node_keeps_its_own_id(status: str) -> None:
    """What is retained is its own: the id that is set, or the one that this board always has."""
    fake = FakeWorld(brokers=FakeBrokers(statuses={"a": status, "pi-123456": status}))
    assert check_all(fake.world(), minimal(node={"id": "a"}), "a")[0].node.id == "a"
    assert check_all(fake.world(), minimal(), None)[0].node.id == "pi-123456"


def test_the_place_of_a_node_that_is_offline_is_taken_if_the_answers_say_so() -> None:
    """A new board for an old name."""
    fake = FakeWorld(brokers=FakeBrokers(statuses={"a": "offline"}))
    assert check_all(fake.world(), minimal(node={"id": "a", "take_over": True}), None)[0].node.id == "a"


def test_home_assistant_is_what_was_found() -> None:
    """The owner reads what it is, its name, its address and its port before agreeing to it."""
    owner = Owner([])
    with pytest.raises(KeyboardInterrupt):
        owner.run(broker_step(FakeBrokers(found=(HOME,)), "a", None))
    assert "1. Home Assistant Home at homeassistant.local (192.168.1.10), port 1883" in [s.text for s in owner.seen]
