"""Figures as tables, as a sidecar's metrics and in a card."""

import json
import re
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from models.catalogue import shipped
from models.errors import TrainingError
from models.evaluation.figure import Figure
from models.evaluation.report import BEGIN, END, as_json, beside_the_paper, markdown, metrics, write_card, write_metrics
from node.contract import schema

ZOO = Path(__file__).resolve().parents[4] / "models" / "zoo"
TODAY = date(2026, 1, 2)
FIGURES = [Figure("d", "age", 0.8264, 2030, 0.8093, 0.8423), Figure("d", "TAR", 0.9751, 367)]


def test_figures_stand_side_by_side() -> None:
    """A table a data set, a row a figure, a column a network, the interval where there is one."""
    text = markdown({"a": FIGURES, "b": FIGURES})
    assert "### d\n\n| figure | n | a | b |\n" in text
    assert "| age | 2030 | 0.826 (0.809-0.842) | 0.826 (0.809-0.842) |" in text
    assert "| TAR | 367 | 0.975 | 0.975 |" in text


def test_networks_may_have_figures_of_their_own() -> None:
    """What a network was not measured on stays empty; what was measured on other numbers of cases says both."""
    more = [Figure("d", "age", 0.8264, 2000, 0.8093, 0.8423), Figure("e", "new", 0.5, 2)]
    text = markdown({"a": FIGURES, "b": more})
    assert "| TAR | 367 | 0.975 |  |" in text
    assert "| age | 2030, 2000 |" in text
    assert "| new | 2 |  | 0.500 |" in text


def test_the_paper_stands_beside_other_people() -> None:
    """The paper's figures, and in a network's row those of its protocol and of other people."""
    figures = [Figure("lfw9 test", "age", 1.0, 83, 0.956, 1.0), Figure("utkface val", "age", 0.829, 2030, 0.812, 0.845)]
    lines = beside_the_paper({"a": figures}).splitlines()
    assert lines[2].startswith("| paper's MobileNet | 0.990 | 0.993 | 0.995 |")
    assert "| 1.000 (0.956-1.000) |" in lines[-1]
    assert "| 0.829 (0.812-0.845) |" in lines[-1]
    assert len({line.count("|") for line in lines}) == 1


def test_the_worst_cells_are_named() -> None:
    """A row says whose cell it is, what was asked, and of how many; it is in no other table."""
    worst = Figure("utkface val, worst cell of ethnicity and gender", "age: indian, male", 0.778, 207, 0.716, 0.829)
    text = markdown({"a": [worst, *FIGURES]})
    assert "| a | ethnicity and gender | age: indian, male | 0.778 (0.716-0.829) | 207 |" in text
    assert text.count("indian, male") == 1


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
    written = {}
    for path in shipped(ZOO):
        entries = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        written[path.stem] = [Figure(**{k: v for k, v in entry.items() if k != "date"}) for entry in entries]
    assert markdown(written) in card


def test_the_summary_of_the_card_has_the_figures_of_the_default() -> None:
    """The few figures at its head are those of the sidecar, with their numbers of cases."""
    card = (ZOO.parent / "README.md").read_text(encoding="utf-8")
    (summary,) = re.findall(r"^## How good it is\n(.*?)^## ", card, re.MULTILINE | re.DOTALL)
    found = re.findall(r"^\| [^|]*\? .*?\| ([\d.]+)(?: \(([\d.]+)-([\d.]+)\))? \| (\d+) ", summary, re.MULTILINE)
    entries = json.loads((ZOO / "mobilefacenet.float32.json").read_text(encoding="utf-8"))["metrics"]
    by_name = {(entry["data"], entry["figure"]): entry for entry in entries}
    people = "lfw_people val, 12 people from 5 photos"
    expected = [
        by_name[name]
        for name in (
            (people, "TPIR at the shipped threshold"),
            (people, "strangers of lfw_people val called by a name at the shipped threshold"),
            ("utkface val", "age"),
            ("utkface val", "ethnicity"),
            ("utkface val, pairs of two children under 12", "over the threshold for one person: all cells"),
        )
    ]
    assert found == [
        (*(f"{entry[key]:.3f}" if key in entry else "" for key in ("value", "low", "high")), str(entry["n"]))
        for entry in expected
    ]
