"""Ends of connections -> an error where another program takes this one's session, instead of a fight for it.

A broker gives the session of a client id to whoever connects last. Over MQTT 5 it can say so (0x8E); over 3.1.1 none
can, and mosquitto 2.0.11 never does: the connection just ends, and both programs throw each other out for ever.
"""

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.link import Lost

ADVICE = "give each program an account of its own, and each session an ID of its own"
_SOON_S = 10.0
_MANY = 3


class Takeovers:
    """Judge how one connection after the other ends."""

    def __init__(self) -> None:
        self._short = 0

    def refused(self) -> None:
        """Note that the broker could not be reached: then it, not another program, ended the connections."""
        self._short = 0

    def ended(self, lost: Lost, lasted_s: float) -> None:
        """Note that the broker ended a connection which it had accepted.

        Args:
            lost: what is known of the end.
            lasted_s: seconds from the acceptance to the end.

        Raises:
            BrokerError: the broker says that another client took over the session; or it ended several connections in
                a row soon after it had accepted them, and gave no reason.
        """
        if lost.code == reason_codes.TAKEN_OVER:
            raise BrokerError(f"{lost.sentence}: {ADVICE}")
        self._short = self._short + 1 if lasted_s < _SOON_S and lost.code == reason_codes.NO_REASON else 0
        if self._short >= _MANY:
            raise BrokerError(
                f"{lost.sentence}, {_MANY} times in a row soon after it had accepted it: another program probably uses "
                f"the same account or client id: {ADVICE}"
            )


def describe_end(lost: Lost) -> str:
    """Return why a connection ended that is not made again, and what to do if another program is behind it."""
    if lost.code == reason_codes.TAKEN_OVER:
        return f"{lost.sentence}: {ADVICE}"
    if lost.code == reason_codes.NO_REASON:
        return f"{lost.sentence}: try again; if another program uses the same account, {ADVICE}"
    return lost.sentence
