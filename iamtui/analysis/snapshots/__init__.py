"""Two points in time of an account, compared: what is there, who may do what, and what could not be compared."""
