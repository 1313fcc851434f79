"""Why the node refused -> a sentence of the page."""

from collections.abc import Mapping, Sequence

from node.errors import PeopleError, Reason
from node.page.texts import Sentence, say


class PageError(Exception):
    """Something that the page itself refuses.

    Args:
        sentence: why.
    """

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.key)
        self.sentence = sentence


def sentence_of(error: PeopleError, names: Mapping[str, str]) -> Sentence:
    """Return a sentence about an error.

    Args:
        error: of the node.
        names: the display name of each person, by id.
    """
    about = error.about
    if error.reason is Reason.UNUSABLE:
        flaws = about.get("flaws")
        return say("error.unusable", why=reasons([f"flaw.{flaw}" for flaw in flaws] if isinstance(flaws, list) else []))
    if error.reason is Reason.NEARER:
        person, score = str(about.get("id", "")), about.get("score")
        shown = f"{score:.2f}" if isinstance(score, float) else "?"
        return say("error.nearer", name=names.get(person, person), score=shown)
    if error.reason is Reason.TOO_LARGE:
        return say("error.too_large_undo")
    if error.reason is not None:
        return say(f"error.{error.reason}")
    return say("error.node", sentence=str(error))


def reasons(keys: Sequence[str]) -> Sentence:
    """Return one sentence that names the first two of several reasons."""
    sentences = [say(key) for key in keys[:2]] or [say("flaw.size")]
    return sentences[0] if len(sentences) == 1 else say("inbox.two", first=sentences[0], second=sentences[1])
