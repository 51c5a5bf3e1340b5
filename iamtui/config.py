"""Settings: read from TOML, the environment and flags; never written."""
