"""A permission summary as lines: what wins first, then service by service."""

from __future__ import annotations

from ...analysis.permissions import DenySummary, PermissionSummary, ServiceSummary
from ...text import visible
from .documents import Line

_DANGEROUS = ("Permissions management",)


def summary_lines(summary: PermissionSummary) -> list[Line]:
    """Explicit denies, limits, administrator grants, services by access level, notes and findings."""
    lines: list[Line] = []
    if summary.denies:
        lines.append([("Explicitly denied, whatever else allows it", "heading")])
        for deny in summary.denies:
            lines.extend(_deny(deny))
        lines.append([])
    if summary.boundaries:
        names = visible(", ".join(summary.boundaries))
        lines.append([("Limited by the boundary ", "label"), (names, "strong"), (": nothing beyond it is allowed", "")])
        lines.append([])
    if summary.admin:
        lines.append(
            [
                ("Administrator: ", "severity-high"),
                (visible(", ".join(summary.admin)), "strong"),
                (" allows every action on everything", ""),
            ]
        )
        lines.append([])
    lines.append([("Allowed, by service and access level", "heading")])
    if not summary.services and not summary.admin:
        lines.append([("nothing", "state-absent")])
    for service in summary.services:
        lines.extend(_service(service))
    for title, words, style in (
        ("Notes", summary.notes, "state-never"),
        ("To look at in the documents", summary.findings, "severity-medium"),
    ):
        if words:
            lines.extend([[], [(title, "heading")]])
            lines.extend([[(visible(text), style)] for text in words])
    lines.extend(
        [
            [],
            [(f"Read from the documents, not evaluated against a request. Action catalogue {visible(summary.catalogue)}.", "state-absent")],
        ]
    )
    return lines


def _deny(deny: DenySummary) -> list[Line]:
    limit = " (boundary)" if deny.from_boundary else ""
    lines: list[Line] = [[("Deny  ", "effect-deny"), (visible(deny.what), "strong"), (f"  on {visible(deny.scope)}", "")]]
    lines.append([("      " + visible(f"{deny.grant}, {deny.label}{limit}"), "state-absent")])
    lines.extend([("      only when ", "label"), (visible(words), "")] for words in deny.conditions)
    return lines


def _service(service: ServiceSummary) -> list[Line]:
    risky = any(level.level in _DANGEROUS for level in service.levels)
    name = f"{service.prefix:<18}"
    lines: list[Line] = [[(visible(name), "strong"), (visible(service.words), "severity-medium" if risky and service.full else "")]]
    about = visible(service.scope)
    if service.beyond_boundary:
        about += f" · {service.beyond_boundary} of these actions are beyond the boundary"
    if service.conditional:
        about += f" · {service.conditional} only under conditions"
    lines.append([(" " * 18 + about, "state-absent"), (visible(f" · by {', '.join(service.grants)}"), "state-absent")])
    lines.extend([(" " * 18 + "only when ", "label"), (visible(words), "")] for words in service.conditions)
    return lines
