"""Pictures from a phone -> photos of a person; where there is a doubt, the owner chooses."""

import base64
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from node.errors import PeopleError, Reason
from node.page.backend import Backend
from node.page.form import Form
from node.page.ids import KEPT, PERSON, path_id
from node.page.kept import Kept
from node.page.pages import Pages
from node.page.people_names import PeopleNames
from node.page.problems import PageError
from node.page.texts import Sentence, say, say_count
from node.page.upload import Upload, UploadedFace, UploadedPicture, pictures_of
from node.page.uploaded import file_name, spooled
from node.page.views.inbox import checked_name
from node.page.views.picture import picture
from node.page.visit import Visit

_MOST, _LASTS_S = 4, 300.0
_LEAVE = "leave"


class UploadViews:
    """Take pictures, look at them in a process of their own, and add the faces.

    Args:
        backend: asks the node, and that process.
        names: of the people.
        pages: renders what is shown.
    """

    def __init__(self, backend: Backend, names: PeopleNames, pages: Pages) -> None:
        self._backend, self._names, self._pages = backend, names, pages
        self.uploads: Kept[Upload] = Kept(_MOST, _LASTS_S)

    def add_new(self, visit: Visit, request: Request, form: Form) -> Response:
        """Enroll somebody new."""
        del request
        name = checked_name(form.value("name"))
        if name.lower() in {known.lower() for known in self._names().values()}:
            raise PageError(say("error.taken"))
        return self._take(visit, form, "", name)

    def add(self, visit: Visit, request: Request, form: Form) -> Response:
        """Add photos to a person."""
        person = path_id(request, "person", PERSON)
        name = self._names().get(person)
        if name is None:
            raise PeopleError(f"{person}: nobody", Reason.NOBODY)
        return self._take(visit, form, person, name)

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page that asks which faces are the person."""
        id_ = path_id(request, "upload", KEPT)
        upload = self.uploads.find(visit.form_token, id_)
        if upload is None:
            return self._pages.show(visit, "error.html", 410, sentence=say("upload.gone"))
        return self._pages.show(visit, "upload.html", page="people", upload=upload, upload_id=id_)

    def preview(self, visit: Visit, request: Request) -> Response:
        """Return a picture of a face that waits."""
        upload = self.uploads.find(visit.form_token, path_id(request, "upload", KEPT))
        face = _face(upload, str(request.path_params["picture"]), str(request.path_params["face"]))
        return picture(None if face is None else face.preview, "image/jpeg")

    def use(self, visit: Visit, request: Request, form: Form) -> Response:
        """Add the faces that the owner chose; whoever chooses a doubtful one has read why it is."""
        id_ = path_id(request, "upload", KEPT)
        upload = self.uploads.find(visit.form_token, id_)
        if upload is None:
            raise PageError(say("upload.gone"))
        chosen: list[tuple[UploadedPicture, UploadedFace]] = []
        for number, each in enumerate(upload.pictures):
            face = _face(upload, str(number), form.value(f"picture-{number}"))
            if face is not None:
                chosen.append((each, face))
        if not chosen:
            raise PageError(say("error.none_chosen"))
        doubtful = any(face.doubt is not None for _, face in chosen)
        person, count = self._add(upload.person, upload.name, chosen, force=doubtful)
        self.uploads.drop(id_)
        return self._pages.go_to(visit, f"/people/{person}", say_count("done.added", count, name=upload.name))

    def _take(self, visit: Visit, form: Form, person: str, name: str) -> Response:
        """Look at pictures, add those that are good, and ask about the others."""
        if not form.files:
            raise PageError(say("error.no_files"))
        files = [spooled(file) for file in form.files]
        labels = [file_name(file) for file in form.files]
        answer = self._backend.help("photos_look", *files, names=labels, **({"id": person} if person else {}))
        found = pictures_of(answer["photos"], self._names.known())
        good = [(each, each.good) for each in found]
        used = [(each, face) for each, face in good if face is not None]
        rest = tuple(each for each, face in good if face is None)
        added: Sentence | None = None
        if used:
            person, count = self._add(person, name, used, force=False)
            added = say_count("done.added", count, name=name)
        if not rest:
            return self._pages.go_to(visit, f"/people/{person}", added)
        upload = self.uploads.put(visit.form_token, Upload(person, name, rest))
        return self._pages.go_to(visit, f"/uploads/{upload}", added or say("upload.none_used"), problem=not used)

    def _add(
        self, person: str, name: str, faces: Sequence[tuple[UploadedPicture, UploadedFace]], *, force: bool
    ) -> tuple[str, int]:
        """Add faces to a person, or to somebody new. Return the id, and how many faces there are more."""
        fields = {"id": person} if person else {"name": name}
        given = [
            {"file": face.file, "png": base64.b64encode(face.png).decode(), "source": each.name} for each, face in faces
        ]
        done = self._backend.help("faces_add", faces=given, force=force, **fields)
        return str(done["id"]), int(done["added"])


def _face(upload: Upload | None, number: str, face: str) -> UploadedFace | None:
    """Return a face of an upload by the numbers of its picture and of itself; None if the owner leaves it out.

    Raises:
        HTTPException: there is none.
    """
    if face in (_LEAVE, ""):
        return None
    try:
        return None if upload is None else upload.pictures[_number(number)].faces[_number(face)]
    except (IndexError, ValueError) as error:
        raise HTTPException(404) from error


def _number(text: str) -> int:
    """Return a number of one or two digits.

    Raises:
        ValueError: it is not one.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 2):  # noqa: PLR2004 - as it says
        raise ValueError(text)
    return int(text)
