"""The shape of every JSON answer: paths and types, as recorded in `shapes.json`. What stands there is promised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import msgspec

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
OPAQUE = frozenset({"old_document", "new_document", "document", "new"})
"""Keys whose values are somebody else's language: policies as they are."""


def recorded() -> dict[str, dict[str, str]]:
    """Command → path → types, joined by `|`."""
    text = files(__package__).joinpath("shapes.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, str]])


def shape_of(value: Any, maps: frozenset[str] = frozenset()) -> dict[str, str]:
    """The paths of a JSON value and the types found there. `maps` are paths whose keys are data and no names of ours.

    `[]` is an element, `{}` a value of a map. Types: text, number, yes/no, time, null, state, list, object, policy.
    """
    found: dict[str, set[str]] = {}
    for path, kind in _walk(value, "", maps):
        found.setdefault(path, set()).add(kind)
    return {path: "|".join(sorted(kinds)) for path, kinds in found.items() if kinds}


def _walk(value: Any, path: str, maps: frozenset[str]) -> Iterator[tuple[str, str]]:
    if path.rpartition(".")[2] in OPAQUE and isinstance(value, dict):
        yield path, "policy"
    elif isinstance(value, dict):
        if value and "state" in value and set(value) <= {"state", "detail", "source", "as_of"}:
            yield path, "state"
            return
        yield path, "object"
        for key, held in value.items():
            yield from _walk(held, f"{path}{{}}" if path in maps else f"{path}.{key}", maps)
    elif isinstance(value, list):
        yield path, "list"
        for held in value:
            yield from _walk(held, f"{path}[]", maps)
    elif isinstance(value, bool):
        yield path, "yes/no"
    elif isinstance(value, int | float):
        yield path, "number"
    elif value is None:
        yield path, "null"
    else:
        yield path, "time" if _TIME.fullmatch(value) else "text"
