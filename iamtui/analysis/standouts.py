"""What the facts, events and other analyses tell of each topic of the Summary. A claim the facts do not carry is not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from ..model.account import CREDENTIALS, POLICIES, ROLES, USERS, Section, Snapshot, World
from ..model.change import Change
from ..model.event import Event, Window, WindowState
from ..model.fact import State
from ..model.finding import Finding, FindingKind, Severity
from ..model.identity import Role, User
from ..model.overview import Chart, Item, Missing, Told
from ..model.practice import Practice
from ..model.review import Standings
from .changes.filtering import ChangeList
from .overview import GRANT_DAYS, KEY_DAYS, RECENT_DAYS, TREND_DAYS, TREND_MONTHS
from .unused import signs

GAAD = "iam:GetAccountAuthorizationDetails"
REPORT = "iam:GetCredentialReport"
EVENTS = "CloudTrail events"
_STALE = timedelta(days=1)
_SLACK = timedelta(hours=1)
_APART = {State.DENIED: "denied", State.FAILED: "failed", State.NOT_LOADED: "not read"}
_AGES = ((7, "≤7d"), (30, "≤30d"), (90, "≤90d"), (365, "≤1y"), (None, "older"))


# -- what the lists and the credential report tell -------------------------------------------------------------------


def account_tells(snapshot: Snapshot, checked: Sequence[Practice], now: datetime) -> list[Told]:
    """`checked`: the practices mfa, rotation and no-root of this account."""
    by = {practice.id: practice for practice in checked}
    return [
        _root(snapshot, by["no-root"]),
        _offended("mfa", snapshot, by["mfa"], "console passwords looked at", Severity.HIGH, Severity.CRITICAL),
        _offended("keys", snapshot, by["rotation"], "users with active keys looked at", Severity.MEDIUM, Severity.HIGH),
        _new("new-users", snapshot, USERS, snapshot.users, now),
        _new("new-roles", snapshot, ROLES, [role for role in snapshot.roles if not role.service_linked], now),
    ]


def gap_tells(world: World) -> list[Told]:
    """What was asked for and not told."""
    found = []
    for account, gaps in (("", world.gaps), *((one.account, one.gaps) for one in world.snapshots)):
        items = [
            Item(gap.action or gap.kind.value, f"{gap.state.value}: {gap.reason}", Severity.LOW, account=account or gap.account, at=gap.at)
            for gap in gaps
        ]
        if account or items:
            found.append(Told("gaps", account, tuple(items), looked="everything that was asked for"))
    return found


def _root(snapshot: Snapshot, practice: Practice) -> Told:
    items = tuple(
        Item(
            snapshot.label,
            one.words,
            Severity.CRITICAL if "access key" in one.words else Severity.HIGH,
            one.arn,
            snapshot.account,
            one.at,
        )
        for one in practice.offenders
    )
    section = snapshot.section(CREDENTIALS)
    missing = tuple(_absent(section, REPORT, "the credential report")) if practice.missing else ()
    looked = "the credential report and events" if snapshot.last_events else "the credential report"
    return Told("root", snapshot.account, items, practice.of, looked, missing, REPORT, section.as_of)


def _offended(topic: str, snapshot: Snapshot, practice: Practice, looked: str, usual: Severity, grave: Severity) -> Told:
    items = tuple(
        Item(one.name, one.words, grave if one.grave else usual, one.arn, one.account, one.at)
        for one in practice.offenders
        if topic != "keys" or one.words.startswith("key ")
    )
    section = snapshot.section(CREDENTIALS)
    missing = list(_absent(section, REPORT, "the credential report"))
    if not missing and practice.missing:
        more = f", and {len(practice.missing) - 1} more" if len(practice.missing) > 1 else ""
        missing = [Missing(State.NO_INFORMATION, f"{practice.missing[0]}{more}")]
    return Told(topic, snapshot.account, items, practice.of, f"{practice.of:,} {looked}", tuple(missing), REPORT, section.as_of)


def _new(topic: str, snapshot: Snapshot, name: str, held: Sequence[User | Role], now: datetime) -> Told:
    since = now - timedelta(days=GRANT_DAYS)
    items = tuple(
        Item(one.name, "", Severity.LOW, one.arn, snapshot.account, one.created)
        for one in held
        if one.created is not None and one.created >= since
    )
    section = snapshot.section(name)
    return Told(
        topic, snapshot.account, items, len(held), f"{len(held):,} {name}", tuple(_absent(section, GAAD, name)), GAAD, section.as_of
    )


def _absent(section: Section, action: str, what: str) -> Iterable[Missing]:
    if section.state is State.KNOWN:
        if not section.complete:
            yield Missing(State.NOT_LOADED, f"a part of {what}")
    elif section.state is State.DENIED:
        yield Missing(State.DENIED, what, f"ask for {action}")
    elif section.state is State.FAILED:
        yield Missing(State.FAILED, f"{what}: {section.detail}" if section.detail else what, "r tries again")
    else:
        yield Missing(State.NOT_LOADED, what, f"{action} tells")


def no_account(topics: Iterable[str], what: str) -> list[Told]:
    """Where no account has been read at all."""
    return [Told(topic, missing=(Missing(State.NOT_LOADED, what, f"{GAAD} tells"),)) for topic in topics]


# -- findings ----------------------------------------------------------------------------------------------------------


def finding_tells(snapshots: Sequence[Snapshot], findings: Iterable[Finding], resources: int, todo: str) -> list[Told]:
    """resources: policies of resources that were read. todo: what reads more of them."""
    by: dict[str, dict[str, list[Item]]] = {}
    for one in findings:
        topic = _topic(one)
        if topic:
            name = one.name if one.subject in ("user", "role", "group", "policy") else f"{one.subject} {one.name}"
            by.setdefault(topic, {}).setdefault(one.account, []).append(Item(name, one.claim, one.severity, one.arn, one.account))
    bare = () if resources else (Missing(State.NOT_LOADED, "policies of resources", todo),)
    told = []
    for snapshot in snapshots:
        lists = _lists(snapshot)
        people = len(snapshot.users) + len(snapshot.roles)
        trusts = f"{len(snapshot.roles):,} trust policies, {resources:,} policies of resources"
        idle, of = _idle(snapshot)
        for topic, count, looked, missing in (
            ("public", len(snapshot.roles), trusts, (*lists, *bare)),
            ("outside", len(snapshot.roles), trusts, (*lists, *bare)),
            ("escalation", people, f"{people:,} users and roles", lists),
            ("policies", len(snapshot.policies), f"{len(snapshot.policies):,} policies and the inline ones", lists),
            ("unused-admins", of, f"{of:,} users and roles", (*lists, *idle)),
            ("unused", of, f"{of:,} users and roles", (*lists, *idle)),
        ):
            items = by.get(topic, {}).get(snapshot.account, ())
            told.append(Told(topic, snapshot.account, tuple(items), count, looked, tuple(missing), "iamtui's own analysis", snapshot.as_of))
    return told


def _lists(snapshot: Snapshot) -> list[Missing]:
    """What of the lists was not read; those with the same reason together."""
    found: dict[Missing, list[str]] = {}
    for name in (USERS, ROLES, POLICIES):
        for gap in _absent(snapshot.section(name), GAAD, "{}"):
            found.setdefault(gap, []).append(name)
    return [
        msgspec.structs.replace(gap, words=gap.words.replace("{}", ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1], 1))
        for gap, names in found.items()
    ]


def _topic(one: Finding) -> str:
    match one.kind:
        case FindingKind.EXPOSURE:
            return "public" if one.severity is Severity.CRITICAL else "outside"
        case FindingKind.ESCALATION:
            return "escalation"
        case FindingKind.POLICY:
            return "policies" if one.severity.rank <= Severity.MEDIUM.rank else ""
        case FindingKind.UNUSED:
            return "unused" if one.severity is Severity.LOW else "unused-admins"


def _idle(snapshot: Snapshot) -> tuple[list[Missing], int]:
    """What keeps the use of identities from being told, and of how many it is told."""
    untold: Counter[State] = Counter()
    everyone: list[User | Role] = [*snapshot.users, *(role for role in snapshot.roles if not role.service_linked)]
    for identity in everyone:
        states = {fact.state for _, fact in signs(identity, snapshot, ())}
        for state in (State.DENIED, State.FAILED, State.NOT_LOADED, State.NO_INFORMATION):
            if state in states:
                report = snapshot.section(CREDENTIALS).state
                untold[report if isinstance(identity, User) and report in (State.DENIED, State.FAILED) else state] += 1
                break
    missing = [
        Missing(
            state,
            f"last use of {count:,}",
            f"ask for {REPORT}" if state is State.DENIED else "",
        )
        for state, count in untold.items()
    ]
    return missing, len(everyone) - sum(untold.values())


# -- events ------------------------------------------------------------------------------------------------------------


def reach(windows: Sequence[Window], now: datetime, *, dated: bool) -> tuple[datetime | None, datetime]:
    """(since when the events of all Regions are here, None when that is not told; what recent is counted back from). `dated`: files that
    may end long before now."""
    whole = [w for w in windows if not w.asked and w.state in (WindowState.COVERED, WindowState.PARTIAL, WindowState.RUNNING)]
    since = [w.since for w in whole if w.since is not None]
    until = max((w.until for w in whole if w.until is not None), default=None)
    end = min(until, now) if dated and until is not None and now - until > _STALE else now
    return (max(since) if since and len(since) == len(whole) else None), end


def event_gaps(windows: Sequence[Window], since: datetime | None, wanted: datetime, todo: str) -> tuple[Missing, ...]:
    """What of the events from `wanted` on is not here. `todo`: what reads them."""
    if not windows:
        return (Missing(State.NOT_LOADED, "events", todo),)
    found = []
    for window in windows:
        where = f"{window.region}: " if window.region else ""
        if window.state is WindowState.DENIED:
            found.append(
                Missing(State.DENIED, f"{where}events" + (f": {window.reason}" if window.reason else ""), "ask for cloudtrail:LookupEvents")
            )
        elif window.state is WindowState.FAILED:
            found.append(Missing(State.FAILED, f"{where}events" + (f": {window.reason}" if window.reason else ""), todo))
        elif not window.asked and window.since is None:
            found.append(Missing(State.NOT_LOADED, f"{where}events" + (f": {window.reason}" if window.reason else ""), todo))
    if since is not None and since > wanted + _SLACK:
        found.append(Missing(State.NOT_LOADED, f"events before {since:%Y-%m-%d %H:%M}", todo))
    return tuple(found)


def event_tells(
    critical: Sequence[Event],
    high: Sequence[Event],
    windows: Sequence[Window],
    end: datetime,
    since: datetime | None,
    *,
    count: int,
    dated: bool,
    most: int,
    todo: str,
) -> list[Told]:
    """critical, high: events of the recent days, at most `most` of each. count: events on hand altogether."""
    begin = end - timedelta(days=RECENT_DAYS)
    missing = event_gaps(windows, since, begin, todo)
    told = []
    for topic, severity, events in (("critical-events", Severity.CRITICAL, critical), ("high-events", Severity.HIGH, high)):
        more = (Missing(State.NOT_LOADED, f"all but the newest {most:,}"),) if len(events) >= most else ()
        drill = f"events class:{severity.value} since:{begin:%Y-%m-%d}" if dated else ""
        items = tuple(_event_item(event, severity) for event in events)
        looked = f"{count:,} events on hand, {RECENT_DAYS} d to {end:%Y-%m-%d %H:%M}" if count else ""
        told.append(Told(topic, "", items, count, looked, (*missing, *more), EVENTS, end if dated else None, drill))
    return told


def _event_item(event: Event, severity: Severity) -> Item:
    target = event.targets[0].rpartition("/")[2] if event.targets else ""
    words = (
        f"{event.name}{f' {target}' if target else ''}{f' ({event.outcome.value})' if event.outcome.value in ('denied', 'failed') else ''}"
    )
    return Item(event.actor.name or event.actor.kind.value, words, severity, event.actor.arn, event.account, event.time)


Days = Mapping[tuple[str, date, int | None, bool], int]
"""How many events by account, day (UTC), rank of the class (None for none) and whether they were denied."""


def event_charts(days: Days, windows: Sequence[Window], end: datetime, since: datetime | None, now: datetime, todo: str) -> list[Chart]:
    """By day: what is grave, and what was denied. A day nobody read is not a day without events."""
    last = end.date()
    every = [last - timedelta(days=back) for back in range(TREND_DAYS - 1, -1, -1)]
    first = since.date() if since is not None else None
    note = "" if windows else f"events were not read; {todo}"
    span = f"{TREND_DAYS} d to {last}" if last != now.date() else f"{TREND_DAYS} d"
    accounts = sorted({account for account, _, _, _ in days}) or [""]
    severe = Severity.HIGH.rank
    kinds: tuple[tuple[str, str, Callable[[int | None, bool], bool]], ...] = (
        ("grave", "critical+high/day", lambda rank, denied: rank is not None and rank <= severe),
        ("denied", "denied/day", lambda rank, denied: denied),
    )
    found = []
    for name, title, wanted in kinds:
        for account in accounts:
            counted: Counter[date] = Counter()
            for (owner, day, rank, denied), count in days.items():
                if owner == account and wanted(rank, denied):
                    counted[day] += count
            values = tuple(counted[day] if windows and (day in counted or (first is not None and day >= first)) else None for day in every)
            found.append(Chart(name, title, tuple(day.isoformat() for day in every), values, span, account, note=note, source=EVENTS))
    return found


def grant_tells(
    found: ChangeList,
    words_of: Callable[[Change], tuple[str, str]],
    gaps: Sequence[Missing],
    end: datetime,
    *,
    count: int,
    dated: bool,
) -> Told:
    """Grants of an administrator's rights. `words_of`: (what, who) of a change in words. `count`: events on hand altogether."""
    items = []
    for entry in found.entries:
        change = entry.change
        if entry.admin not in ("gained", "given") or change.at is None:
            continue
        what, who = words_of(change)
        recent = end - change.at <= timedelta(days=RECENT_DAYS)
        severity = Severity.CRITICAL if recent else Severity.HIGH
        items.append(Item(change.name, f"{what}, by {who}", severity, change.arn, change.account, change.at))
    drill = f"changes admin since:{end - timedelta(days=GRANT_DAYS):%Y-%m-%d}" if dated else ""
    looked = f"changes of {GRANT_DAYS} d to {end:%Y-%m-%d}"
    return Told(
        "admin-grants", "", tuple(items), count or None, looked, tuple(gaps), "CloudTrail, stored versions, AWS Config", None, drill
    )


