"""Raw answers to model values: the one place where JSON of unknown shape is at home."""

from __future__ import annotations

from .assembler import Assembler
from .events import EventBatch, decode_events
from .folding import fold
from .secrets import redact_document
from .surroundings import with_document
from .usage import decode_last_accessed
from .wire import BROKEN, reason_of

__all__ = [
    "BROKEN",
    "Assembler",
    "EventBatch",
    "decode_events",
    "decode_last_accessed",
    "fold",
    "reason_of",
    "redact_document",
    "with_document",
]
