"""Reading a training's recipe."""

from pathlib import Path

import pytest

from models.errors import RecipeError
from models.recipe.recipe import load_recipe

CONFIGS = Path(__file__).resolve().parents[4] / "models" / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_project_is_valid(path: Path) -> None:
    """Its name is that of its file, and it has an expected accuracy."""
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert 0 < recipe.expected.age <= 1


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(RecipeError, match=r"none\.toml"):
        load_recipe(tmp_path / "none.toml")


def test_a_wrong_value_is_named_by_its_key(tmp_path: Path) -> None:
    """The message says which key is out of bounds."""
    text = (CONFIGS / "mobilefacenet.toml").read_text().replace("dropout = 0.", "dropout = 1.")
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(RecipeError, match=r"wrong\.toml: training\.dropout"):
        load_recipe(tmp_path / "wrong.toml")


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    """A mistyped key must not be ignored silently."""
    text = (CONFIGS / "mobilefacenet.toml").read_text().replace("seed =", "sead = 1\nseed =")
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(RecipeError, match="sead"):
        load_recipe(tmp_path / "wrong.toml")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    """The message includes that of the parser."""
    (tmp_path / "wrong.toml").write_text("name = ")
    with pytest.raises(RecipeError, match="not a TOML file"):
        load_recipe(tmp_path / "wrong.toml")


def test_a_backbone_not_trained_on_faces_must_be_distilled(tmp_path: Path) -> None:
    """Heads on ImageNet's weights would name strangers; the message names the missing section."""
    text = (CONFIGS / "mobilefacenet.toml").read_text().replace('backbone = "mobilefacenet"', 'backbone = "mobilenet"')
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(RecipeError, match=r"\[distillation\]"):
        load_recipe(tmp_path / "wrong.toml")


def test_guidance_for_data_that_no_head_uses_is_refused(tmp_path: Path) -> None:
    """It would have no effect; the message names the data set."""
    text = (CONFIGS / "mobilefacenet.toml").read_text()
    head, _, tail = text.partition("[guidance]")
    (tmp_path / "wrong.toml").write_text(head + "[guidance]" + tail.replace('["utkface"]', '["lfw_people"]', 1))
    with pytest.raises(RecipeError, match=r"wrong\.toml: .*lfw_people is not in the data of any head"):
        load_recipe(tmp_path / "wrong.toml")


def test_own_people_become_the_closed_set(tmp_path: Path) -> None:
    """A folder replaces the nine people in the identity head, and the network gets the given name."""
    recipe = load_recipe(CONFIGS / "mobilefacenet.toml", tmp_path, "family")
    assert recipe.name == "family"
    assert recipe.heads.identity.data == (str(tmp_path),)
    assert recipe.heads.age.data == ("utkface", "lfw9")
    assert recipe.data[-1].name == "pictures of own people"


def test_an_invalid_name_is_refused() -> None:
    """The name becomes a file name and a value of the contract."""
    with pytest.raises(RecipeError, match="--name The Family"):
        load_recipe(CONFIGS / "mobilefacenet.toml", None, "The Family")
