"""Changes in words, for screens and commands alike: a line of a table, the whole of an entry, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..analysis.changes.filtering import ChangeList
from ..analysis.changes.meaning import Meaning
from ..analysis.changes.standing import Admin, AdminSince, Entry
from ..analysis.words import exact, iso
from ..model.change import Change, ChangeGap, ChangeKind, Tells
from ..model.fact import Fact, State
from .preflight import change_words as access_words

_MOST_SERVICES = 3
_SHORT = {Tells.EVENT: "CloudTrail", Tells.VERSION: "version", Tells.CONFIG: "Config"}
COLUMNS = ("time", "what", "who", "gives or takes", "told by", "key")


def what_words(change: Change) -> str:
    """`policy attached: AdministratorAccess`, `v5 made and in force`, `boundary set: team-boundary (was none)`."""
    part = change.part.rpartition("/")[2] if change.part.startswith("arn:") else change.part
    match change.kind:
        case ChangeKind.VERSION:
            force = " and in force" if change.default else ", not in force" if change.default is False else ""
            words = f"{part or 'a version'} made{force}"
        case ChangeKind.DEFAULT:
            words = f"{part} put in force" + (f" (was {change.was})" if change.was else "")
        case ChangeKind.VERSION_DELETED:
            words = f"{part} deleted"
        case ChangeKind.BOUNDARY_SET | ChangeKind.BOUNDARY_REMOVED:
            value = change.becomes or change.was
            words = f"{change.kind.value}: {value.rpartition('/')[2]}" if value else change.kind.value
        case ChangeKind.RENAMED:
            words = f"renamed to {change.becomes}" if change.becomes else f"moved to {part}"
        case ChangeKind.CREATED:
            words = "created"
        case ChangeKind.ATTACHED | ChangeKind.DETACHED:
            words = f"{'attached' if change.kind is ChangeKind.ATTACHED else 'detached'} {part}"
        case ChangeKind.JOINED | ChangeKind.LEFT:
            words = f"{'joined' if change.kind is ChangeKind.JOINED else 'left'} group {part}"
        case _:
            words = f"{change.kind.value}: {part}" if part else change.kind.value
    return f"{words} (no change)" if change.repeated else words


def entry_words(entry: Entry) -> str:
    """What an entry says on an identity's page: with the group or policy it came by."""
    return f"{entry.via}: {what_words(entry.change)}" if entry.via else what_words(entry.change)


def target_words(change: Change) -> str:
    return f"{change.target} {change.name}"


def who_words(change: Change) -> str:
    """The human behind it; `ops-admin?` for an actor whose human is not told; `not told` for nobody."""
    author = change.author
    if author.human:
        return author.human
    if not author.actor:
        return "not told"
    return f"{author.name or author.actor} (further back not told)" if author.missing else author.actor


def who_name(change: Change) -> str:
    """As `who_words`, without what it is: for a narrow column."""
    author = change.author
    return author.name if author.human and author.name else who_words(change)


def when_words(change: Change) -> str:
    if change.at is None:
        return "no date"
    if change.not_before is not None:
        return f"between {exact(change.not_before)} and {exact(change.at)}"
    return exact(change.at)


def admin_words(entry_admin: str, meaning_admin: str = "") -> str:
    """What an entry does to an administrator's rights, for a narrow column."""
    if entry_admin:
        return "ADMIN gained" if entry_admin == "gained" else "ADMIN lost"
    return {"gained": "gives admin", "given": "gives admin", "lost": "takes admin"}.get(meaning_admin, "")


def _sides(accesses: Sequence[Any]) -> str:
    groups = dict.fromkeys(f"{one.service} {one.level.casefold()}" for one in accesses)
    names = list(groups)
    more = f" +{len(names) - _MOST_SERVICES}" if len(names) > _MOST_SERVICES else ""
    return ", ".join(names[:_MOST_SERVICES]) + more


def meaning_words(meaning: Meaning, entry_admin: str = "") -> str:
    """`ADMIN gained · + s3 write, iam permissions · - glue read`; `not known: …` where a document is not told; "" for nothing."""
    parts = [admin_words(entry_admin, meaning.admin)]
    if meaning.opens and not meaning.admin:
        parts.append(f"opens {len(meaning.opens)} {'way' if len(meaning.opens) == 1 else 'ways'}")
    if meaning.gained and meaning.admin != "gained":
        parts.append(f"+ {_sides(meaning.gained)}")
    if meaning.lost and meaning.admin != "lost":
        parts.append(f"- {_sides(meaning.lost)}")
    if meaning.untold:
        parts.append("not known")
    return " · ".join(part for part in parts if part)


