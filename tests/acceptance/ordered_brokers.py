"""A cluster -> its brokers in a client's own order."""

from typing import Protocol

from node.settings import MqttSettings


class Cluster(Protocol):
    """Brokers that keep the same messages."""

    def settings(self, *order: int, **more: object) -> MqttSettings:
        """Return the settings that try the brokers in this order, numbered from 0."""
        ...


class OrderedBrokers:
    """A cluster's brokers in a client's own order."""

    def __init__(self, cluster: Cluster, *order: int) -> None:
        self._cluster, self._order = cluster, order

    def settings(self, **more: object) -> MqttSettings:
        """Return the settings for a connection to the brokers."""
        return self._cluster.settings(*self._order, **more)
