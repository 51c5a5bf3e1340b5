"""Unused access as lines: what is held for nothing, what each source saw, and each policy made smaller, as a comparison."""

from __future__ import annotations

from ...analysis.diff import diff_documents
from ...analysis.reducing import Reduction, Smaller
from ...analysis.unused import IDLE, ServiceUse, UnusedAccess, UseState
from ...session.unused import headline, service_row, smaller_words, source_words, used_words, uses_words, whole_words
from ...text import visible
from .documents import Line, diff_lines
from .effective import name_lines

_STYLE = {
    UseState.USED: "",
    UseState.UNUSED_SINCE: "state-never",
    UseState.NEVER: "state-never",
    UseState.NOT_OBSERVABLE: "state-absent",
    UseState.UNKNOWN: "state-denied",
}


def unused_lines(found: UnusedAccess, smaller: Reduction) -> list[Line]:
    """The whole page about one identity."""
    lines: list[Line] = [[(headline(found), "strong")]]
    if found.idle:
        lines.append([("all of it  ", "label"), (visible(found.idle), "severity-medium")])
    lines += [
        [(f"{label}  ", "label"), (visible(value), ""), (visible(f"  {source}"), "state-absent")]
        for label, value, source in whole_words(found)
    ]
    lines += [[("looked at  ", "label"), (visible(told), "")] for told in source_words(found)]
    lines += [[], [("Policies, smaller", "heading"), (f"  {uses_words(smaller)}", "state-absent")]]
    for policy in smaller.policies:
        lines += _policy(policy)
    lines += [[], [("Services", "heading")]]
    for service in found.services:
        lines += _service(found, service)
    return lines


def _policy(policy: Smaller) -> list[Line]:
    style = "state-absent" if not policy.changed else "severity-medium" if not policy.new else "strong"
    lines: list[Line] = [[("  " + visible(smaller_words(policy)), style)]]
    lines += [[("    note  ", "label"), (visible(note), "")] for note in policy.notes]
    if policy.changed and policy.new:
        difference = diff_documents(policy.old, policy.new)
        lines += [[("    ", ""), *line] for line in diff_lines((line.kind.value, line.text) for line in difference.lines)]
    return lines


def _service(found: UnusedAccess, service: ServiceUse) -> list[Line]:
    prefix, state, last, share, _unseen, source, givers = service_row(found, service)
    told = f"{state}  {last}".rstrip()
    lines: list[Line] = [
        [
            (visible(f"  {prefix:<18} "), "strong"),
            (visible(told), _STYLE[service.state]),
            (visible(f"  {share} unused  by {givers}"), "state-absent"),
        ]
    ]
    if source:
        lines.append([(" " * 21 + visible(source), "state-absent")])
    used = used_words(service)
    if used:
        lines += [[("    used  ", "label")], *name_lines(used)]
    if used and service.idle:
        groups: dict[str, list[str]] = {}
        for action in service.actions:
            if action.state in IDLE:
                groups.setdefault(f"{action.state.value}: {action.why or action.source}", []).append(action.name)
        for why, names in groups.items():
            few = names if len(names) <= 12 else [*names[:12], f"and {len(names) - 12} more"]
            lines += [[(visible(f"    {why}"), "label")], *name_lines(few)]
    return lines
