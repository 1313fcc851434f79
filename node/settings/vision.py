"""The sections `detector`, `model` and `events.gates`: how a face is found, recognized and judged."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from node.settings.section import ConflictError, FilePath, Section


class DetectorSettings(Section):
    """Face detection."""

    width: Annotated[int, Field(ge=160, le=1920)] = 640
    """Longer side at which a frame is searched, pixels; smaller is faster and misses small faces. Photos: in tiles."""
    min_score: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Minimum confidence of a detected face, 0..1."""
    motion: bool = True
    """While nobody is in view, search only what moves, and a still image once a second; live cameras only."""
    track: bool = True
    """While somebody is in view, search around their faces, and everywhere every few frames; live cameras only."""


class ModelSettings(Section):
    """The network."""

    path: FilePath | None = None
    """The `.tflite` file, with its sidecar and its cohort beside it; by default the one that ships with the program."""
    runtime: Literal["auto", "litert", "tflite"] = "auto"
    """TFLite runtime: `auto` uses ai-edge-litert where it is installed, else tflite-runtime."""
    threads: Annotated[int, Field(ge=0, le=16)] = 0
    """Threads of detector and network; 0 chooses: 2 with ai-edge-litert on four cores or more, else 1."""


class GateSettings(Section):
    """Minimum quality of a look at a face that counts as evidence."""

    min_face_px: Annotated[int, Field(ge=16, le=1000)] = 36
    """Minimum width of a face in the full-resolution frame, pixels."""
    max_cut: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Maximum share of the aligned face that may lie beyond the frame's edge, 0..1."""
    min_sharpness: Annotated[float, Field(ge=0, le=10000)] = 20.0
    """Minimum variance of the Laplacian of the aligned face's luminance, gray levels squared."""
    min_light: Annotated[float, Field(ge=0, le=255)] = 30.0
    """Minimum mean luminance of the aligned face, 0..255."""
    max_light: Annotated[float, Field(ge=0, le=255)] = 230.0
    """Maximum mean luminance of the aligned face, 0..255."""
    min_contrast: Annotated[float, Field(ge=0, le=127)] = 10.0
    """Minimum standard deviation of the aligned face's luminance, gray levels."""
    min_keypoint_score: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Minimum confidence of the detector in a face whose keypoints can be trusted, 0..1."""
    max_misfit: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Maximum root mean square distance of the keypoints from a frontal face's, in distances between the eyes."""
    min_upright: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Minimum lead of the detector's score of a face as it is over that of the face turned; -1 accepts every turn."""

    @model_validator(mode="after")
    def _light_is_a_range(self) -> Self:
        if self.min_light >= self.max_light:
            raise ConflictError("min_light must be less than max_light", "min_light", "max_light")
        return self
