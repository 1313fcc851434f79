"""Every setting of a node: its bounds, its default and its one line of documentation."""

import re
import stat
from datetime import UTC, time, tzinfo
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from node.settings.endpoints import endpoints

ENV_PREFIX = "FACENODE_"
ID_PATTERN = r"[a-z0-9][a-z0-9_-]{0,31}"

_SERIALS = (Path("/sys/firmware/devicetree/base/serial-number"), Path("/etc/machine-id"))


def default_node_id(sources: tuple[Path, ...] = _SERIALS) -> str:
    """Return `pi-` and the last six characters of the board's serial, else of the machine id."""
    for source in sources:
        try:
            serial = re.sub(r"[^a-z0-9]", "", source.read_text(encoding="ascii", errors="ignore").lower())
        except OSError:
            continue
        if serial:
            return f"pi-{serial[-6:]}"
    return "pi-000000"


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name; UTC also where the system has no table of time zones.

    Raises:
        ValueError: there is none of this name, or the system has no table of them.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        if not available_timezones():
            raise ValueError("this system has no table of time zones: apt install tzdata") from error
        raise ValueError("not the name of a time zone, such as Europe/Berlin") from error


def _zone(name: str) -> str:
    zone_of(name)
    return name


def _file(path: Path) -> Path:
    """Refuse what is no file, with the reason where it cannot be looked at."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise ValueError(f"{error.strerror or error}: name a file that can be read") from error
    if not regular:
        raise ValueError("not a file")
    return path


FilePath = Annotated[Path, AfterValidator(_file)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _has_no_zero_byte(cls, value: object) -> object:
        if isinstance(value, str | Path) and "\0" in str(value):
            raise ValueError("no name, file or host can hold a zero byte")
        return value


class NodeSettings(_Section):
    """Which node this is."""

    id: Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")] = Field(default_factory=default_node_id)
    """Name of the node in every topic; `pi-` and the last six of the board's serial unless given."""
    name: Annotated[str, Field(max_length=64)] = ""
    """Name that people read in Home Assistant; the id unless given."""
    area: Annotated[str, Field(max_length=64)] = ""
    """Room or place that Home Assistant suggests for the device."""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone of the hours in alert rules, such as Europe/Berlin."""


def _split(value: object) -> object:
    """Take `identity,age` for a list, as a command line or a variable gives it."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Fraction = Annotated[float, Field(ge=0, le=1)]
Crop = tuple[Fraction, Fraction, Fraction, Fraction]

_LEAST_CROP = 0.1


class CameraSettings(_Section):
    """Where frames come from."""

    source: Annotated[str, Field(pattern=r"^(picamera(:\d)?|webcam:\d+|video:.+|images:.+)$")] = "webcam:0"
    """`picamera`, `picamera:NUMBER`, `webcam:NUMBER`, `video:PATH_OR_URL` or `images:PATH`."""
    width: Annotated[int, Field(ge=160, le=4608)] = 1280
    """Pixels asked of a live camera, across."""
    height: Annotated[int, Field(ge=120, le=2592)] = 720
    """Pixels asked of a live camera, down."""
    fps: Annotated[float, Field(gt=0, le=60)] = 10.0
    """Frames a second asked of a live camera; also the pace of `images:`."""
    stall_s: Annotated[float, Field(ge=1, le=300)] = 10.0
    """Seconds without a frame after which a live camera counts as lost."""
    restart_after: Annotated[int, Field(ge=1, le=100)] = 5
    """Failed attempts to re-open a lost camera after which the process ends, so that systemd starts a new one."""
    hflip: bool = False
    """With `picamera`: mirror the picture; with `vflip` it is turned by 180 degrees."""
    vflip: bool = False
    """With `picamera`: put the picture upside down; with `hflip` it is turned by 180 degrees."""
    crop: Annotated[Crop | None, NoDecode, BeforeValidator(_split)] = None
    """With `picamera`: the part of the view that is shown, [left, top, width, height] in fractions of it, 0..1."""

    @model_validator(mode="after")
    def _view_goes_with_picamera(self) -> Self:
        if not self.source.startswith("picamera"):
            given = [name for name in ("hflip", "vflip", "crop") if getattr(self, name)]
            if given:
                raise ValueError(f"of all sources picamera alone knows {' and '.join(given)}: remove it")
        return self

    @model_validator(mode="after")
    def _crop_is_a_part(self) -> Self:
        if self.crop is not None:
            left, top, width, height = self.crop
            if min(width, height) < _LEAST_CROP:
                raise ValueError(f"crop must be at least {_LEAST_CROP} wide and high")
            if left + width > 1 or top + height > 1:
                raise ValueError("crop reaches beyond the view: left + width and top + height are 1 at the most")
        return self


