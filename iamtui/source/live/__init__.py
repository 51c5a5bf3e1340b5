"""Live AWS, read-only. boto3 is imported with the first call, not with this package."""

from __future__ import annotations

from .connection import LiveOptions
from .source import LiveSource, TrailSource

__all__ = ["LiveOptions", "LiveSource", "TrailSource"]
