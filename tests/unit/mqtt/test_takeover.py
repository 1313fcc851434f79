"""When the end of a connection means that another program has taken its session."""

import pytest

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.link import Lost
from node.mqtt.takeover import ADVICE, Takeovers, describe_end

TAKEN_OVER = Lost("hub:1883: another client took over", reason_codes.TAKEN_OVER)
CLOSED = Lost("hub:1883: the broker closed the connection", reason_codes.NO_REASON)
SHUT_DOWN = Lost("hub:1883: the broker is shutting down", 0x8B)


def test_a_broker_that_says_so_is_believed_at_once() -> None:
    """Over MQTT 5 the reason is certain."""
    with pytest.raises(BrokerError, match="give each program an account of its own"):
        Takeovers().ended(TAKEN_OVER, 3600.0)


def test_three_short_connections_in_a_row_mean_another_program() -> None:
    """Over 3.1.1 there is no reason: a broker that accepts each time and soon closes serves somebody else."""
    takeovers = Takeovers()
    takeovers.ended(CLOSED, 2.0)
    takeovers.ended(CLOSED, 0.1)
    with pytest.raises(BrokerError, match=r"3 times in a row .* another program probably uses the same account"):
        takeovers.ended(CLOSED, 9.9)


@pytest.mark.parametrize("between", ["long", "another reason", "refused"])
def test_a_broker_that_restarts_is_not_another_program(between: str) -> None:
    """A connection that lasted, that ended for a reason, or that was refused in between begins the count anew."""
    takeovers = Takeovers()
    for _ in range(5):
        takeovers.ended(CLOSED, 1.0)
        takeovers.ended(CLOSED, 1.0)
        match between:
            case "long":
                takeovers.ended(CLOSED, 10.0)
            case "another reason":
                takeovers.ended(SHUT_DOWN, 1.0)
            case _:
                takeovers.refused()


def test_a_command_that_connects_once_says_what_may_be_behind_it() -> None:
    """One end proves nothing over 3.1.1, so the sentence leaves it open."""
    assert describe_end(TAKEN_OVER) == f"{TAKEN_OVER.sentence}: {ADVICE}"
    assert describe_end(CLOSED).endswith(f"if another program uses the same account, {ADVICE}")
    assert describe_end(SHUT_DOWN) == SHUT_DOWN.sentence
