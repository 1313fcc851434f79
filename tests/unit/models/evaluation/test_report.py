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
from models.evaluation.group_card import group_table
from models.evaluation.report import as_json, beside_the_paper, markdown, metrics, write_card, write_metrics
from node.contract import schema

ZOO = Path(__file__).resolve().parents[4] / "models" / "zoo"
TODAY = date(2026, 1, 2)
FIGURES = [Figure("d", "age", 0.8264, 2030, 0.8093, 0.8423), Figure("d", "TAR", 0.9751, 367)]


def test_a_table_has_a_column_per_network() -> None:
    """One table per data set, one row per figure, and the interval if there is one."""
    text = markdown({"a": FIGURES, "b": FIGURES})
    assert "### d\n\n| figure | n | a | b |\n" in text
    assert "| age | 2030 | 0.826 (0.809-0.842) | 0.826 (0.809-0.842) |" in text
    assert "| TAR | 367 | 0.975 | 0.975 |" in text


def test_a_missing_figure_is_an_empty_cell() -> None:
    """Different numbers of cases in a row are all given."""
    more = [Figure("d", "age", 0.8264, 2000, 0.8093, 0.8423), Figure("e", "new", 0.5, 2)]
    text = markdown({"a": FIGURES, "b": more})
    assert "| TAR | 367 | 0.975 |  |" in text
    assert "| age | 2030, 2000 |" in text
    assert "| new | 2 |  | 0.500 |" in text


def test_the_paper_is_compared_with_other_people() -> None:
    """The table has the paper's rows, and for each network the paper's protocol and other people."""
    figures = [Figure("lfw9 test", "age", 1.0, 83, 0.956, 1.0), Figure("utkface val", "age", 0.829, 2030, 0.812, 0.845)]
    lines = beside_the_paper({"a": figures}).splitlines()
    assert lines[2].startswith("| paper's MobileNet | 0.990 | 0.993 | 0.995 |")
    assert "| 1.000 (0.956-1.000) |" in lines[-1]
    assert "| 0.829 (0.812-0.845) |" in lines[-1]
    assert len({line.count("|") for line in lines}) == 1


def test_the_worst_groups_are_named() -> None:
    """A row has the grouping, the head and group, and n; the figure is in no other table."""
    worst = Figure("utkface val, worst cell of ethnicity and gender", "age: indian, male", 0.778, 207, 0.716, 0.829)
    text = markdown({"a": [worst, *FIGURES]})
    assert "| a | ethnicity and gender | age: indian, male | 0.778 (0.716-0.829) | 207 |" in text
    assert text.count("indian, male") == 1


def test_json_has_the_shape_of_a_sidecars_metrics() -> None:
    """The entries fit the contract's `metrics`."""
    entries = json.loads(as_json({"a": FIGURES}, TODAY))["a"]
    assert entries == metrics(FIGURES, TODAY)
    jsonschema.validate(entries, schema("sidecar")["properties"]["metrics"])


def test_figures_are_written_into_a_sidecar(tmp_path: Path) -> None:
    """Only the figures change."""
    path = tmp_path / "mobilefacenet.float32.json"
    path.write_bytes((ZOO / path.name).read_bytes())
    before = json.loads(path.read_text())
    write_metrics(path, FIGURES, TODAY)
    after = json.loads(path.read_text())
    assert after.pop("metrics") == metrics(FIGURES, TODAY)
    before.pop("metrics")
    assert after == before


def test_tables_are_written_between_the_marks_of_a_card(tmp_path: Path) -> None:
    """The text around them stays; a card without marks is an error."""
    card = tmp_path / "README.md"
    card.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    write_card(card, "| new |")
    assert card.read_text() == "before\n<!-- figures: begin -->\n| new |\n<!-- figures: end -->\nafter\n"
    card.write_text("no marks")
    with pytest.raises(TrainingError, match="figures: begin"):
        write_card(card, "| new |")


def test_the_card_has_the_figures_of_the_sidecars() -> None:
    """The card's tables are those that `evaluate` wrote."""
    card = (ZOO.parent / "README.md").read_text(encoding="utf-8")
    written = {}
    for path in shipped(ZOO):
        entries = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        written[path.stem] = [Figure(**{k: v for k, v in entry.items() if k != "date"}) for entry in entries]
    assert markdown(written) in card


def test_small_shares_have_a_digit_more() -> None:
    """Rates of strangers differ in the fourth decimal."""
    text = markdown({"a": [Figure("d", "rate", 0.0016, 5000, 0.0, 0.0123)]})
    assert "| rate | 5000 | 0.0016 (0.000-0.012) |" in text


def test_the_first_table_of_the_card_is_of_the_default() -> None:
    """It has the rates by group in the sidecar of the default network."""
    card = (ZOO.parent / "README.md").read_text(encoding="utf-8")
    entries = json.loads((ZOO / "mobilefacenet.float32.json").read_text(encoding="utf-8"))["metrics"]
    table = group_table([Figure(**{k: v for k, v in entry.items() if k != "date"}) for entry in entries])
    assert f"<!-- groups: begin -->\n{table}\n<!-- groups: end -->" in card
    assert "children under 12" in table


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
        )
    ]
    assert found == [
        (*(f"{entry[key]:.3f}" if key in entry else "" for key in ("value", "low", "high")), str(entry["n"]))
        for entry in expected
    ]
