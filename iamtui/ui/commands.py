"""The go-anywhere line: what a text after `:` means, and how it completes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..session import ListKind

VERBS = (
    "account",
    "accounts",
    "analyzer",
    "alarms",
    "can",
    "changes",
    "collect",
    "compare",
    "copy",
    "diff",
    "escalations",
    "export",
    "exposure",
    "guards",
    "help",
    "history",
    "info",
    "matrix",
    "practices",
    "logging",
    "owner",
    "plan",
    "preflight",
    "problems",
    "profile",
    "quit",
    "refresh",
    "report",
    "review",
    "sql",
    "summary",
    "sweep",
    "theme",
    "triage",
    "unused",
    "who-can",
)
_VIEW_WORDS = {
    "user": ListKind.USERS,
    "users": ListKind.USERS,
    "role": ListKind.ROLES,
    "roles": ListKind.ROLES,
    "group": ListKind.GROUPS,
    "groups": ListKind.GROUPS,
    "policy": ListKind.POLICIES,
    "policies": ListKind.POLICIES,
    "event": ListKind.EVENTS,
    "events": ListKind.EVENTS,
    "finding": ListKind.FINDINGS,
    "findings": ListKind.FINDINGS,
}
_PLURALS = tuple(kind.value for kind in ListKind)


class Intent(NamedTuple):
    """`view` with a filter, `verb` with its argument, or `target` to look up."""

    what: str
    kind: ListKind | None = None
    verb: str = ""
    text: str = ""


def interpret(line: str) -> Intent:
    """What the line asks for. A bare word that is no view and no verb is looked up as a name."""
    words = line.strip().removeprefix(":").strip()
    first, _, rest = words.partition(" ")
    folded, rest = first.casefold(), rest.strip()
    if folded in _VIEW_WORDS:
        kind = _VIEW_WORDS[folded]
        if folded not in _PLURALS and rest and kind is not ListKind.FINDINGS:
            return Intent("target", kind, text=f"{folded}/{rest}" if kind is not ListKind.EVENTS else rest)
        return Intent("view", kind, text=rest)
    if folded in VERBS or folded in ("q", "q!", "exit"):
        return Intent("verb", verb="quit" if folded in ("q", "q!", "exit") else folded, text=rest)
    return Intent("target", text=words)


def complete(line: str, names: Iterable[str], themes: Iterable[str], accounts: Iterable[str]) -> str | None:
    """The line, completed: a view or verb as the first word, then its argument."""
    first, blank, rest = line.partition(" ")
    if not blank:
        for word in (*_PLURALS, *VERBS):
            if word.startswith(line.casefold()) and word != line:
                return line + word[len(line) :]
        return next((name for name in names if name.startswith(line) and name != line), None)
    pool: Iterable[str] = ()
    if first == "theme":
        pool = themes
    elif first == "account":
        pool = accounts
    elif first in _VIEW_WORDS and first not in _PLURALS:
        pool = names
    return next((f"{first} {word}" for word in pool if rest and word.startswith(rest) and word != rest), None)
