"""What an owner relies on over restarts, kept on disk: who was told of, which alerts are raised or cooling down."""
