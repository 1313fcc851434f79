"""The closed list of what a node can be asked to do, by MQTT or through the local socket alone."""

from enum import StrEnum


class Verb(StrEnum):
    """What a node can be asked to do."""

    CHECK = "check"
    SNAPSHOT = "snapshot"
    PRIVACY = "privacy"
    RECOGNITION = "recognition"
    SNOOZE = "snooze"
    PEOPLE_LIST = "people_list"
    PEOPLE_ENROLL = "people_enroll"
    PEOPLE_RENAME = "people_rename"
    PEOPLE_REJECT = "people_reject"
    PEOPLE_IGNORE = "people_ignore"
    PEOPLE_REMOVE = "people_remove"
    RESTART = "restart"
    HELLO = "hello"
    PEOPLE_PHOTOS = "people_photos"
    PEOPLE_PHOTO = "people_photo"
    PEOPLE_PHOTO_REMOVE = "people_photo_remove"
    PEOPLE_PHOTO_MOVE = "people_photo_move"
    PEOPLE_MERGE = "people_merge"
    PEOPLE_UNDO_LIST = "people_undo_list"
    PEOPLE_UNDO = "people_undo"
    PEOPLE_OVERVIEW = "people_overview"
    PEOPLE_TRACES = "people_traces"
    INBOX_LIST = "inbox_list"
    INBOX_SHOW = "inbox_show"
    INBOX_ASSIGN = "inbox_assign"
    INBOX_CLEAR = "inbox_clear"
    STILL = "still"


OFFERED = (
    Verb.CHECK,
    Verb.SNAPSHOT,
    Verb.PRIVACY,
    Verb.RECOGNITION,
    Verb.SNOOZE,
    Verb.PEOPLE_LIST,
    Verb.PEOPLE_ENROLL,
    Verb.PEOPLE_RENAME,
    Verb.PEOPLE_REJECT,
    Verb.PEOPLE_IGNORE,
    Verb.PEOPLE_REMOVE,
    Verb.RESTART,
)
"""What may be requested by MQTT; the rest only through the local socket: it is about stored faces or the view."""
