"""The protocols of an evaluation, on answers made by hand."""

import json
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from models.errors import TrainingError
from models.manifests import Pair, Sample
from models.protocols import Answers, Figure, closed_set, grade, open_set, verify
from models.report import BEGIN, END, as_json, markdown, metrics, write_card, write_metrics
from models.vectors import Array, unit_rows
from node.contract import schema
from node.vision.sidecar import Classes, Sidecar, load_sidecar

ZOO = Path(__file__).resolve().parents[3] / "models" / "zoo"
TODAY = date(2026, 1, 2)


@pytest.fixture(scope="module")
def sidecar() -> Sidecar:
    """Return the sidecar of the default network, for its thresholds."""
    return load_sidecar(ZOO / "mobilefacenet.float32.json")


def _answers(people: list[str], embeddings: Array) -> Answers:
    samples = tuple(Sample(Path(f"{number}.jpg"), "val", person) for number, person in enumerate(people))
    return Answers(samples, {"embedding": unit_rows(embeddings)}, 0)


def _people(count: int, pictures: int) -> Answers:
    """Return people whose every picture points along an axis of their own."""
    names = [f"p{number:02}" for number in range(count) for _ in range(pictures)]
    return _answers(names, np.repeat(np.eye(count + 1, dtype=np.float32)[:count], pictures, axis=0))


def _found(figures: list[Figure]) -> dict[tuple[str, str], Figure]:
    return {(figure.data, figure.figure): figure for figure in figures}


def test_people_apart_are_all_found(sidecar: Sidecar) -> None:
    """Twelve people along axes of their own are each named, and no stranger along another is."""
    people = _people(14, 7)
    strangers = _answers(["s"], np.eye(15, dtype=np.float32)[14:])
    found = _found(open_set(people, strangers, sidecar))
    data = "lfw_people val, 12 people from 5 photos"
    for figure in ("rank-1", "TPIR at FPIR 1 %", "TPIR at FPIR 0.1 %", "TPIR at the shipped threshold"):
        assert (found[data, figure].value, found[data, figure].n) == (1.0, 24)
    named = "called by a name at the shipped threshold"
    assert (found["strangers of lfw_people val", named].value, found["strangers of lfw_people val", named].n) == (0, 14)


def test_a_double_is_counted_as_a_stranger_with_a_name(sidecar: Sidecar) -> None:
    """A stranger who looks exactly like somebody enrolled is one of those called by a name."""
    people = _people(12, 6)
    strangers = _answers(["s", "t"], np.eye(13, dtype=np.float32)[[0, 12]])
    with pytest.raises(ValueError, match="at least one"):
        open_set(people, strangers, sidecar)  # nobody of the split is left over as a stranger
    people = _people(13, 6)
    strangers = _answers(["s", "t"], np.eye(14, dtype=np.float32)[[0, 13]])
    found = _found(open_set(people, strangers, sidecar))
    assert found["strangers of lfw9/unknown test", "called by a name at the shipped threshold"].value == 0.5


def test_enrolment_must_leave_pictures_to_look_for(sidecar: Sidecar) -> None:
    """With five pictures of somebody nothing could be measured: an error, not a figure without cases."""
    with pytest.raises(TrainingError, match="leaves none"):
        open_set(_people(13, 5), _people(13, 1), sidecar)


def test_pairs_are_compared_by_their_cosine() -> None:
    """Same pairs along one axis and others across two are told apart perfectly."""
    people = _people(20, 2)
    path = [sample.path for sample in people.samples]
    same = [Pair(path[2 * k], path[2 * k + 1], same=True) for k in range(20)]
    other = [Pair(path[2 * k], path[(2 * k + 2) % 40], same=False) for k in range(20)]
    found = _found(verify(people, [*same, *other]))
    assert found["lfw_people val", "verification, 10-fold balanced"] == Figure(
        "lfw_people val", "verification, 10-fold balanced", 1.0, 40
    )
    assert found["lfw_people val", "TAR at FAR 0.1 %"].value == 1.0


