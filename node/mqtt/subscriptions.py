"""What a node listens to, and what went wrong there -> what to subscribe to now, and what to leave for a while.

The rules, for each subscription of its own:

1. A node listens to its requests and, once it has a discovery, to Home Assistant's birth messages.
2. Events go on whatever others publish. A received message that is too large ends the connection: its subscription is
   left out of the next connections, and tried again after ten minutes. A retained one would else end them all.
3. A subscription that brings more than 10 messages a second, after a burst of 100, is left for a minute: each message
   costs the same processor time, also one that is ignored. What is still on its way is dropped unread. (Of the requests
   that come, `node.requests.inbox` takes 2 a second after a burst of 20.)
4. A subscription that the broker refuses is tried again after ten minutes, and with each connection. A refusal
   without a reason (0x80, the only one of MQTT 3.1.1) may hold only for a moment, as in a cluster with a dead server:
   it is tried again after ten seconds, then after twice as long each time, up to ten minutes.
5. One that is tried again counts as well only after ten seconds without trouble. Each change is logged once.
"""

import logging
from dataclasses import dataclass

import paho.mqtt.client as paho

from node.contract.topics import Topics
from node.domain import RequestsState
from node.mqtt import reason_codes
from node.mqtt.link import QOS, Link, Lost, Received, Subscribed

PER_SECOND, BURST = 10, 100
"""Rule 3: the messages a second, over time, and how many may come at once after a quiet time (a token bucket)."""

PAUSE_S, FLOOD_PAUSE_S, PROBATION_S, REFUSED_S = 600.0, 60.0, 10.0, 10.0
"""Rules 2 to 5: how long a subscription is left, how long after a flood, when one that is back counts as well, and how
long one is left that was refused without a reason.
"""

_NEVER = float("inf")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Subscription:
    """One filter.

    Attributes:
        name: what it brings, for the log.
        filter: the topic or filter.
        mid: the packet id of SUBSCRIBE; None while there is no subscription.
        state: how it is.
        retry_s: when it may be subscribed to.
        well_s: when a subscription that is tried again counts as well.
        tokens: how many messages may come at once.
        filled_s: when that was.
        refused_s: how long it is left if it is refused without a reason.
    """

    name: str
    filter: str
    mid: int | None = None
    state: RequestsState = RequestsState.ON
    retry_s: float = 0.0
    well_s: float = _NEVER
    tokens: float = BURST
    filled_s: float = 0.0
    refused_s: float = REFUSED_S

    def fails(self, state: RequestsState, retry_s: float, reason: str) -> None:
        """Be without this subscription until `retry_s`; log it if that is new."""
        if state is not self.state:
            _log.warning("%s: %s: %s", self.name, state, reason)
        self.state, self.retry_s, self.well_s, self.mid = state, retry_s, _NEVER, None

    def takes(self, now_s: float) -> bool:
        """Count a message; return whether it is one of not too many."""
        self.tokens = min(float(BURST), self.tokens + (now_s - self.filled_s) * PER_SECOND)
        self.filled_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Subscriptions:
    """Keep a node's subscriptions, over all its connections. Not thread-safe, but for `requests`.

    Args:
        topics: the node's topics.
        requests: whether the node takes requests.
    """

    def __init__(self, topics: Topics, *, requests: bool) -> None:
        self._topics = topics
        self._requests = [_Subscription("requests", topics.requests)] if requests else []
        self._qos_logged = False
        self._births = [_Subscription(f"Home Assistant's {topic}", topic) for topic in topics.births]

    @property
    def requests(self) -> RequestsState:
        """Whether requests arrive."""
        return self._requests[0].state if self._requests else RequestsState.ON

    def connected(self) -> None:
        """Begin a new connection, which has no subscriptions yet."""
        for each in self._all:
            each.mid, each.refused_s = None, REFUSED_S
            if each.state is RequestsState.REFUSED:
                each.retry_s = 0.0

    def update(self, link: Link, now_s: float, *, births: bool) -> None:
        """Subscribe to what is due.

        Args:
            link: the present connection.
            now_s: seconds of the monotonic clock.
            births: whether the node has a discovery, so that Home Assistant's birth messages matter.
        """
        for each in (*self._requests, *(self._births if births else ())):
            if each.mid is None and now_s >= each.retry_s:
                each.mid = link.subscribe(each.filter)
            elif each.mid is not None and now_s >= each.well_s:
                each.state, each.well_s = RequestsState.ON, _NEVER
                _log.info("%s: on again", each.name)

    def answer(self, report: Subscribed, now_s: float) -> None:
        """Handle the broker's answer to a subscription."""
        for each in self._all:
            if each.mid != report.mid:
                continue
            if report.code >= reason_codes.SUCCESS_BELOW:
                reason = f"{each.filter}: {reason_codes.describe(report.code)}"
                pause_s = each.refused_s if report.code == reason_codes.NO_REASON else PAUSE_S
                each.refused_s = min(2 * each.refused_s, PAUSE_S)
                each.fails(RequestsState.REFUSED, now_s + pause_s, reason)
                continue
            each.refused_s = REFUSED_S
            if report.code < QOS and not self._qos_logged:
                self._qos_logged = True
                _log.warning("broker: %s", reason_codes.GRANTED_LESS)
            if each.state is not RequestsState.ON:
                each.well_s = now_s + PROBATION_S

    def take(self, message: Received, link: Link, now_s: float) -> bool:
        """Count a message; return whether to handle it. Leave a subscription that brings too many."""
        for each in self._all:
            if not paho.topic_matches_sub(each.filter, message.topic):
                continue
            if each.mid is None:
                return False
            if each.takes(now_s):
                return True
            link.unsubscribe(each.filter)
            reason = f"more than {PER_SECOND} messages a second: not subscribed for {FLOOD_PAUSE_S:.0f} s"
            each.fails(RequestsState.PAUSED, now_s + FLOOD_PAUSE_S, reason)
            return False
        return False

    def lost(self, lost: Lost, now_s: float) -> None:
        """Learn from the end of a connection."""
        for each in self._all:
            if lost.topic is not None and paho.topic_matches_sub(each.filter, lost.topic):
                reason = f"a message was too large: not subscribed for {PAUSE_S / 60:.0f} minutes"
                each.fails(RequestsState.PAUSED, now_s + PAUSE_S, reason)

    @property
    def _all(self) -> tuple[_Subscription, ...]:
        return (*self._requests, *self._births)
