"""Which type of resource an ARN (or an ARN pattern of a policy) is, told by the catalogue's ARN templates."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VARIABLE = re.compile(r"\$\{[^}]*\}")


def expressions(templates: Iterable[tuple[str, str]]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(type, expression) most specific template first. Variables stay inside a segment, except the last one."""
    ranked = []
    for key, template in templates:
        fixed = _VARIABLE.split(template)
        if len(fixed) < 2:
            continue
        body = ""
        for position, text in enumerate(fixed[:-1]):
            last_of_path = position == len(fixed) - 2 and "/" in text
            body += re.escape(text) + (".+" if last_of_path and not fixed[-1] else "[^:/]*")
        ranked.append((len("".join(fixed)), key, body + re.escape(fixed[-1])))
    ranked.sort(key=lambda entry: -entry[0])
    return tuple((key, re.compile(body, re.IGNORECASE)) for _weight, key, body in ranked)
