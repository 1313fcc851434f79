"""A folder with one folder of pictures per person -> samples."""

from pathlib import Path

from models.data.samples import Sample, person_id
from models.errors import DataError
from node.domain import counted

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_FEWEST_PICTURES = 5
_FEWEST_PEOPLE = 2  # with one person there is nothing to choose from


def own_people(folder: Path) -> tuple[Sample, ...]:
    """Return the people of a folder with one folder of pictures per person; every fifth picture is for validation.

    Raises:
        DataError: the folder is missing, has fewer than two people, or a person has fewer than five pictures.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: name a folder with one folder of pictures per person")
    samples = []
    for person_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = sorted(path for path in person_folder.iterdir() if path.suffix.lower() in _PICTURES)
        if len(pictures) < _FEWEST_PICTURES:
            raise DataError(
                f"{person_folder}: {counted(len(pictures), 'picture')} ({', '.join(sorted(_PICTURES))}): a person "
                f"needs at least {_FEWEST_PICTURES}; add pictures or remove the folder"
            )
        person = person_id(person_folder.name)
        samples += [
            Sample(path, "val" if number % _FEWEST_PICTURES == _FEWEST_PICTURES - 1 else "train", person)
            for number, path in enumerate(pictures)
        ]
    if len({sample.person for sample in samples}) < _FEWEST_PEOPLE:
        raise DataError(f"{folder}: fewer than two people: add a folder of pictures for each person")
    return tuple(samples)