def source_words(change: Change) -> str:
    return ", ".join(dict.fromkeys(_SHORT[told.by] for told in change.told))


def line(entry: Entry, meaning: Meaning | None) -> list[str]:
    """A row of a table or CSV, in the order of COLUMNS."""
    change = entry.change
    gives = meaning_words(meaning, entry.admin) if meaning is not None else admin_words(entry.admin)
    return [iso(change.at) if change.at is not None else "", entry_words(entry), who_words(change), gives, source_words(change), change.key]


def admin_short(admin: AdminSince) -> str:
    """The answer in half a line: `Administrator since 2026-09-11 14:07 by k.meyer@acme.example`."""
    if admin.now is Admin.YES and admin.since is not None:
        change = admin.since.change
        when = f"{change.at:%Y-%m-%d %H:%M}" if change.at is not None else "an unknown time"
        return f"Administrator since {when} by {who_name(change)}"
    if admin.now is Admin.YES:
        return "Administrator, since when is not known"
    return "No administrator" if admin.now is Admin.NO else "Whether it administers is not known"


def admin_answer(admin: AdminSince) -> list[str]:
    """Since when an identity administers and by whom, as sentences; the first is the answer."""
    if admin.now is Admin.UNKNOWN:
        return [f"Whether it administers is not known: {admin.unknown}"]
    if admin.now is Admin.NO:
        if admin.lost is None:
            return ["No administrator now, and at no time that was read tells of it being one"]
        change = admin.lost.change
        return [f"No administrator now; it was one until {when_words(change)}: {entry_words(admin.lost)}, by {who_words(change)}"]
    if admin.since is None:
        words = [f"Administrator, since when is not known: {admin.unknown}"]
        return [*words, f"what would tell: {admin.needed}"] if admin.needed else words
    change = admin.since.change
    found = [f"Administrator since {when_words(change)}: {entry_words(admin.since)}, by {who_words(change)}"]
    if change.author.actor and change.author.actor != change.author.name:
        found.append(f"the call was made by {change.author.actor}")
    if change.author.missing:
        found.append(f"who is behind it: {change.author.missing}")
    return [*found, admin.unknown] if admin.unknown else found


def gap_words(gap: ChangeGap) -> str:
    """`AWS Config: the recorder of us-east-1 was off, 2026-01-01 10:00 to 2026-01-03 09:00`."""
    since = f"{gap.since:%Y-%m-%d %H:%M}" if gap.since is not None else ""
    until = f"{gap.until:%Y-%m-%d %H:%M}" if gap.until is not None else ""
    when = f", {since} to {until}" if since and until else f", since {since}" if since else ""
    return f"{gap.source.value}: {gap.words}{when}"


def fact_words(fact: Fact[str]) -> str:
    """Why a document is not there."""
    if fact.is_known:
        return f"told by {fact.source}{f' ({fact.detail})' if fact.detail else ''}" if fact.source else "known"
    if fact.state is State.NOT_APPLICABLE:
        return "none"
    return f"not known: {fact.detail or 'nothing that was read tells it'}"


def told_words(change: Change) -> list[str]:
    """Every telling, a line each."""
    return [f"{told.by.value} {told.name}{f', {exact(told.at)}' if told.at is not None else ''}" for told in change.told]


def sections(entry: Entry, meaning: Meaning) -> list[tuple[str, list[str]]]:
    """An entry whole but for its documents: headed lists of sentences."""
    change = entry.change
    author = change.author
    about = [
        f"when     {when_words(change)}",
        f"of       {target_words(change)}  {change.arn}{f'  {change.unique_id}' if change.unique_id else ''}",
        f"what     {entry_words(entry)}",
    ]
    if change.part:
        about.append(f"part     {change.part}")
    if change.was or change.becomes:
        nothing = "none" if change.before.state is State.NOT_APPLICABLE else "not told"
        about.append(f"from     {change.was or nothing}  to  {change.becomes or 'none'}")
    about.append(f"who      {who_words(change)}")
    if author.actor and author.actor != author.name:
        about.append(f"actor    {author.actor}  {author.actor_arn}")
    if author.missing:
        about.append(f"author   {author.missing}")
    about += [f"told     {words}" for words in told_words(change)]
    found = [("The change", about)]
    access = _access_lines(entry, meaning)
    if access:
        found.append(("Access", access))
    if change.unknown:
        found.append(("Not told", list(change.unknown)))
    return found


