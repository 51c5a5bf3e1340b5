"""Where a list comes from: sources, ages, coverage, gaps, and what became of every file."""

from __future__ import annotations

from ...analysis.words import relative
from ...model.account import GROUPS, POLICIES, ROLES, USERS
from ...model.fact import State
from ...session import ListKind, Session
from ...text import visible
from ..render.cells import STATE_STYLE
from ..render.documents import Line
from ..views.activity import window_words
from ..views.base import heading

_LISTS = (USERS, ROLES, GROUPS, POLICIES)


def list_lines(session: Session, kind: ListKind) -> list[Line]:
    """Everything that tells how far a list can be trusted."""
    lines: list[Line] = []
    stale = session.stale()
    for snapshot in session.world.snapshots:
        lines.append(heading(f"Account {visible(snapshot.account)} {visible(' '.join(snapshot.aliases))}"))
        for name in (*_LISTS, *(n for n in snapshot.sections if n not in _LISTS)):
            section = snapshot.section(name)
            origin = visible(section.origin.name) if section.origin else ""
            when = f" as of {section.as_of:%Y-%m-%d %H:%M:%S} UTC" if section.as_of else ""
            if section.as_of and name in stale:
                when += f" ({relative(section.as_of, session.now())}, stale)"
            state = section.state.value if section.state is not State.KNOWN else ("complete" if section.complete else "partial")
            lines.append(
                [(f"  {name:<16} ", "label"), (f"{state:<12}", STATE_STYLE.get(section.state, "")), (f"{origin}{when}", "state-absent")]
            )
            if section.detail:
                lines.append([(" " * 19 + visible(section.detail), "state-absent")])
        for gap in snapshot.gaps:
            where = " ".join(p for p in (gap.action or gap.kind.value, gap.region, gap.key) if p)
            lines.append([(f"  {gap.state.value}: ", "state-denied"), (visible(f"{gap.reason} ({where})"), "")])
        lines.append([])
    for gap in session.world.gaps:
        lines.append([(f"{gap.state.value}: ", "state-denied"), (visible(gap.reason), "")])
    if kind is ListKind.EVENTS or session.windows():
        lines.append(heading("CloudTrail events"))
        lines.extend(
            [[("  " + window_words(window), "")] for window in session.windows()] or [[("  nothing has been read yet", "state-absent")]]
        )
        lines.append([])
    if session.world.notes:
        lines.append(heading("Files and answers"))
        for note in session.world.notes:
            words = f"{note.kind.value}, {note.items} items" if note.accepted else f"not used: {note.reason}"
            if note.accepted and note.reason:
                words += f"; {note.reason}"
            lines.append([(f"  {visible(note.origin.name)}  ", ""), (visible(words), "state-absent" if note.accepted else "state-failed")])
    if not lines:
        lines.append([("Nothing has been read yet.", "state-absent")])
    return lines
