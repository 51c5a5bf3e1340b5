"""The Summary: what is told of each topic becomes one line, and what stands out comes first.

Order: what was found, by severity, then the latest, then by topic; then what could not be looked at (refused before unread), then what
is still being worked out, then what is in order. A line that found nothing says how far it was looked, and is never called none while
something of it was not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from ..model.fact import State
from ..model.overview import Chart, Item, Line, Missing, Standing, Told

RECENT_DAYS = 7
"""Days within which an event is recent."""
GRANT_DAYS = 30
"""Days within which a grant or an identity is new."""
TREND_DAYS = 30
"""Days of the charts by day."""
TREND_MONTHS = 12
KEY_DAYS = 90


class Topic(msgspec.Struct, frozen=True):
    """drill: what shows more when typed after `:`; `narrow`: how that is narrowed to one account, "" where it cannot be."""

    id: str
    section: str
    title: str
    drill: str
    part: str
    narrow: str = ""


TOPICS: tuple[Topic, ...] = (
    Topic("critical-events", "Now", "critical events", f"events class:critical since:{RECENT_DAYS}d", "events", " account:{}"),
    Topic("admin-grants", "Now", "new admin grants", f"changes admin since:{GRANT_DAYS}d", "grants", " in:{}"),
    Topic("root", "Now", "root use", "practices no-root", "account"),
    Topic("public", "Reach", "public exposure", "findings kind:exposure severity:critical", "findings", " account:{}"),
    Topic("escalation", "Reach", "ways to administrator", "findings kind:escalation", "findings", " account:{}"),
    Topic("mfa", "Credentials", "console without MFA", "practices mfa", "account"),
    Topic("high-events", "Now", "high events", f"events class:high since:{RECENT_DAYS}d", "events", " account:{}"),
    Topic("outside", "Reach", "open to other accounts", "findings kind:exposure !severity:critical", "findings", " account:{}"),
    Topic("keys", "Credentials", f"keys over {KEY_DAYS} days", "practices rotation", "account"),
    Topic("unused-admins", "Unused", "unused administrators", "findings kind:unused severity:medium", "findings", " account:{}"),
    Topic("logging", "Watching", "logging", "logging", "guards"),
    Topic("alarms", "Watching", "uncovered alarms", "alarms", "guards"),
    Topic("policies", "Reach", "risky policies", "findings kind:policy severity:high|medium", "findings", " account:{}"),
    Topic("decisions", "Reviews", "decisions to look at", "users mark:reopened|expired|conflict", "reviews", " account:{}"),
    Topic("unused", "Unused", "unused identities", "findings kind:unused severity:low", "findings", " account:{}"),
    Topic("new-users", "Now", f"users new in {GRANT_DAYS} days", f"users created:<{GRANT_DAYS}d", "account", " account:{}"),
    Topic("new-roles", "Now", f"roles new in {GRANT_DAYS} days", f"roles created:<{GRANT_DAYS}d", "account", " account:{}"),
    Topic("campaign", "Reviews", "open review", "review", "reviews"),
    Topic("gaps", "Watching", "could not be read", "problems", "account"),
)
"""Every topic, in the order in which equals stand."""

PARTS = ("account", "events", "grants", "findings", "guards", "reviews")
"""What is worked out by itself, in the order in which it is."""

CHARTS = ("grave", "denied", "new", "key-ages", "last-seen")
"""Charts in the order in which they are shown."""

_BY_ID = {topic.id: topic for topic in TOPICS}
_PLACE = {topic.id: place for place, topic in enumerate(TOPICS)}
_AFTER = (
    Standing.FOUND, Standing.DENIED, Standing.FAILED, Standing.PARTLY, Standing.NOT_READ, Standing.READING, Standing.COMPUTING, Standing.NONE,
)  # fmt: skip
_LAST = datetime.min.replace(tzinfo=UTC)
_WORST = (State.DENIED, State.FAILED, State.NOT_LOADED)


def lines(
    told: Iterable[Told],
    *,
    waiting: Mapping[str, Standing] | None = None,
    account: str = "",
    accounts: Sequence[str] = (),
) -> tuple[Line, ...]:
    """One line a topic, in order.

    waiting:  parts nothing is known of yet, COMPUTING or READING; their topics say so
    account:  only of this account; "" for all
    accounts: the open ones
    """
    by: dict[str, list[Told]] = {topic.id: [] for topic in TOPICS}
    for one in told:
        if one.topic in by and (not account or one.account in ("", account)):
            by[one.topic].append(one)
    made = [_line(topic, by[topic.id], waiting or {}, account, len(accounts) > 1) for topic in TOPICS]
    return in_order(line for line in made if line is not None)


def in_order(every: Iterable[Line]) -> tuple[Line, ...]:
    """The gravest first, then the latest."""
    return tuple(sorted(every, key=_key))


def _key(line: Line) -> tuple[int, int, float, int]:
    rank = line.severity.rank if line.severity is not None else 9
    at = line.when.timestamp() if line.when is not None else float("-inf")
    return (_AFTER.index(line.standing), rank, -at, _PLACE.get(line.topic, len(_PLACE)))


def _line(topic: Topic, told: Sequence[Told], waiting: Mapping[str, Standing], account: str, several: bool) -> Line | None:
    chosen = next((one.drill for one in told if one.drill), topic.drill)
    drill = chosen + (topic.narrow.format(account) if account and several and topic.narrow else "")
    if not told:
        standing = waiting.get(topic.part)
        if standing is None:
            return None  # a topic that has no place in what is open
        return Line(topic.id, topic.section, topic.title, standing, None, (), None, drill)
    items = [item for one in told for item in one.items if not account or item.account in ("", account)]
    items.sort(key=lambda item: (item.severity.rank, -item.at.timestamp() if item.at is not None else 0.0))
    missing = tuple(dict.fromkeys(gap for one in told for gap in one.missing))
    counted = [one.of for one in told if one.of is not None]
    of = sum(counted) if counted else None
    severity = items[0].severity if items else None
    return Line(
        topic.id,
        topic.section,
        topic.title,
        _standing(items, missing, of),
        severity,
        tuple(items),
        max((item.at for item in items if item.at is not None), default=None),
        drill,
        of,
        _looked(told, of),
        missing,
        ", ".join(dict.fromkeys(one.source for one in told if one.source)),
        min((one.as_of for one in told if one.as_of is not None), default=None),
    )


def _looked(told: Sequence[Told], of: int | None) -> str:
    words = list(dict.fromkeys(one.looked for one in told if one.looked))
    return "; ".join(words) if len(words) < 2 or of is None else f"{of:,} in {len(told)} accounts"


def _standing(items: Collection[Item], missing: Sequence[Missing], of: int | None) -> Standing:
    if items:
        return Standing.FOUND
    if not missing:
        return Standing.NONE
    if of:
        return Standing.PARTLY
    worst = min((gap.state for gap in missing), key=lambda state: _WORST.index(state) if state in _WORST else len(_WORST))
    return {State.DENIED: Standing.DENIED, State.FAILED: Standing.FAILED}.get(worst, Standing.NOT_READ)


def topic_of(name: str) -> Topic | None:
    return _BY_ID.get(name)


# -- charts --------------------------------------------------------------------------------------------------------------


def charts(every: Iterable[Chart], account: str = "") -> tuple[Chart, ...]:
    """Charts of one account, or of all together: counts are added where all labels are the same."""
    held: dict[str, Chart] = {}
    for one in every:
        if account and one.account not in ("", account):
            continue
        before = held.get(one.id)
        held[one.id] = one if before is None or before.labels != one.labels else _added(before, one)
    return tuple(sorted(held.values(), key=lambda chart: CHARTS.index(chart.id) if chart.id in CHARTS else len(CHARTS)))


def _added(first: Chart, second: Chart) -> Chart:
    values = tuple(None if a is None and b is None else (a or 0) + (b or 0) for a, b in zip(first.values, second.values, strict=True))
    apart = dict(first.apart)
    for words, count in second.apart:
        apart[words] = apart.get(words, 0) + count
    notes = tuple(dict.fromkeys(note for note in (first.note, second.note) if note))
    return msgspec.structs.replace(first, values=values, apart=tuple(apart.items()), note="; ".join(notes), account="")
