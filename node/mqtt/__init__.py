"""MQTT transport: connections, the delivery of messages, and subscriptions."""
