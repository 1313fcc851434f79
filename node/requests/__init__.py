"""What a node is asked to do, by MQTT or on its own machine, and who does it."""
