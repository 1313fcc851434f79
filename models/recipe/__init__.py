"""A TOML file -> a checked recipe: the settings of one training."""
