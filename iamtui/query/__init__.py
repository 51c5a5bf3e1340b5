"""SQL over events: one text, AWS's dialect, whichever engine answers. Importing this imports no parser."""

from __future__ import annotations

from .saved import QUERIES, Parameter, SavedQuery, draft, fill, named

__all__ = ["QUERIES", "Parameter", "SavedQuery", "draft", "fill", "named"]
