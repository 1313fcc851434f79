"""The section `camera`: where frames come from."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from node.settings.section import ConflictError, Section, split_at_commas

Fraction = Annotated[float, Field(ge=0, le=1)]
Crop = tuple[Fraction, Fraction, Fraction, Fraction]
"""Left, top, width and height, in fractions."""

Rotation = Literal[0, 90, 180, 270]
"""Degrees clockwise."""

_LEAST_CROP = 0.1
_MOST_MASKS = 32
_ROUNDING = 1e-9


def _whole(value: object) -> object:
    """Turn digits, as a command line or a variable gives them, into a number; leave any other value alone."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _masks(value: object) -> object:
    """Turn `0,0,0.5,1; 0.8,0,0.2,1`, as a command line or a variable gives it, into a tuple; leave any other value."""
    if not isinstance(value, str):
        return value
    return tuple(split_at_commas(part) for part in value.split(";") if part.strip())


def _beyond(part: Crop) -> bool:
    left, top, width, height = part
    return max(left + width, top + height) > 1 + _ROUNDING


class CameraSettings(Section):
    """Source of the frames."""

    source: Annotated[str, Field(pattern=r"^(picamera(:\d)?|webcam:(\d+|/dev/.+)|video:.+|images:.+)$")] = "webcam:0"
    """`picamera`, `picamera:NUMBER`, `webcam:NUMBER`, `webcam:/dev/PATH`, `video:PATH_OR_URL` or `images:PATH`."""
    width: Annotated[int, Field(ge=160, le=4608)] = 1280
    """Width requested from a live camera, pixels."""
    height: Annotated[int, Field(ge=120, le=2592)] = 720
    """Height requested from a live camera, pixels."""
    fps: Annotated[float, Field(gt=0, le=60)] = 10.0
    """Frames per second requested from a live camera; also the frame rate of `images:`."""
    stall_s: Annotated[float, Field(ge=1, le=300)] = 10.0
    """Seconds without a frame after which a live camera counts as lost."""
    restart_after: Annotated[int, Field(ge=1, le=100)] = 5
    """Failed attempts to reopen a lost camera after which the process ends, where only a new one may help."""
    rotate: Annotated[Rotation, BeforeValidator(_whole)] = 0
    """Turn every image clockwise by 0, 90, 180 or 270°; `crop`, `masks` and all boxes are of the turned image."""
    hflip: bool = False
    """With `picamera`: mirror the image horizontally; together with `vflip` this rotates it by 180 degrees."""
    vflip: bool = False
    """With `picamera`: flip the image vertically; together with `hflip` this rotates it by 180 degrees."""
    crop: Annotated[Crop | None, NoDecode, BeforeValidator(split_at_commas)] = None
    """The part of the view to use, [left, top, width, height] in fractions of the turned image, 0..1."""
    masks: Annotated[tuple[Crop, ...], Field(max_length=_MOST_MASKS), NoDecode, BeforeValidator(_masks)] = ()
    """Parts not to look at, a list of [left, top, width, height] in fractions of the turned and cropped image."""

    @model_validator(mode="after")
    def _view_goes_with_picamera(self) -> Self:
        if not self.source.startswith("picamera"):
            given = [name for name in ("hflip", "vflip") if getattr(self, name)]
            if given:
                what = "it" if len(given) == 1 else "them"
                message = f"only picamera supports {' and '.join(given)}: remove {what}, or set source = picamera"
                raise ConflictError(message, "source", *given)
        return self

    @model_validator(mode="after")
    def _crop_is_a_part(self) -> Self:
        if self.crop is not None:
            _, _, width, height = self.crop
            if min(width, height) < _LEAST_CROP:
                raise ConflictError(f"crop must be at least {_LEAST_CROP} wide and high", "crop")
            if _beyond(self.crop):
                message = "crop extends beyond the view: left + width and top + height must be at most 1"
                raise ConflictError(message, "crop")
        return self

    @model_validator(mode="after")
    def _masks_are_parts(self) -> Self:
        for number, mask in enumerate(self.masks, 1):
            if not all(mask[2:]):
                raise ConflictError(f"mask {number} has no width or no height: give it both, or remove it", "masks")
            if _beyond(mask):
                message = f"mask {number} extends beyond the view: left + width and top + height must be at most 1"
                raise ConflictError(message, "masks")
        return self
