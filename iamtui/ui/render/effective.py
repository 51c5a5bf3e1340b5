"""Effective access as cells and lines: a table of services, and one service in full."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.effective import Access, Difference, EffectiveAccess
from ...text import visible
from .cells import Cell
from .documents import Line

_NAMES_A_LINE = 96


def services_of(access: EffectiveAccess) -> tuple[str, ...]:
    """Services with anything allowed or stopped, by name."""
    return tuple(sorted({*access.services, *(one.service for one in access.stopped)}))


def access_cell(access: EffectiveAccess, service: str, column: int) -> Cell:
    """A service's line: name, access, resources, how many actions are stopped, conditions, policies."""
    lines = [one for one in access.allowed if one.service == service]
    match column:
        case 0:
            return Cell(visible(service), "strong" if lines else "state-absent")
        case 1:
            words = "Full access" if service in access.full else access_words(lines)
            return Cell(visible(words), "" if lines else "effect-deny")
        case 2:
            scopes = list(dict.fromkeys(one.scope for one in lines))
            return Cell(visible(scopes[0] if len(scopes) == 1 else f"{scopes[0]} and {len(scopes) - 1} more" if scopes else ""))
        case 3:
            stopped = {name for one in access.stopped if one.service == service for name in one.actions}
            return Cell(f"{len(stopped):,}" if stopped else "", "effect-deny")
        case 4:
            conditions = [words for words in dict.fromkeys(one.conditions for one in lines) if words]
            return Cell(visible("; ".join(conditions)), "severity-medium")
        case _:
            return Cell(visible(", ".join(dict.fromkeys(name for one in lines for name in one.granted_by))))


def access_words(lines: Sequence[Access]) -> str:
    """`Full: List, Read · Limited: Write 3/40`, or that all of it is stopped."""
    if not lines:
        return "nothing is left"
    granted: dict[str, set[str]] = {}
    totals: dict[str, int] = {}
    for line in lines:
        granted.setdefault(line.level, set()).update(line.actions)
        totals[line.level] = line.total
    full = [_short(level) for level, names in granted.items() if len(names) == totals[level]]
    limited = [f"{_short(level)} {len(names)}/{totals[level] or '?'}" for level, names in granted.items() if len(names) != totals[level]]
    return " · ".join(([f"Full: {', '.join(full)}"] if full else []) + ([f"Limited: {', '.join(limited)}"] if limited else []))


def _short(level: str) -> str:
    return "Permissions" if level == "Permissions management" else level


def service_lines(access: EffectiveAccess, service: str) -> list[Line]:
    """One service: what is allowed by level with its scope, conditions and policies, every action by name; then what is stopped."""
    name = next((one.name for one in access.allowed if one.service == service), "")
    lines: list[Line] = [[(visible(service), "strong"), (visible(f"  {name}"), "state-absent")]]
    for one in access.allowed:
        if one.service == service:
            risky = one.level == "Permissions management"
            lines += [[], [(one.words, "severity-medium" if risky else "heading"), (visible(f"  on {one.scope}"), "")]]
            if one.conditions:
                lines.append([("  only when ", "label"), (visible(one.conditions), "severity-medium")])
            if one.within:
                lines.append([("  and within its limits when ", "label"), (visible(one.within), "severity-medium")])
            lines.append([("  granted by ", "label"), (visible(", ".join(one.granted_by) or "no policy"), "state-absent")])
            lines += name_lines(one.actions)
    for stop in access.stopped:
        if stop.service == service:
            where = f"{stop.level} {len(stop.actions)} on {', '.join(stop.resources)}"
            lines += [[], [("Stopped  ", "effect-deny"), (visible(where), "")]]
            lines.append([("  because ", "label"), (visible(stop.by), "")])
            lines.append([("  granted by ", "label"), (visible(", ".join(stop.granted_by)), "state-absent")])
            lines += name_lines(stop.actions)
    return lines


def name_lines(names: Sequence[str]) -> list[Line]:
    """Names in as few lines as hold them."""
    lines: list[Line] = []
    text = ""
    for name in names:
        if text and len(text) + len(name) + 2 > _NAMES_A_LINE:
            lines.append([(visible("    " + text), "")])
            text = ""
        text += (", " if text else "") + name
    return [*lines, [(visible("    " + text), "")]]


def difference_cell(one: Difference, column: int) -> Cell:
    """Service, level, only the first, only the second, both but not alike, both."""
    match column:
        case 0:
            return Cell(visible(one.service), "strong")
        case 1:
            return Cell(_short(one.level))
        case 2:
            return Cell(_few(one.only_first), "diff-removed")
        case 3:
            return Cell(_few(one.only_second), "diff-added")
        case 4:
            return Cell(_few(one.unlike), "severity-medium")
        case _:
            return Cell(f"{one.both:,}" if one.both else "")


def _few(names: Sequence[str]) -> str:
    return visible(f"{len(names):,}: {', '.join(names[:12])}" if names else "")


def difference_lines(one: Difference, first: str, second: str) -> list[Line]:
    """One service and level: every action by name."""
    lines: list[Line] = [[(visible(f"{one.service}  {one.level}"), "strong")]]
    for title, names in ((f"Only {first}", one.only_first), (f"Only {second}", one.only_second)):
        if names:
            lines += [[], [(visible(title), "heading")], *name_lines(names)]
    if one.unlike:
        lines += [[], [("Both, on other resources or under other conditions", "heading")], *name_lines(one.unlike)]
    if one.both:
        lines += [[], [(f"Both alike: {one.both:,}", "state-absent")]]
    return lines
