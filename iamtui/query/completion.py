"""Words that complete while a query is typed: columns with their nesting, Trino's functions, keywords."""

from __future__ import annotations

import re
from collections.abc import Sequence

FUNCTIONS = (
    "approx_distinct(",
    "array_agg(",
    "array_join(",
    "cardinality(",
    "coalesce(",
    "contains(",
    "count(*)",
    "count_if(",
    "current_timestamp",
    "date_add('day', -30, now())",
    "date_diff(",
    "date_format(",
    "date_trunc(",
    "element_at(",
    "from_iso8601_timestamp(eventtime)",
    "json_array_get(",
    "json_extract(",
    "json_extract_scalar(",
    "lower(",
    "max_by(",
    "min_by(",
    "regexp_extract(",
    "regexp_like(",
    "split_part(",
    "substr(",
    "try_cast(",
    "unnest(resources)",
)
KEYWORDS = (
    "SELECT",
    "FROM cloudtrail_logs",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "DISTINCT",
    "BETWEEN",
    "CROSS JOIN UNNEST(resources) AS t(r)",
    "IS NOT NULL",
    "UNION ALL",
    "WITH",
)
_WORD = re.compile(r"[A-Za-z_][\w.]*$")


def complete(before: str, columns: Sequence[str]) -> str:
    """What to add at the end of the text before the cursor, "" when nothing completes it. Columns come first; to one who writes in
    capitals, keywords."""
    found = _WORD.search(before)
    if found is None or before.count("'") % 2:
        return ""
    word = found[0]
    folded = word.casefold()
    words = (*KEYWORDS, *columns, *FUNCTIONS) if word.isupper() else (*columns, *FUNCTIONS, *KEYWORDS)
    for candidate in words:
        if len(candidate) > len(word) and candidate.casefold().startswith(folded):
            return candidate[len(word) :]
    return ""
