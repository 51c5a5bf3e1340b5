"""Coverage and logging health as tables, JSON and text to copy. The text is not yet safe for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..analysis.alarms.coverage import Case, Coverage, Verdict
from ..analysis.alarms.fixes import Form, lacking, mend, missing_text
from ..analysis.alarms.health import Health
from ..analysis.alarms.health import Row as HealthRow
from ..analysis.alarms.hearing import ear_of
from ..analysis.alarms.links import Link, Standing, Way
from ..analysis.alarms.raising import filters_of
from ..analysis.words import exact, relative
from ..model.guards import Alarm, AlarmChange, Guards
from ..text import visible

if TYPE_CHECKING:
    from datetime import datetime

    from ..analysis.alarms.fixes import Place
    from ..analysis.systems import System

COLUMNS = ("event", "verdict", "hears", "why", "severity", "about", "controls")
SYSTEM_COLUMNS = ("system", "state", "found", "go", "as_of", "source")
HEALTH_COLUMNS = ("state", "subject", "name", "found", "means", "todo")
ALARM_COLUMNS = ("alarm", "state", "since", "acts", "hears", "finds")
_SEVERITY = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def ordered(found: Sequence[Coverage]) -> list[Coverage]:
    """What an audit expects to be heard and is not first, the gravest of it before the rest."""

    def rank(one: Coverage) -> tuple[bool, int]:
        severity = one.watched.severity
        return not one.uncovered, _SEVERITY[severity.value] if severity is not None else len(_SEVERITY)

    return sorted(found, key=rank)


def label(one: Coverage) -> str:
    """`DeleteUser`, `ec2:CreateVpc`, `a console login failed`."""
    prefix, _, name = one.watched.key.partition(":")
    return one.watched.title if not name else name if prefix == "iam" else one.watched.key


def coverage_row(one: Coverage) -> list[str]:
    """Cells of COLUMNS."""
    severity = one.watched.severity.value if one.watched.severity is not None else ""
    hears = ", ".join(hearer.words for hearer in one.hearers)
    controls = " ".join(f"CIS {number}" for number in one.watched.controls)
    return [label(one), one.verdict.value, hears, one.words, severity, one.watched.about, controls]


def headline(found: Sequence[Coverage]) -> str:
    """`5 of 126 are heard by somebody, 120 by nobody`: of the events an audit asks for."""
    asked = [one for one in found if one.watched.sensitive]
    missed = [one for one in asked if one.uncovered]
    words = f"{len(asked) - len(missed)} of {len(asked)} are heard by somebody"
    for verdict, by in ((Verdict.SILENT, "by nobody"), (Verdict.PARTLY, "only at times"), (Verdict.UNKNOWN, "cannot be told")):
        count = sum(one.verdict is verdict for one in missed)
        words += f", {count} {by}" if count else ""
    return words


# -- JSON ------------------------------------------------------------------------------------------------------------------


def coverage_json(one: Coverage, account: str) -> dict[str, Any]:
    """One event with every case and way."""
    return {
        "event": one.watched.event,
        "key": one.watched.key,
        "account": account,
        "title": one.watched.title,
        "about": one.watched.about,
        "severity": one.watched.severity.value if one.watched.severity is not None else None,
        "sensitive": one.watched.sensitive,
        "controls": one.watched.controls,
        "verdict": one.verdict.value,
        "words": one.words,
        "hears": [{"protocol": h.protocol, "endpoint": h.endpoint, "person": h.person, "topic": h.topic} for h in one.hearers],
        "cases": [_case_json(case) for case in one.cases],
    }


def _case_json(case: Case) -> dict[str, Any]:
    return {
        "case": case.sample.case,
        "event": case.sample.event,
        "verdict": case.verdict.value,
        "regions": case.regions,
        "silent_in": case.silent,
        "ways": [way_json(way) for way in case.ways],
    }


def way_json(way: Way) -> dict[str, Any]:
    """One way with its links."""
    return {
        "kind": way.kind,
        "name": way.name,
        "region": way.region,
        "standing": way.standing.value,
        "unless": way.unless,
        "hears": [{"protocol": h.protocol, "endpoint": h.endpoint, "person": h.person, "topic": h.topic} for h in way.hearers],
        "pending": way.pending,
        "links": [
            {"what": link.what, "name": link.name, "region": link.region, "standing": link.standing.value, "words": link.words}
            for link in way.links
        ],
    }


def system_row(one: System) -> list[str]:
    """Cells of SYSTEM_COLUMNS; the name is the stable one."""
    return [one.id, one.state.value, one.found, f":{one.go}" if one.go else "", exact(one.as_of) if one.as_of else "", one.source]


def system_json(one: System) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "account": one.account,
        "state": one.state.value,
        "found": one.found,
        "go": one.go or None,
        "source": one.source,
        "as_of": one.as_of,
    }


def health_json(row: HealthRow, account: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "account": account,
        "subject": row.subject,
        "name": row.name,
        "state": row.state.value,
        "found": row.found,
        "means": row.means,
        "todo": row.todo,
        "source": row.source,
        "as_of": row.as_of,
    }


def health_words(rows: Sequence[HealthRow]) -> str:
    """Whether the account can be audited, in one sentence that claims no more than the rows."""
    counted = {state: sum(row.state is state for row in rows) for state in Health}
    trail = [row.state for row in rows if row.id in ("trails", "trail.logging")]
    if Health.OK in trail:
        begin = "A trail records"
    elif trail and all(state in (Health.MISSING, Health.WEAK) for state in trail):
        begin = "No trail records as it should: this account can be audited for the 90 days of event history at most"
    else:
        begin = "Whether a trail records cannot be told"
    parts = [f"{counted[state]} {state.value}" for state in Health if counted[state]]
    return f"{begin}; {', '.join(parts)}"


# -- alarms ------------------------------------------------------------------------------------------------------------------


def security_alarms(guards: Guards) -> list[Alarm]:
    """Alarms over metrics that filters write, those in ALARM first."""
    found = [alarm for alarm in guards.alarms.values() if filters_of(alarm, guards)]
    order = {"ALARM": 0, "INSUFFICIENT_DATA": 1}
    return sorted(found, key=lambda alarm: (order.get(alarm.state, 2), alarm.name))


def alarm_row(alarm: Alarm, guards: Guards, now: datetime) -> list[str]:
    """Cells of ALARM_COLUMNS."""
    since = relative(alarm.state_since, now) if alarm.state_since else ""
    ears = [ear_of(action, guards) for action in alarm.actions]
    hears = "; ".join(dict.fromkeys(", ".join(h.words for h in ear.hearers) or ear.link.words for ear in ears))
    acts = "no action" if not alarm.actions else "yes" if alarm.actions_enabled else "disabled"
    finds = ", ".join(dict.fromkeys(f"{one.name} on {one.group}" for one in filters_of(alarm, guards)))
    return [alarm.name, alarm.state, since, acts, hears or "nobody", finds]


def alarm_json(alarm: Alarm, guards: Guards, history: Sequence[AlarmChange], raised: Sequence[str]) -> dict[str, Any]:
    """An alarm with its history and the ids of the events on hand that its filters find."""
    return {
        "alarm": alarm.name,
        "arn": alarm.arn,
        "region": alarm.region,
        "account": alarm.account,
        "state": alarm.state,
        "since": alarm.state_since,
        "reason": alarm.state_reason,
        "composite": alarm.composite,
        "actions_enabled": alarm.actions_enabled,
        "actions": alarm.actions,
        "filters": [{"name": one.name, "group": one.group, "pattern": one.pattern} for one in filters_of(alarm, guards)],
        "history": [{"at": c.at, "kind": c.kind, "summary": c.summary, "from": c.old, "to": c.new} for c in history],
        "events": raised,
    }


# -- the whole path, as lines --------------------------------------------------------------------------------------------------

Styled = tuple[str, str]
"""(text, meaning): `heading`, `label`, `ok`, `broken`, `unknown`, `command` or ""."""

_MARK = {Standing.OK: "ok", Standing.BROKEN: "broken", Standing.UNKNOWN: "unknown"}
_SIGN = {Standing.OK: "✓", Standing.BROKEN: "✗", Standing.UNKNOWN: "?"}


def way_lines(way: Way) -> list[list[Styled]]:
    """A way, a link a line; sign and word say how each stands, colour says it a second time."""
    who = ", ".join(hearer.words for hearer in way.hearers) if way.standing is Standing.OK else ""
    lines: list[list[Styled]] = [[(f"{way.kind} {way.name}", "strong"), (f"  {way.standing.value}", _MARK[way.standing]), (f"  {who}", "")]]
    lines += [_link_line(link) for link in way.links]
    return lines


def _link_line(link: Link) -> list[Styled]:
    name = f"{link.name} " if link.name not in ("none", "unknown") else ""
    where = f"  ({link.region})" if link.region and link.what in ("alarm", "rule", "topic", "filter", "target") else ""
    return [
        (
            f"  {_SIGN[link.standing]} {link.standing.value if link.standing is not Standing.UNKNOWN else 'unknown':<7} ",
            _MARK[link.standing],
        ),
        (f"{link.what:<9} ", "label"),
        (f"{name}{link.words}{where}", ""),
    ]


def coverage_lines(one: Coverage, guards: Guards, place: Place) -> list[list[Styled]]:
    """One event: the answer, every way of every kind of case, and what to do as text."""
    nobody = "not known" if one.verdict is Verdict.UNKNOWN else "nobody"
    marks = {Verdict.HEARD: "ok", Verdict.SILENT: "broken", Verdict.PARTLY: "broken"}
    lines: list[list[Styled]] = [
        [(label(one), "strong"), (f"  {one.verdict.value}", marks.get(one.verdict, "unknown"))],
        [("who hears  ", "label"), (", ".join(h.words for h in one.hearers) or nobody, "" if one.hearers else "unknown")],
        [("because    ", "label"), (one.words, "")],
    ]
    severity = one.watched.severity.value if one.watched.severity is not None else "no class"
    controls = f"; CIS {', '.join(one.watched.controls)}" if one.watched.controls else ""
    lines.append([("class      ", "label"), (f"{severity}, {one.watched.title}{controls}", "")])
    for cases, ways in grouped(one.cases):
        lines += [[], [(f"When {', '.join(case.sample.case for case in cases)}: {cases[0].verdict.value}", "heading")]]
        if cases[0].silent:
            lines.append([("  not heard in  ", "label"), (", ".join(cases[0].silent), "")])
        if not ways:
            lines.append([("  no filter and no rule finds it", "unknown")])
        for way in ways:
            lines += way_lines(way)
    text = todo_text(one, guards, place, Form.CLI)
    if text:
        lines += [[], [("To do (text to copy; iamtui changes nothing)", "heading")]]
        lines += [[(line, "unknown" if line.startswith("#") else "command")] for line in text.splitlines()]
    return lines


def grouped(cases: Sequence[Case]) -> list[tuple[list[Case], tuple[Way, ...]]]:
    """Cases with the same ways together."""
    found: dict[tuple[Way, ...], list[Case]] = {}
    for case in cases:
        found.setdefault(case.ways, []).append(case)
    return [(same, ways) for ways, same in found.items()]


def todo_text(one: Coverage, guards: Guards, place: Place, form: Form) -> str:
    """What to do about one event: links that a command mends, then a filter and alarm of its own."""
    if one.verdict in (Verdict.HEARD, Verdict.PROGRAM, Verdict.NO_EVENT):
        return ""
    lines = _mends([one], guards)
    made = missing_text(lacking([one]), place, form)
    if lines and made:
        lines.append("# or an alarm of its own:")
    return "\n".join([*lines, made]).strip("\n")


def _mends(found: Sequence[Coverage], guards: Guards) -> list[str]:
    lines: list[str] = []
    for one in found:
        for case in one.cases:
            if case.verdict is Verdict.HEARD or case.sample.refused:
                continue
            for way in case.ways:
                for words, command in mend(way, guards):
                    if command not in lines:
                        lines += [f"# {visible(way.kind)} {visible(way.name)}: {words}", command]
    return lines


def all_text(found: Sequence[Coverage], guards: Guards, place: Place, form: Form) -> str:
    """Text for everything that is missing among some events."""
    wanted = lacking(found)
    if not wanted:
        return "# nothing is missing\n"
    mends = _mends(wanted, guards)
    if form is not Form.CLI and mends:
        mends = [f"# {visible(line.removeprefix('# '))}" for line in mends]
    names = ", ".join(label(one) for one in wanted)
    lines = [f"# nobody hears for certain: {visible(names)}", *mends, "# filters and alarms for all of them:" if mends else ""]
    return "\n".join([*(line for line in lines if line), missing_text(wanted, place, form)])


def history_line(change: AlarmChange, now: datetime) -> str:
    """`2026-10-01 02:06:00 (5 d)  OK → ALARM`."""
    what = f"{change.old} → {change.new}" if change.old or change.new else change.summary
    return f"{exact(change.at)} ({relative(change.at, now)})  {what}"
