"""Events on disk: Parquet segments that DuckDB reads. Importing this imports no DuckDB."""

from __future__ import annotations

from .segments import Batch, EventStore, Input, StoreState

__all__ = ["Batch", "EventStore", "Input", "StoreState"]
