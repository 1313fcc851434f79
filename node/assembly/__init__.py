"""Settings -> a node, and what the commands are made of: the one place where concrete classes are put together."""

from node.assembly.broker import (
    announced_traces,
    build_announcer,
    build_connect,
    build_outbox,
    check_outbox_files,
    describe_device,
)
from node.assembly.node import build_node
from node.assembly.offline import build_offline_requests
from node.assembly.people import (
    build_embed,
    build_enrollee,
    build_erasure,
    build_gallery,
    build_matcher,
    build_scoring,
    read_scoring,
)
from node.assembly.review import build_naming
from node.assembly.vision import (
    Vision,
    build_masks,
    build_photo_detector,
    build_search,
    build_sidecar,
    build_vision,
    event_labels,
    wanted_heads,
)

__all__ = [
    "Vision",
    "announced_traces",
    "build_announcer",
    "build_connect",
    "build_embed",
    "build_enrollee",
    "build_erasure",
    "build_gallery",
    "build_masks",
    "build_matcher",
    "build_naming",
    "build_node",
    "build_offline_requests",
    "build_outbox",
    "build_photo_detector",
    "build_scoring",
    "build_search",
    "build_sidecar",
    "build_vision",
    "check_outbox_files",
    "describe_device",
    "event_labels",
    "read_scoring",
    "wanted_heads",
]
