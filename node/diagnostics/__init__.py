"""What `facenode check` finds."""