def test_a_head_is_graded_over_all_and_by_class() -> None:
    """Three of four right; the balanced figure is the mean of the classes' own: (1 + 1/2 ) / 2."""
    samples = tuple(Sample(Path("a"), "val", age=age) for age in ("young", "young", "senior", "senior"))
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], dtype=np.float32)
    found = _found(grade(Answers(samples, {"age": scores}, 0), "d", "age", ("young", "senior"), per_class=True))
    assert found["d", "age"].value == 0.75
    assert found["d", "age, balanced"].value == 0.75
    assert (found["d", "age: senior"].value, found["d", "age: senior"].n) == (0.5, 2)


def test_the_closed_set_names_only_above_its_reject_score() -> None:
    """Of three known looks one is too weak and one wrong; of two strangers one reaches the score."""
    people = tuple(Sample(Path("a"), "test", person) for person in ("ada", "ada", "bob"))
    scores = np.array([[0.95, 0.05], [0.6, 0.4], [0.99, 0.01]], dtype=np.float32)
    others = np.array([[0.5, 0.5], [0.92, 0.08]], dtype=np.float32)
    strangers = Answers((Sample(Path("s"), "test"), Sample(Path("t"), "test")), {"identity": others}, 0)
    known = Answers(people, {"identity": scores}, 0)
    named, mistaken = closed_set(known, strangers, Classes(labels=("ada", "bob"), reject=0.9))
    assert named.value == pytest.approx(1 / 3)
    assert named.n == 3
    assert (mistaken.value, mistaken.n) == (0.5, 2)


FIGURES = [Figure("d", "age", 0.8264, 2030, 0.8093, 0.8423), Figure("d", "TAR", 0.9751, 367)]


def test_figures_stand_side_by_side() -> None:
    """A row a figure, a column a network, the interval where there is one."""
    lines = markdown({"a": FIGURES, "b": FIGURES}).splitlines()
    assert lines[0] == "| data | figure | n | a | b |"
    assert lines[2] == "| d | age | 2030 | 0.826 (0.809-0.842) | 0.826 (0.809-0.842) |"
    assert lines[3] == "| d | TAR | 367 | 0.975 | 0.975 |"


def test_json_is_what_a_sidecar_takes() -> None:
    """The entries fit the contract's `metrics`."""
    entries = json.loads(as_json({"a": FIGURES}, TODAY))["a"]
    assert entries == metrics(FIGURES, TODAY)
    jsonschema.validate(entries, schema("sidecar")["properties"]["metrics"])


def test_figures_go_into_a_sidecar(tmp_path: Path) -> None:
    """Only the figures change."""
    path = tmp_path / "mobilefacenet.float32.json"
    path.write_bytes((ZOO / path.name).read_bytes())
    before = json.loads(path.read_text())
    write_metrics(path, FIGURES, TODAY)
    after = json.loads(path.read_text())
    assert after.pop("metrics") == metrics(FIGURES, TODAY)
    before.pop("metrics")
    assert after == before


def test_tables_go_between_the_marks_of_a_card(tmp_path: Path) -> None:
    """What stands around them stays; a card without marks is refused."""
    card = tmp_path / "README.md"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_card(card, "| new |")
    assert card.read_text() == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    card.write_text("no marks")
    with pytest.raises(TrainingError, match="figures: begin"):
        write_card(card, "| new |")


def test_the_card_of_the_project_says_what_the_sidecars_say() -> None:
    """The card's figures are those that `evaluate` wrote, not typed ones."""
    card = (ZOO.parent / "README.md").read_text(encoding="utf-8")
    shipped = {}
    for path in sorted(ZOO.glob("*.json"), key=lambda path: card.find(path.stem)):
        entries = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        shipped[path.stem] = [Figure(**{k: v for k, v in entry.items() if k != "date"}) for entry in entries]
    assert markdown(shipped) in card
