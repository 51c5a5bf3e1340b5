"""The lines around the content: account, tabs, where we are, what to press."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from ...analysis.words import relative
from ...session import Link, ListKind, Session
from ...text import visible

Part = tuple[str, str, int]
"""(text, style, importance): the least important parts go first when a line is too narrow."""

VIEWS: tuple[tuple[ListKind, str, str], ...] = (
    (ListKind.USERS, "1", "Users"),
    (ListKind.ROLES, "2", "Roles"),
    (ListKind.GROUPS, "3", "Groups"),
    (ListKind.POLICIES, "4", "Policies"),
    (ListKind.EVENTS, "5", "Events"),
    (ListKind.FINDINGS, "6", "Findings"),
)


def fitted(parts: Sequence[Part], width: int, separator: str = " · ") -> Text:
    """Parts in their order; what does not fit goes by importance (0 stays longest)."""
    kept = [part for part in parts if part[0]]
    while len(kept) > 1 and sum(cell_len(p[0]) for p in kept) + cell_len(separator) * (len(kept) - 1) > width:
        worst = max(range(len(kept)), key=lambda i: (kept[i][2], i))
        del kept[worst]
    text = Text(no_wrap=True, overflow="ellipsis")
    for number, (words, style, _) in enumerate(kept):
        if number:
            text.append(separator, "dim")
        text.append(words, style)
    text.truncate(width, overflow="ellipsis")
    return text


def account_words(session: Session) -> str:
    snapshots = session.world.snapshots
    if not snapshots:
        if session.link in (Link.NO_CREDENTIALS, Link.UNREACHABLE, Link.OFFLINE):
            return "no account"
        return {"live": "connecting", "evidence": "reading evidence"}.get(session.info.kind, "no account")
    if len(snapshots) > 1:
        missing = session.missing_accounts()
        return f"{len(snapshots):,} accounts{f', {missing:,} missing' if missing else ''}"
    only = snapshots[0]
    return visible(f"{only.label} {only.account}" if only.label != only.account else only.account)


def who_words(session: Session) -> str:
    """`role/audit` of the caller's ARN; the kind of source where nobody called."""
    snapshots = session.world.snapshots
    arn = snapshots[0].caller_arn if len(snapshots) == 1 else ""
    if session.info.kind != "live" or not arn:
        return {"demo": "demo account", "evidence": "evidence", "cache": "cache"}.get(session.info.kind, visible(session.info.profile))
    tail = arn.rpartition(":")[2]
    if tail.startswith("assumed-role/"):
        tail = "role/" + tail.split("/")[1]
    return visible(tail)


_LINK = {
    Link.OFFLINE: ("offline", "bold"),
    Link.NO_CREDENTIALS: ("NO CREDENTIALS", "bold reverse"),
    Link.UNREACHABLE: ("UNREACHABLE", "bold reverse"),
    Link.REFRESHING: ("reading", ""),
}


def header(session: Session, width: int, now: datetime, progress: str = "", label: str = "", sweep: str = "", events: str = "") -> Text:
    """`progress`, `sweep`, `events`: how far the account's lists are, the asking for last uses, and its events."""
    as_of = min((s.as_of for s in session.world.snapshots if s.as_of), default=None)
    problems = session.problem_count()
    link, link_style = _LINK.get(session.link, ("", ""))
    if session.link is Link.REFRESHING and progress:
        link = progress
    stale = session.stale()
    age = f"{relative(as_of, now)}, stale" if as_of and stale else relative(as_of, now) if as_of else ""
    when = f"as of {as_of:%H:%M} ({age})" if as_of else ""
    regions = " ".join(session.info.regions)
    parts: list[Part] = [
        (visible(label), "bold reverse", 1),
        (account_words(session), "bold", 0),
        (visible(regions), "", 5),
        (who_words(session), "", 4),
        ("READ-ONLY", "bold", 1),
        (link, link_style, 2),
        (sweep, "", 0),
        (visible(events), "", 3),
        (when, "bold" if stale else "", 3),
        (f"{problems} problem{'s' if problems > 1 else ''} !" if problems else "", "bold", 2),
    ]
    return fitted(parts, width)


def tabs(counts: Iterable[tuple[str, str, str, bool]], width: int) -> Text:
    """`(key, title, count, current)`; first the blanks go, then large counts are rounded, then the Summary is its key alone, then titles
    shorten, before anything goes."""
    entries = list(counts)
    steps = ((99, " ", False), (99, "", False), (99, "", True), (99, "", True), (6, "", True), (4, "", True), (0, "", True))
    for step, (shorten, blank, rounded) in enumerate(steps):
        text = Text(" " if not blank else "", no_wrap=True)
        for number, (key, title, count, current) in enumerate(entries):
            name = f"{key} {title[:shorten]}" if shorten and not (key == "0" and step > 2) else key
            told = _rounded(count) if rounded else count
            text.append(" " if number and not blank else "")
            text.append(f"{blank}{name} {told}".rstrip() + blank, "bold reverse" if current else "")
        if text.cell_len <= width:
            return text
    text.truncate(width)
    return text


def _rounded(count: str) -> str:
    """`20k` of `20,228`; what is cut off is small."""
    head, comma, _ = count.partition(",")
    plus = "+" if count.endswith("+") else ""
    return f"{head}k{plus}" if comma and count.count(",") == 1 and len(head) > 1 else count


def hints(pairs: Iterable[tuple[str, str]], width: int) -> Text:
    """`key words` pairs, as many as fit."""
    text = Text(no_wrap=True)
    for key, words in pairs:
        piece = Text()
        piece.append(f" {key} ", "bold")
        piece.append(words + " ")
        if text.cell_len + piece.cell_len > width:
            break
        text.append_text(piece)
    return text