# -- reviews -----------------------------------------------------------------------------------------------------------


def review_tells(standings: Standings | None, campaigns: Sequence[tuple[str, datetime, str]], now: datetime) -> list[Told]:
    """campaigns: (name, when it began, how far it is) of those that are open."""
    if standings is None or standings.state is not State.KNOWN:
        state = standings.state if standings is not None else State.NOT_LOADED
        detail = standings.detail if standings is not None else ""
        missing = (Missing(state, f"decisions: {detail}" if detail else "decisions", ":problems says more" if detail else ""),)
        return [Told("decisions", missing=missing, source="review ledger")]
    items, panes = [], Counter[str]()
    for one in standings.marks.values():
        wrong = [word for word in one.words(now) if word in ("reopened", "expired", "conflict")]
        if not wrong or one.gone:
            continue
        subject = one.mark.subject
        kind = subject.arn.partition(":")[2].rpartition(":")[2].partition("/")[0]
        panes[{"role": "roles", "group": "groups", "policy": "policies"}.get(kind, "users")] += 1
        changed = f": {one.changes[0].name}" if one.changes else ""
        words = f"{one.mark.decision.value}, {' and '.join(wrong)}{changed}"
        items.append(Item(subject.name, words, Severity.MEDIUM, subject.arn, subject.account, one.at))
    pane = panes.most_common(1)[0][0] if panes else "users"
    count = len(standings.marks)
    looked = f"{count:,} decisions" if count else "nothing was decided yet"
    told = [Told("decisions", "", tuple(items), count, looked, source="review ledger", drill=f"{pane} mark:reopened|expired|conflict")]
    if campaigns:
        running = tuple(Item(name, f"{far} decided", Severity.LOW, at=begun) for name, begun, far in campaigns)
        told.append(Told("campaign", "", running, source="review ledger"))
    else:
        told.append(Told("campaign", looked="no review is open; :review start NAME begins one", source="review ledger"))
    return told


