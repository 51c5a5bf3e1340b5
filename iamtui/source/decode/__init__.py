"""Raw answers to model values: the one place where JSON of unknown shape is at home."""

from __future__ import annotations

from .assembler import Assembler
from .events import EventBatch, decode_events
from .folding import fold
from .secrets import redact_document
from .usage import decode_last_accessed

__all__ = ["Assembler", "EventBatch", "decode_events", "decode_last_accessed", "fold", "redact_document"]
