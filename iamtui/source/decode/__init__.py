"""Raw answers to model values: the one place where JSON of unknown shape is at home."""

from __future__ import annotations

from .accounts import decode_accounts, encode_accounts
from .assembler import Assembler
from .events import EventBatch, decode_events
from .folding import fold
from .secrets import redact_document
from .surroundings import with_document
from .usage import decode_entities, decode_granting, decode_last_accessed
from .wire import BROKEN, reason_of

__all__ = [
    "BROKEN",
    "Assembler",
    "EventBatch",
    "decode_accounts",
    "decode_entities",
    "decode_events",
    "decode_granting",
    "decode_last_accessed",
    "encode_accounts",
    "fold",
    "reason_of",
    "redact_document",
    "with_document",
]