# -- charts of an account -----------------------------------------------------------------------------------------------


def account_charts(snapshot: Snapshot, last_seen: Callable[[User | Role], tuple[State, datetime | None]], now: datetime) -> list[Chart]:
    """Identities by the month they were made in, keys by age, and identities by when they were seen last."""
    everyone: list[User | Role] = [*snapshot.users, *(role for role in snapshot.roles if not role.service_linked)]
    listed = snapshot.section(USERS).state is State.KNOWN or snapshot.section(ROLES).state is State.KNOWN
    found = [_made(snapshot.account, everyone, now, listed)]
    report = snapshot.section(CREDENTIALS)
    ages, unknown = [], 0
    for row in snapshot.credentials.values():
        for key in row.keys:
            if key.active.is_known and key.active.value:
                made = key.last_rotated
                if made.is_known and made.value is not None:
                    ages.append(made.value)
                else:
                    unknown += 1
    note = "" if report.state is State.KNOWN else f"credential report: {_APART.get(report.state, report.state.value)}"
    found.append(_aged("key-ages", "keys by age", snapshot.account, ages, {"not known": unknown}, now, note, REPORT))
    seen, apart = [], Counter[str]()
    for one in everyone:
        state, at = last_seen(one)
        if at is not None:
            seen.append(at)
        elif state in (State.NEVER, State.NOT_IN_TRACKING_PERIOD):
            apart["unseen" if state is State.NOT_IN_TRACKING_PERIOD else "never"] += 1
        else:
            apart[_APART.get(state, "no info")] += 1
    found.append(_aged("last-seen", "last seen", snapshot.account, seen, apart, now, "" if listed else "users and roles: not read", GAAD))
    return found


