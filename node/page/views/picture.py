"""The bytes of a picture -> an answer that no browser keeps."""

from starlette.exceptions import HTTPException
from starlette.responses import Response


def picture(content: bytes | None, kind: str) -> Response:
    """Return a picture.

    Args:
        content: the file; None if there is none.
        kind: its media type.

    Raises:
        HTTPException: there is none.
    """
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type=kind, headers={"cache-control": "no-store"})