class DetectorSettings(_Section):
    """How faces are found."""

    width: Annotated[int, Field(ge=160, le=1920)] = 640
    """Pixels of the longer side on which faces are searched; smaller is faster and misses small faces."""
    min_score: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Least confidence with which something is called a face, 0..1."""
    motion: bool = True
    """While nobody is in view, search what moves, and the still picture once a second; live cameras only."""


class ModelSettings(_Section):
    """The network."""

    path: FilePath | None = None
    """The `.tflite` file, its sidecar `.json` beside it; the network shipped with the program unless given."""
    runtime: Literal["auto", "litert", "tflite"] = "auto"
    """Which TFLite runtime: `auto` takes ai-edge-litert where it is installed, else tflite-runtime."""
    threads: Annotated[int, Field(ge=1, le=16)] = 2
    """Threads of the network."""


class PeopleSettings(_Section):
    """Who is known."""

    source: Literal["gallery", "head"] = "gallery"
    """Who decides: `gallery`, the people enrolled here, or `head`, the network's own closed set."""
    max_fpir: Annotated[float, Field(ge=0.001, le=0.01)] = 0.003
    """Greatest share of strangers that may be called by somebody's name (false-positive identification rate)."""
    keep_crops: bool = True
    """Keep the aligned face of each enrolled photo (mode 0600), so that a new network can learn it again."""


class GateSettings(_Section):
    """Which looks at a face count as evidence."""

    min_face_px: Annotated[int, Field(ge=16, le=1000)] = 36
    """Least width of a face in the full-resolution frame, pixels."""
    max_cut: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Greatest share of the aligned face that may lie beyond the frame's edge, 0..1."""
    min_sharpness: Annotated[float, Field(ge=0, le=10000)] = 20.0
    """Least variance of the Laplacian of the aligned face's luminance, grey levels squared."""
    min_light: Annotated[float, Field(ge=0, le=255)] = 30.0
    """Least mean luminance of the aligned face, 0..255."""
    max_light: Annotated[float, Field(ge=0, le=255)] = 230.0
    """Greatest mean luminance of the aligned face, 0..255."""
    min_contrast: Annotated[float, Field(ge=0, le=127)] = 10.0
    """Least standard deviation of the aligned face's luminance, grey levels."""
    min_keypoint_score: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Least confidence of the detector in a face whose keypoints are to be trusted, 0..1."""
    max_misfit: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Greatest root mean square distance of the keypoints from a frontal face's, in distances between the eyes."""

    @model_validator(mode="after")
    def _light_is_a_range(self) -> Self:
        if self.min_light >= self.max_light:
            raise ValueError("min_light must be less than max_light")
        return self


class EventSettings(_Section):
    """When something is worth telling."""

    leave_after_s: Annotated[float, Field(ge=0.2, le=600)] = 3.0
    """Seconds without sight after which somebody has left."""
    votes: Annotated[int, Field(ge=1, le=50)] = 3
    """Usable looks that a name needs."""
    unknown_votes: Annotated[int, Field(ge=1, le=100)] = 6
    """Usable looks that `unknown` needs: more, since a turned head looks like a stranger."""
    recheck_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """Seconds after which somebody already named is looked at again."""
    looks_per_tick: Annotated[int, Field(ge=1, le=50)] = 4
    """Faces that the network looks at in one frame at the most; who is least certain comes first."""
    cool_down_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """Seconds within which somebody who left and comes back is the same visit, and not told again."""
    gates: GateSettings = GateSettings()
    """Which looks at a face count."""


