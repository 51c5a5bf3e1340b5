"""Ways to more rights than one was given."""
