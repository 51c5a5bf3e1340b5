"""Facts from files: what an operator saved with the AWS CLI, CloudTrail's own files, and bundles."""

from __future__ import annotations

from .source import EvidenceSource

__all__ = ["EvidenceSource"]