Task = Literal["identity", "age", "ethnicity"]

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class RuleSettings(_Section):
    """One alert rule."""

    id: Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
    """Name of the rule, in the topic of its alerts."""
    when: Literal["unknown", "recognized", "loiter", "count", "camera_lost"]
    """What it is about: a stranger, somebody known, somebody who stays, how many are in view, a lost camera."""
    people: tuple[Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")], ...] = ()
    """With `recognized` and `loiter`: whom it is about, everybody if empty; `unknown` stands for strangers."""
    between: tuple[Annotated[str, Field(pattern=_CLOCK)], Annotated[str, Field(pattern=_CLOCK)]] | None = None
    """Hours of `node.timezone` in which it holds, such as ["22:00", "06:00"]; always unless given."""
    cool_down_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """Seconds from one alert of this rule to the next at the least."""
    for_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    """Seconds for which it must hold; `loiter` needs them."""
    at_least: Annotated[int, Field(ge=1, le=100)] = 1
    """With `count`: faces in view."""
    nobody_enrolled: bool = False
    """Count strangers even while nobody is enrolled, when everybody is one."""

    @property
    def hours(self) -> tuple[time, time] | None:
        """The hours in which the rule holds."""
        return None if self.between is None else (_clock(self.between[0]), _clock(self.between[1]))

    @model_validator(mode="after")
    def _loiter_has_a_time(self) -> Self:
        if self.when == "loiter" and self.for_s <= 0:
            raise ValueError("a loiter rule needs for_s, the seconds after which somebody loiters")
        if self.people and self.when not in {"recognized", "loiter"}:
            raise ValueError(f"people goes with recognized and loiter, not with {self.when}")
        return self


def _clock(text: str) -> time:
    return time.fromisoformat(text)


class AlertSettings(_Section):
    """What the owner wants to be told."""

    rules: tuple[RuleSettings, ...] = ()
    """The rules, each a table `[[alerts.rules]]`; written in the settings file."""

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [rule.id for rule in self.rules]
        for rule_id in ids:
            if ids.count(rule_id) > 1:
                raise ValueError(f"two rules have the id {rule_id!r}: each needs its own")
        return self


class PublishSettings(_Section):
    """What leaves the node."""

    tasks: Annotated[tuple[Task, ...], NoDecode, BeforeValidator(_split)] = ("identity", "age")
    """Which answers of the network events carry; `ethnicity` is sensitive and off until named here."""
    snapshots: Literal["off", "face", "frame"] = "off"
    """Pictures that leave the node, with each event and when asked for: none, the face, or the whole frame."""

    @model_validator(mode="after")
    def _identity_is_among_them(self) -> Self:
        if "identity" not in self.tasks:
            raise ValueError("tasks must name identity: without it there is no telling who is known and who is not")
        return self


class TlsSettings(_Section):
    """Encryption towards the broker."""

    enabled: bool = False
    """Use TLS."""
    ca_file: FilePath | None = None
    """Certificates that the broker's is checked against; the system's unless given."""
    cert_file: FilePath | None = None
    """This node's certificate."""
    key_file: FilePath | None = None
    """This node's private key."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together: give both or neither")
        if not self.enabled and (self.ca_file or self.cert_file):
            raise ValueError("certificates are named but TLS is off: set enabled = true")
        return self


class MqttSettings(_Section):
    """The broker."""

    host: Annotated[str, Field(min_length=1, max_length=1024)] = "localhost"
    """Name or address of the broker; several, tried in this order: `a.example, b.example:8883, [2001:db8::1]:8883`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    """Port of the broker, or of those that name none; 8883 is usual with TLS."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """MQTT version: `auto` speaks 5 and falls back to 3.1.1 where a broker refuses it."""
    username: Annotated[str, Field(max_length=256)] = ""
    """Name to log in with; none unless given."""
    password_file: FilePath | None = None
    """File that holds the password, read at every connection attempt."""
    tls: TlsSettings = TlsSettings()
    """Encryption towards the broker."""
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 10
    """Seconds of silence after which the broker is asked for a sign of life."""
    live_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Seconds that an event may wait and still count as live; after that it goes to `late/`."""

    @model_validator(mode="after")
    def _password_has_its_name(self) -> Self:
        if self.password_file and not self.username:
            raise ValueError("password_file is given but username is not")
        return self

    @model_validator(mode="after")
    def _hosts_can_be_read(self) -> Self:
        endpoints(self.host, self.port)
        return self

    @property
    def each(self) -> "tuple[MqttSettings, ...]":
        """The same for each broker alone, in the order in which they are tried."""
        return tuple(
            self.model_copy(update={"host": host, "port": port}) for host, port in endpoints(self.host, self.port)
        )


class HomeAssistantSettings(_Section):
    """Home Assistant."""

    enabled: bool = True
    """Announce the node to Home Assistant by MQTT discovery."""
    prefix: Annotated[str, Field(pattern=r"^[^/+#\s]+(/[^/+#\s]+)*$", max_length=64)] = "homeassistant"
    """First levels of Home Assistant's discovery topics."""


class StorageSettings(_Section):
    """What is kept on disk."""

    dir: Path = Path("/var/lib/facenode")
    """Folder of the outbox and of the gallery."""
    max_rows: Annotated[int, Field(ge=10, le=10_000_000)] = 100_000
    """Greatest number of events that wait for the broker; past it the oldest are dropped and counted."""
    max_mb: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Greatest size of what waits for the broker, megabytes."""


class HealthSettings(_Section):
    """What the node tells of itself."""

    every_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Seconds between two health messages."""
    log_every_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Seconds between two heartbeat lines in the log."""
    max_cpu_c: Annotated[float, Field(ge=40, le=120)] = 80.0
    """Temperature of the processor above which every other frame is looked at, °C; live cameras only."""


class Settings(BaseSettings):
    """All settings of a node."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
        nested_model_default_partial_update=True,
    )

    node: NodeSettings = Field(default_factory=NodeSettings)
    """Which node this is."""
    camera: CameraSettings = CameraSettings()
    """Where frames come from."""
    detector: DetectorSettings = DetectorSettings()
    """How faces are found."""
    model: ModelSettings = ModelSettings()
    """The network."""
    people: PeopleSettings = PeopleSettings()
    """Who is known."""
    events: EventSettings = EventSettings()
    """When something is worth telling."""
    alerts: AlertSettings = AlertSettings()
    """What the owner wants to be told."""
    publish: PublishSettings = PublishSettings()
    """What leaves the node."""
    mqtt: MqttSettings = MqttSettings()
    """The broker."""
    homeassistant: HomeAssistantSettings = HomeAssistantSettings()
    """Home Assistant."""
    storage: StorageSettings = StorageSettings()
    """What is kept on disk."""
    health: HealthSettings = HealthSettings()
    """What the node tells of itself."""