def _made(account: str, everyone: Sequence[User | Role], now: datetime, listed: bool) -> Chart:
    months = [divmod(now.year * 12 + now.month - 1 - back, 12) for back in range(TREND_MONTHS - 1, -1, -1)]
    counted = Counter((one.created.year, one.created.month - 1) for one in everyone if one.created is not None)
    labels = tuple(f"{year}-{month + 1:02}" for year, month in months)
    values = tuple(counted[month] if listed else None for month in months)
    note = "of those that are there now" if listed else "users and roles: not read"
    return Chart("new", "new/month", labels, values, f"{TREND_MONTHS} months", account, note=note, source=GAAD)


def _aged(
    id: str, title: str, account: str, dates: Sequence[datetime], apart: Mapping[str, int], now: datetime, note: str, source: str
) -> Chart:
    counts = [0] * len(_AGES)
    for at in dates:
        days = (now - at).days
        counts[next(place for place, (most, _) in enumerate(_AGES) if most is None or days <= most)] += 1
    unknown = note and not dates
    values = tuple(None if unknown else count for count in counts)
    return Chart(id, title, tuple(label for _, label in _AGES), values, "", account, False, tuple(apart.items()), note, source)


__all__ = ["KEY_DAYS", "account_charts", "account_tells", "event_charts", "event_tells", "finding_tells", "grant_tells", "review_tells"]
