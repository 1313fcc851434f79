"""A node and its people -> Home Assistant's device and entities, by MQTT discovery."""