def _access_lines(entry: Entry, meaning: Meaning) -> list[str]:
    lines = []
    if len(meaning.gained) + len(meaning.lost) > 1:
        lines.append(meaning_words(meaning))
    if entry.admin:
        lines.append(f"the identity {'became' if entry.admin == 'gained' else 'was no longer'} an administrator with this")
    elif entry.admin_before is Admin.UNKNOWN and entry.admin_after is Admin.YES:
        lines.append("the identity is an administrator after this; whether it was before is not known")
    if meaning.admin:
        words = {
            "gained": "gives an administrator's rights",
            "given": "gives an administrator's rights",
            "lost": "takes an administrator's rights",
        }
        lines.append(f"by its documents alone it {words[meaning.admin]}")
    if meaning.untold:
        lines.append(f"what it gives and takes cannot be worked out: {meaning.untold}")
    if not meaning.admin:
        lines += [f"opens: {danger.who}{': ' if danger.who else ''}{danger.words}" for danger in meaning.opens]
        lines += [f"closes: {danger.who}{': ' if danger.who else ''}{danger.words}" for danger in meaning.closes]
    lines += [f"+ {access_words(one)}" for one in meaning.gained]
    lines += [f"- {access_words(one)}" for one in meaning.lost]
    if not lines and (meaning.old or meaning.new) and not meaning.untold:
        lines.append("no access gained or lost")
    return lines


def change_json(entry: Entry, meaning: Meaning | None, *, documents: bool = True) -> dict[str, Any]:
    """An entry as JSON: stable names, states as objects."""
    from ..analysis.words import machine

    change = entry.change
    author = change.author
    found: dict[str, Any] = {
        "key": change.key,
        "time": iso(change.at) if change.at is not None else None,
        "not_before": iso(change.not_before) if change.not_before is not None else None,
        "kind": change.kind.value,
        "target": change.target,
        "name": change.name,
        "arn": change.arn,
        "unique_id": change.unique_id,
        "account": change.account,
        "via": entry.via,
        "part": change.part,
        "was": change.was,
        "becomes": change.becomes,
        "no_change": change.repeated,
        "who": author.name,
        "who_words": who_words(change),
        "actor": author.actor,
        "actor_arn": author.actor_arn,
        "author_missing": author.missing,
        "told_by": [
            {"source": told.by.value, "name": told.name, "time": iso(told.at) if told.at is not None else None} for told in change.told
        ],
        "admin": entry.admin or (meaning.admin if meaning is not None else ""),
        "not_told": list(change.unknown),
    }
    if meaning is not None:
        found["gained"] = [access_words(one) for one in meaning.gained]
        found["lost"] = [access_words(one) for one in meaning.lost]
        found["opens"] = [f"{one.who}{': ' if one.who else ''}{one.words}" for one in meaning.opens]
        found["access_not_known"] = meaning.untold
    if documents:
        found["before"], found["after"] = machine(change.before), machine(change.after)
    return found


def count_words(listed: ChangeList) -> str:
    """`14 changes; 3 give admin; by k.meyer 8, ops-admin 4; 2 without an author; 6 policy attached, 4 version made …`."""
    total = len(listed.entries)
    parts = [f"{total:,} {'change' if total == 1 else 'changes'}"]
    if listed.admins:
        parts.append(f"{listed.admins:,} {'gives' if listed.admins == 1 else 'give'} admin")
    if listed.authors:
        parts.append(
            "by " + ", ".join(f"{name} {count:,}" for name, count in listed.authors[:3]) + (" …" if len(listed.authors) > 3 else "")
        )
    if listed.authorless:
        parts.append(f"{listed.authorless:,} without an author")
    if listed.undated:
        parts.append(f"{listed.undated:,} without a date left out")
    if listed.kinds:
        parts.append(", ".join(f"{count:,} {kind}" for kind, count in listed.kinds[:6]) + (" …" if len(listed.kinds) > 6 else ""))
    return "; ".join(parts)


def since_words(since: datetime | None) -> str:
    return f" since {since:%Y-%m-%d %H:%M}" if since is not None else ""
