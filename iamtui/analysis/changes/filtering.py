"""Entries of a whole account: since when, by whom, of what, giving what; and how many of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ...errors import UsageError
from ...model.change import Change, ChangeKind, Tells

HELP = "since:7d until:2026-01-31 by:NAME on:NAME kind:attached source:config admin, !word for not; other words are looked for everywhere"
_KEYS = ("since", "until", "by", "on", "kind", "source", "in")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"([0-9]{1,6})([mhdw])")


class ChangeFilter(msgspec.Struct, frozen=True):
    """since, until: UTC; tests: (key, value, whether it must not be so); admin: only what gives or takes an administrator's rights."""

    since: datetime | None = None
    until: datetime | None = None
    tests: tuple[tuple[str, str, bool], ...] = ()
    admin: bool = False
    text: str = ""


class Listed(msgspec.Struct, frozen=True, eq=False):
    """One entry of a list. `admin`: `gained`, `lost`, `given` by its documents, "" for neither."""

    change: Change
    admin: str = ""


class ChangeList(msgspec.Struct, frozen=True, eq=False):
    """Entries newest first, and what they are: counts by kind, by who is behind them, how many give an administrator's rights, and how
    many nobody tells the author of. `notes`: what limits the answer. `undated`: entries without a time, left out."""

    entries: tuple[Listed, ...]
    filter: ChangeFilter = ChangeFilter()
    kinds: tuple[tuple[str, int], ...] = ()
    authors: tuple[tuple[str, int], ...] = ()
    admins: int = 0
    authorless: int = 0
    undated: int = 0
    notes: tuple[str, ...] = ()


def moment_of(text: str, now: datetime) -> datetime:
    """A time told as an age (`7d`, `36h`) or a date. Raises UsageError."""
    match = _LENGTH.fullmatch(text.strip().casefold())
    try:
        if match:
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        stamp = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text} is no time", "an age such as 7d or 36h, or a date such as 2026-01-31") from error
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def parse_filter(text: str, now: datetime) -> ChangeFilter:
    """A filter typed by a person. Raises UsageError."""
    since = until = None
    admin = False
    tests: list[tuple[str, str, bool]] = []
    for word in text.split():
        negated = word.startswith("!") and len(word) > 1
        bare = word[1:] if negated else word
        key, sign, value = re.match(r"([a-z]+)([:=])(.+)|", bare, re.DOTALL).groups() if re.match(r"[a-z]+[:=].", bare) else ("", "", "")  # type: ignore[union-attr]
        if key and key not in _KEYS and sign == "=":
            raise UsageError(f"There is no {key}: in the filter of changes", HELP)
        if key == "since":
            since = moment_of(value, now)
        elif key == "until":
            until = moment_of(value, now)
        elif bare.casefold() == "admin" and not negated:
            admin = True
        elif key in _KEYS:
            tests.append((key, value.casefold(), negated))
        else:
            tests.append(("", bare.casefold(), negated))
    return ChangeFilter(since, until, tuple(tests), admin, text.strip())


def _says(change: Change, key: str, value: str) -> bool:
    match key:
        case "by":
            author = change.author
            fields: Iterable[str] = (author.actor, author.actor_arn, author.human, author.name)
        case "on":
            fields = (change.name, change.arn, change.unique_id, change.part)
        case "kind":
            fields = (change.kind.value, change.target)
        case "source":
            fields = change.sources
        case "in":
            fields = (change.account,)
        case _:
            author = change.author
            fields = (change.kind.value, change.target, change.name, change.part, change.becomes, change.was, author.actor, author.human)
    return any(value in field.casefold() for field in fields)


def keeps(change: Change, wanted: ChangeFilter) -> bool:
    """Whether a filter leaves an entry, but for `admin`. An entry without a date is left by a filter without dates alone."""
    if change.at is None:
        if wanted.since is not None or wanted.until is not None:
            return False
    elif (wanted.since is not None and change.at < wanted.since) or (wanted.until is not None and change.at >= wanted.until):
        return False
    return all(_says(change, key, value) is not negated for key, value, negated in wanted.tests)


def chosen(entries: Sequence[Change], wanted: ChangeFilter, admin: Callable[[Change], str], own: Callable[[Change], bool]) -> ChangeList:
    """The entries a filter leaves, newest first, with their counts. `entries` oldest first; `own` False leaves an entry out (AWS's own
    edits of policies nobody has)."""
    found: list[Listed] = []
    undated = 0
    kinds: Counter[str] = Counter()
    authors: Counter[str] = Counter()
    admins = authorless = 0
    for change in reversed(entries):
        if change.at is None:
            undated += 1
            continue
        if wanted.since is not None and change.at < wanted.since:
            break
        if not keeps(change, wanted) or not own(change):
            continue
        gives = admin(change)
        if wanted.admin and not gives:
            continue
        found.append(Listed(change, gives))
        kinds[change.kind.value] += 1
        if change.author.words:
            authors[change.author.words] += 1
        else:
            authorless += 1
        admins += gives in ("gained", "given")
    return ChangeList(tuple(found), wanted, tuple(kinds.most_common()), tuple(authors.most_common()), admins, authorless, undated)


__all__ = ["HELP", "ChangeFilter", "ChangeKind", "ChangeList", "Listed", "Tells", "chosen", "moment_of", "parse_filter"]
