"""A read-only terminal explorer of AWS identity: who can do what in an account, and who did."""

__version__ = "0.1.0"
