"""Would anybody hear of it? Patterns of metric filters and rules, sample events, and the way from a call to a person."""
