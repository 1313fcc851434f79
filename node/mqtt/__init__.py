"""Messages out, by MQTT."""
