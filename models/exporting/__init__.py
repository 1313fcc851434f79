"""A checkpoint -> a TFLite file and its sidecar."""
