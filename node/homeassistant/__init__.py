"""What Home Assistant is told of a node, by MQTT discovery."""
