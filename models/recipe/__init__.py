"""A TOML file -> a validated recipe: the settings of one training."""
