"""Predictions of a network, all its figures, and its plots."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.arrays import unit_rows
from models.data.samples import Pair, Sample
from models.evaluate import main
from models.evaluation.figure import Figure
from models.evaluation.group_card import group_table
from models.evaluation.group_rates import NEEDED_VIEWS, PAIRS
from models.evaluation.measure import COSINE_ALONE, NetworkPredictions, measure
from models.evaluation.predictions import Degraded, Predictions, concatenate, predict
from models.evaluation.scoring import Decision
from models.evaluation.self_recognition import LOOKS
from node.domain import Image, Vector
from node.vision.cohort import load_cohort
from node.vision.sidecar import ClassificationHead, Sidecar, load_sidecar

ZOO = Path(__file__).resolve().parents[4] / "models" / "zoo"
SIDECAR = load_sidecar(ZOO / "mobilefacenet.float32.json")
DECISION = Decision(SIDECAR, load_cohort(ZOO / "mobilefacenet.float32.tflite", SIDECAR))
MEDIA = Path(__file__).resolve().parents[3] / "media"
GROUPS = ("asian", "black", "indian", "other", "white")


class Counting:
    """A network that returns the brightness of a face, and counts its calls."""

    def __init__(self, sidecar: Sidecar = SIDECAR) -> None:
        self.sidecar = sidecar
        self.runtime = "counted"
        self.predicted = 0

    def infer(self, crop: Image) -> Mapping[str, Vector]:
        """Return the same vector of one number for every head."""
        self.predicted += 1
        return {"embedding": np.array([crop.mean()], dtype=np.float32)}


def _strangers(folder: Path) -> Path:
    (folder / "lfw9").mkdir()
    face = cv2.imread(str(MEDIA / "astronaut.jpg"))
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / "lfw9" / name), face)
    cv2.imwrite(str(folder / "lfw9" / "c.jpg"), np.zeros((64, 64, 3), dtype=np.uint8))
    (folder / "lfw9" / "unknown.csv").write_text("path,identity,split\na.jpg,A,test\nb.jpg,B,test\nc.jpg,C,test\n")
    return folder


def test_predictions_are_cached_by_the_hash_of_the_file(tmp_path: Path) -> None:
    """The same network does not run again on a picture; another network does."""
    data, cache, network = _strangers(tmp_path), tmp_path / "cache", Counting()
    first = predict(network, data, "strangers", "test", cache)
    assert (len(first.samples), first.missed, network.predicted) == (2, 1, 2)
    again = predict(network, data, "strangers", "test", cache)
    assert network.predicted == 2
    assert np.array_equal(first.embeddings, again.embeddings)
    other = Counting(SIDECAR.model_copy(update={"sha256": "0" * 64}))
    predict(other, data, "strangers", "test", cache)
    assert other.predicted == 2


def test_degraded_views_are_cached_apart(tmp_path: Path) -> None:
    """The picture, each kind of view and each number have predictions of their own."""
    data, cache, network = _strangers(tmp_path), tmp_path / "cache", Counting()
    views = [None, Degraded("second view", 0), Degraded("second view", 1), Degraded("small and noisy", 0)]
    found = [predict(network, data, "strangers", "test", cache, view=view) for view in views]
    assert network.predicted == 2 * len(views)
    assert len({each.embeddings.tobytes() for each in found}) == len(views)
    again = predict(network, data, "strangers", "test", cache, view=views[2])
    assert network.predicted == 2 * len(views)
    assert np.array_equal(again.embeddings, found[2].embeddings)


def test_splits_are_concatenated_in_order() -> None:
    """So are samples, outputs and the number of missed pictures."""
    parts = [
        Predictions((Sample(Path(name), "val"),), {"embedding": np.array([[value]], dtype=np.float32)}, 1)
        for name, value in (("a", 1.0), ("b", 2.0))
    ]
    found = concatenate(parts)
    assert [str(sample.path) for sample in found.samples] == ["a", "b"]
    assert (found.embeddings[:, 0].tolist(), found.missed) == ([1.0, 2.0], 2)


def _predictions(people: list[str], pictures: int, seed: int, split: str = "val") -> Predictions:
    """Return random people with similar pictures, each with labels, all predicted correctly."""
    rng = np.random.default_rng(seed)
    n = len(people) * pictures
    faces = np.repeat(rng.normal(size=(len(people), 192)), pictures, axis=0) + 0.5 * rng.normal(size=(n, 192))
    samples = tuple(
        Sample(
            Path(f"{seed}/{person}{number}.jpg"),
            split,
            person,
            age=("young", "middle", "senior")[place % 3],
            ethnicity=GROUPS[place % 5],
            years=20 + place % 50,
            gender=("female", "male")[place % 2],
        )
        for place, person in enumerate(people)
        for number in range(pictures)
    )
    labels = SIDECAR.heads
    heads = {"embedding": unit_rows(faces.astype(np.float32))}
    for head in ("identity", "age", "ethnicity"):
        names = labels.labels(head)
        right = [names.index(sample.label(head)) if sample.label(head) in names else 0 for sample in samples]
        heads[head] = (0.01 + 0.9 * np.eye(len(names))[right]).astype(np.float32)
    return Predictions(samples, heads, 0)


@pytest.fixture(scope="module")
def predictions() -> NetworkPredictions:
    """Return the predictions of a network that is always right, for random people."""
    nine = _predictions(list(SIDECAR.heads.labels("identity")), 8, 5, "test")
    groups = ("asian", "black", "white")
    nine = replace(
        nine,
        samples=tuple(replace(sample, ethnicity=groups[place // 8 % 3]) for place, sample in enumerate(nine.samples)),
    )
    people, enrolled = (
        _predictions([f"p{number:02}" for number in range(40)], 8, 1),
        _predictions([f"e{number:03}" for number in range(205)], 5, 2),
    )
    strangers, utkface = (
        _predictions([f"s{number}" for number in range(30)], 1, 4),
        _predictions([f"u{number}" for number in range(90)], 8, 6),
    )
    return NetworkPredictions(
        people=people,
        enrolled=enrolled,
        threshold_strangers=_predictions([f"r{number}" for number in range(30)], 1, 3),
        strangers=strangers,
        utkface=utkface,
        nine=nine,
        all_nine=nine,
        second_views=[utkface] * NEEDED_VIEWS,
        noisy_utkface=utkface,
        noisy_people=[people] * LOOKS,
        noisy_enrolled=[enrolled] * LOOKS,
        noisy_strangers=strangers,
    )


@pytest.fixture(scope="module")
def pairs(predictions: NetworkPredictions) -> list[Pair]:
    """Return pairs of one person and of two."""
    path = [sample.path for sample in predictions.people.samples]
    same = [Pair(path[8 * k], path[8 * k + 1], same=True) for k in range(40)]
    return [*same, *(Pair(path[8 * k], path[8 * k - 8], same=False) for k in range(40))]


@pytest.fixture(scope="module")
def figures(predictions: NetworkPredictions, pairs: list[Pair]) -> tuple[Figure, ...]:
    """Return all figures with a cohort."""
    return measure(predictions, pairs, DECISION, {"age": 0.7})


def test_an_evaluation_has_all_its_figures(figures: tuple[Figure, ...]) -> None:
    """Each figure has a unique name, cases, and a value in its interval; all parts of the card are there."""
    names = [(figure.data, figure.figure) for figure in figures]
    assert len(set(names)) == len(names)
    assert all(figure.n > 0 for figure in figures)
    assert all(
        figure.low - 1e-9 <= figure.value <= figure.high + 1e-9
        for figure in figures
        if figure.low is not None and figure.high is not None
    )
    for name in (
        ("lfw_people val", "TAR at FAR 0.1 %"),
        ("lfw_people val, 12 people from 1 photo", "TPIR at the shipped threshold"),
        ("lfw_people val, 12 people from 5 photos, small and noisy probes", "rank-1"),
        ("lfw_people, each person enrolled alone from 5 photos", "recognized, small and noisy, one look"),
        ("threshold for 0.3 % of strangers of LFW", "200 enrolled by 2 photos each"),
        ("lfw9 test", "identity"),
        ("lfw9, all pictures in five folds", "age"),
        ("utkface val", "age: expected calibration error before the temperature"),
        ("utkface val", "ethnicity, three groups"),
        ("utkface val, by ethnicity and gender", "age: white, male"),
        (f"utkface val, {PAIRS}", "white, male"),
    ):
        assert name in names, name


def test_the_cosine_alone_stands_beside_the_score_that_decides(
    figures: tuple[Figure, ...], predictions: NetworkPredictions, pairs: list[Pair]
) -> None:
    """Each figure of identity has a second one, in the next row; without a cohort there is one of each."""
    names = [(figure.data, figure.figure) for figure in figures]
    alone = [name for name in names if name[1].endswith(COSINE_ALONE)]
    assert (f"utkface val, {PAIRS}", f"white, male{COSINE_ALONE}") in alone
    assert all(names[names.index(name) - 1] == (name[0], name[1].removesuffix(COSINE_ALONE)) for name in alone)
    before = [(figure.data, figure.figure) for figure in measure(predictions, pairs, Decision(SIDECAR), {"age": 0.7})]
    assert before == [name for name in names if name not in alone]


def test_the_table_of_groups_has_before_and_after(figures: tuple[Figure, ...]) -> None:
    """A row for each group and for all adults, whose strangers are not compared with each other."""
    lines = group_table(figures).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines[2:]}
    assert set(rows) == {f"{group}, {gender}" for group in GROUPS for gender in ("female", "male")} | {"all adults"}
    assert rows["all adults"][:6] == [""] * 6
    found = {(figure.data, figure.figure): figure for figure in figures}
    white = found[f"utkface val, {PAIRS}", "white, male"]
    assert rows["white, male"][0] == str(white.n)
    assert rows["white, male"][2].startswith(f"{100 * white.value:.2f} %")


def test_a_closed_set_of_other_people_is_not_measured_on_the_nine(
    predictions: NetworkPredictions, pairs: list[Pair]
) -> None:
    """A network of own people is measured on everything else."""
    own = ClassificationHead(labels=("ada", "bob"))
    sidecar = SIDECAR.model_copy(update={"heads": SIDECAR.heads.model_copy(update={"identity": own})})
    names = {(figure.data, figure.figure) for figure in measure(predictions, pairs, Decision(sidecar), {})}
    assert ("lfw9 test", "identity") not in names
    assert {("lfw9 test", "age"), ("lfw9, all pictures in five folds", "identity")} <= names


def test_plots_are_reproducible_and_small(predictions: NetworkPredictions, pairs: list[Pair], tmp_path: Path) -> None:
    """Four files under 100 kB each, without dates or versions."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'facenode[train]'")
    from models.evaluation.plots import draw  # noqa: PLC0415 - only where matplotlib is installed

    found = {"one.float32": (DECISION, predictions), "two.int8": (DECISION, predictions)}
    first, second = (draw(tmp_path / name, found, pairs) for name in ("first", "second"))
    assert [path.name for path in first] == ["det.png", "scores.png", "confusion-age.png", "confusion-ethnicity.png"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert 2_000 < one.stat().st_size < 100_000


@pytest.mark.parametrize("command", ["cohort", "evaluate", "train", "export"])
def test_a_nodes_environment_is_enough_to_start(command: str) -> None:
    """Measuring needs no package that trains, converts or draws; the other commands name in a line what is missing."""
    missing = ("tensorflow", "keras", "torch", "ai_edge_litert", "matplotlib")
    code = f"import sys; sys.modules.update(dict.fromkeys({missing})); import models.{command}"
    outcome = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ZOO.parents[1]
    )
    assert outcome.returncode == 0, outcome.stderr


def test_evaluate_needs_sidecars_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither and both are usage errors."""
    for arguments in ([], ["--all", "models/zoo/mobilefacenet.float32.json"]):
        with pytest.raises(SystemExit) as outcome:
            main(arguments)
        assert outcome.value.code == 2
        assert "or use --all" in capsys.readouterr().err
