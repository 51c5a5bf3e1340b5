"""The nouns. Frozen values without I/O; nothing here imports anything of iamtui outside this package."""
