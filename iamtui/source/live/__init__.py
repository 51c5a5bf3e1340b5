"""Live AWS, read-only. boto3 is imported with the first call, not with this package."""

from __future__ import annotations

from .connection import LiveOptions
from .delivered import KeptTrail, TrailSource
from .source import LiveSource

__all__ = ["KeptTrail", "LiveOptions", "LiveSource", "TrailSource"]
