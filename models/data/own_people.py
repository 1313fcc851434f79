"""A folder with a folder of pictures for each person -> samples."""

from pathlib import Path

from models.data.samples import Sample, person_id
from models.errors import DataError

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_OWN_PICTURES = 5
_FEWEST_PEOPLE = 2  # for an answer to be a choice


def own_people(folder: Path) -> tuple[Sample, ...]:
    """Return the people of a folder that has a folder of pictures for each; every fifth picture is for validation.

    Raises:
        DataError: there is no such folder, nobody in it, or somebody with fewer than five pictures.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: it holds a folder of pictures for each person")
    samples = []
    for home in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = sorted(path for path in home.iterdir() if path.suffix.lower() in _PICTURES)
        if len(pictures) < _OWN_PICTURES:
            raise DataError(
                f"{home}: {len(pictures)} pictures ({', '.join(sorted(_PICTURES))}): a person needs {_OWN_PICTURES} or "
                "more; take the folder away to leave them out"
            )
        person = person_id(home.name)
        samples += [
            Sample(path, "val" if number % _OWN_PICTURES == _OWN_PICTURES - 1 else "train", person)
            for number, path in enumerate(pictures)
        ]
    if len({sample.person for sample in samples}) < _FEWEST_PEOPLE:
        raise DataError(f"{folder}: fewer than two people: it holds a folder of pictures for each")
    return tuple(samples)
