"""Pages of `:alarms` and `:logging`: who would hear of what, by which links, and whether the account can be audited at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from ...analysis.alarms.coverage import Coverage, Verdict
from ...analysis.alarms.health import Health
from ...analysis.alarms.health import Row as HealthRow
from ...analysis.alarms.links import Standing, Way
from ...analysis.event_columns import actor_words, short_target
from ...analysis.words import relative
from ...model.event import Event
from ...model.guards import Alarm, AlarmChange, Guards
from ...session.guardtext import (
    Styled,
    alarm_row,
    coverage_lines,
    coverage_row,
    headline,
    health_words,
    history_line,
    label,
    ordered,
    security_alarms,
    way_lines,
)
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line
from ..widgets.table import TableColumn
from .access import AnswersPage, Target
from .pages import TextPage

if TYPE_CHECKING:
    from ...analysis.alarms.fixes import Place
    from ...analysis.systems import System
    from ..app import IamtuiApp

_VERDICT = {
    Verdict.HEARD: "effect-allow",
    Verdict.PROGRAM: "",
    Verdict.PARTLY: "severity-medium",
    Verdict.UNKNOWN: "severity-medium",
    Verdict.SILENT: "severity-high",
    Verdict.NO_EVENT: "state-absent",
}
_SHORT = {
    Verdict.HEARD: ("yes",),
    Verdict.PROGRAM: ("program", "prog"),
    Verdict.PARTLY: ("part",),
    Verdict.UNKNOWN: ("unknown", "?"),
    Verdict.SILENT: ("nobody", "no"),
    Verdict.NO_EVENT: ("none",),
}
_HEALTH = {
    Health.OK: "effect-allow",
    Health.WEAK: "severity-medium",
    Health.MISSING: "severity-high",
    Health.DENIED: "state-denied",
    Health.UNKNOWN: "state-absent",
}
_MEANING = {"ok": "effect-allow", "broken": "severity-high", "unknown": "state-absent", "command": ""}
_GRAVITY = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium"}

Answers = Sequence[tuple[Guards, Sequence[Coverage]]]


def _styled(lines: Sequence[Sequence[Styled]]) -> list[Line]:
    """Lines of the session's text, made safe, with the theme's styles."""
    return [[(visible(text), _MEANING.get(meaning, meaning)) for text, meaning in line] for line in lines]


def coverage_page(answers: Answers, place_for: Callable[[Guards], Place]) -> AnswersPage:
    """Every watched event, what nobody hears of first; enter shows the whole path."""
    columns = (
        TableColumn("event", "EVENT", 27, 0),
        TableColumn("verdict", "HEARD?", 12, 0),
        TableColumn("why", "BY WHAT, OR WHY NOT", 60, 0),
        TableColumn("hears", "WHO HEARS", 30, 1),
        TableColumn("severity", "CLASS", 8, 2),
        TableColumn("controls", "CIS", 10, 3),
    )
    rows: list[tuple[Callable[[int], Cell], Target]] = []
    for guards, found in answers:
        for one in ordered(found):
            rows.append((partial(_coverage_cell, one), partial(_event_lines, one, guards, place_for)))
    title = "Who would hear?  " + headline([one for _, found in answers for one in found])
    return AnswersPage(title, columns, rows, tab="", empty="Nothing is watched here.")


def _coverage_cell(one: Coverage, column: int) -> Cell:
    cells = coverage_row(one)
    match column:
        case 0:
            return Cell(visible(cells[0]), "strong")
        case 1:
            return Cell(cells[1], _VERDICT[one.verdict], short=_SHORT[one.verdict])
        case 2:
            return Cell(visible(cells[3]))
        case 3:
            return Cell(visible(cells[2]))
        case 4:
            return Cell(cells[4], _GRAVITY.get(cells[4], ""))
        case _:
            return Cell(cells[6].replace("CIS ", ""))


def _event_lines(one: Coverage, guards: Guards, place_for: Callable[[Guards], Place]) -> list[Line]:
    return _styled(coverage_lines(one, guards, place_for(guards)))


def event_page(one: Coverage, guards: Guards, place: Place) -> TextPage:
    """The whole path of one event."""
    return TextPage(f"Would anybody hear of {label(one)}?", _styled(coverage_lines(one, guards, place)))


def ways_page(event: Event, ways: Sequence[Way]) -> TextPage:
    """The ways of one event that happened."""
    lines: list[Line] = []
    whole = [way for way in ways if way.standing is Standing.OK and way.hearers]
    who = ", ".join(dict.fromkeys(hearer.words for way in whole for hearer in way.hearers))
    when = f"{event.time:%Y-%m-%d %H:%M:%S} " if event.time else ""
    lines.append([(visible(f"{event.name} {event.outcome.value}"), "strong"), (visible(f"  {when}{actor_words(event)}"), "")])
    nobody, bad = ("not known", "state-absent") if any(way.standing is Standing.UNKNOWN for way in ways) else ("nobody", "severity-high")
    lines.append([("is told to  ", "label"), (visible(who) or nobody, "effect-allow" if who else bad)])
    lines.append([("as the alarms and rules are now; they may have been others then", "state-absent")])
    if not ways:
        lines += [[], [("no filter and no rule finds it", "state-absent")]]
    for way in ways:
        lines.append([])
        lines += _styled(way_lines(way))
    lines += [[], [(f":alarms {visible(event.name)} asks it of every such call, with text for what is missing", "state-absent")]]
    return TextPage(f"Who hears of {event.name}?", lines)


def alarms_page(app: IamtuiApp, found: Sequence[Guards]) -> AnswersPage:
    """Alarms over what filters count, as they are now; enter shows what became of one and what raised it."""
    columns = (
        TableColumn("alarm", "ALARM", 22, 0),
        TableColumn("state", "STATE", 17, 0),
        TableColumn("since", "SINCE", 6, 1, right=True),
        TableColumn("acts", "ACTS", 9, 0),
        TableColumn("hears", "WHO HEARS", 40, 0),
        TableColumn("finds", "FILTERS", 40, 2),
    )
    now = app.session.now()
    rows: list[tuple[Callable[[int], Cell], Target]] = []
    for guards in found:
        for alarm in security_alarms(guards):
            rows.append((partial(_alarm_cell, alarm_row(alarm, guards, now)), partial(_open_alarm, app, alarm)))
    return AnswersPage(
        f"Alarms over CloudTrail's filters: {len(rows)}", columns, rows, tab="", empty="No alarm stands over a metric that a filter writes."
    )


def _alarm_cell(cells: Sequence[str], column: int) -> Cell:
    style = "strong" if column == 0 else ""
    if column == 1:
        style = {"ALARM": "severity-high", "INSUFFICIENT_DATA": "state-absent"}.get(cells[1], "")
    if column == 3 and cells[3] != "yes":
        style = "severity-high"
    return Cell(visible(cells[column]), style)


def _open_alarm(app: IamtuiApp, alarm: Alarm) -> None:
    from ..guards import show_alarm

    show_alarm(app, alarm)


def alarm_page(alarm: Alarm, history: Sequence[AlarmChange], raised: Sequence[Event], now: datetime) -> AnswersPage:
    """What became of an alarm and the events on hand that raise it, newest first; enter goes to an event."""
    columns = (
        TableColumn("when", "WHEN", 19, 0),
        TableColumn("what", "WHAT", 34, 0),
        TableColumn("who", "WHO", 30, 0),
        TableColumn("target", "ON", 30, 1),
        TableColumn("outcome", "OUTCOME", 8, 1),
    )
    rows: list[tuple[datetime | None, tuple[Callable[[int], Cell], Target]]] = []
    for change in history:
        cells = (f"{change.at:%Y-%m-%d %H:%M:%S}", f"alarm {history_line(change, now).partition('  ')[2]}", "", "", "")
        rows.append((change.at, (partial(_past_cell, cells, True), partial(_change_lines, alarm, change))))
    for event in raised:
        when = f"{event.time:%Y-%m-%d %H:%M:%S}" if event.time else "no time"
        target = short_target(event.targets[0]) if event.targets else ""
        cells = (when, event.name, actor_words(event), target, event.outcome.value)
        rows.append((event.time, (partial(_past_cell, cells, False), event.event_id)))
    rows.sort(key=lambda entry: entry[0].timestamp() if entry[0] is not None else 0.0, reverse=True)
    title = (
        f"{alarm.name}: {alarm.state or 'state not told'}; {len(history)} changes; its filters find {len(raised):,} of the events on hand"
    )
    return AnswersPage(
        title, columns, [row for _, row in rows], tab="event", empty="Neither its history nor events its filters find are on hand."
    )


def _past_cell(cells: Sequence[str], change: bool, column: int) -> Cell:
    return Cell(visible(cells[column]), "heading" if change and column == 1 else "strong" if column == 1 else "")


def _change_lines(alarm: Alarm, change: AlarmChange) -> list[Line]:
    return [
        [(visible(alarm.name), "strong"), (visible(f"  {change.kind} at {change.at:%Y-%m-%d %H:%M:%S} UTC"), "")],
        [(visible(change.summary), "")],
    ]


def guards_page(app: IamtuiApp, found: Sequence[System]) -> AnswersPage:
    """Every system an audit uses; enter opens its own page."""
    many = len({one.account for one in found}) > 1
    columns = (
        TableColumn("system", "SYSTEM", 21, 0),
        TableColumn("state", "STATE", 8, 0),
        TableColumn("found", "WHAT IT SAYS", 60, 0),
        TableColumn("age", "AS OF", 6, 2, right=True),
        TableColumn("account", "ACCOUNT", 13, 1),
    )
    now = app.session.now()
    rows: list[tuple[Callable[[int], Cell], Target]] = [
        (partial(_system_cell, one, now), partial(_open_system, app, one) if one.go else partial(_system_lines, one)) for one in found
    ]
    if found:
        rows.append((partial(_practices_cell, len(columns)), partial(_open_practices, app)))
    return AnswersPage(
        "Guards: what an audit can rest on", columns if many else columns[:-1], rows, tab="", empty="No account has been read."
    )


def _system_cell(one: System, now: datetime, column: int) -> Cell:
    match column:
        case 0:
            return Cell(visible(one.name), "strong")
        case 1:
            return Cell(one.state.value, _HEALTH[one.state])
        case 2:
            return Cell(visible(one.found))
        case 3:
            return Cell(relative(one.as_of, now) if one.as_of is not None else "", right=True)
        case _:
            return Cell(visible(one.account))


def _practices_cell(_: int, column: int) -> Cell:
    return Cell(("The ten practices", "", "what all of this comes to, check by check", "", "")[column], "strong" if column == 0 else "")


def _open_practices(app: IamtuiApp) -> None:
    app.do("practices", "")


def _open_system(app: IamtuiApp, one: System) -> None:
    if one.go == "users":
        app.screen.dismiss()
    app.explorer.go(one.go)


def _system_lines(one: System) -> list[Line]:
    return [
        [(one.state.value, _HEALTH[one.state]), (visible(f"  {one.name}"), "strong")],
        [(visible(one.found), "")],
        [],
        [("asked by  ", "label"), (one.source, "state-absent")],
    ]


def health_page(found: Sequence[tuple[str, Sequence[HealthRow]]]) -> AnswersPage:
    """Row by row: what is so, what follows, what to do."""
    columns = (
        TableColumn("state", "STATE", 8, 0),
        TableColumn("subject", "SUBJECT", 17, 0),
        TableColumn("name", "NAME", 24, 1),
        TableColumn("found", "FOUND", 52, 0),
        TableColumn("means", "WHAT IT MEANS", 50, 2),
    )
    order = list(Health)
    every = [row for _, rows in found for row in rows]
    rows: list[tuple[Callable[[int], Cell], Target]] = [
        (partial(_health_cell, row), partial(_health_lines, row))
        for row in sorted(every, key=lambda row: (row.state is Health.OK, row.state is Health.UNKNOWN, -order.index(row.state)))
    ]
    return AnswersPage(f"Can this be audited?  {health_words(every)}", columns, rows, tab="", empty="Nothing was read.")


def _health_cell(row: HealthRow, column: int) -> Cell:
    cells = (row.state.value, row.subject, row.name, row.found, row.means)
    return Cell(visible(cells[column]), _HEALTH[row.state] if column == 0 else "strong" if column == 1 else "")


def _health_lines(row: HealthRow) -> list[Line]:
    lines: list[Line] = [
        [(row.state.value, _HEALTH[row.state]), (visible(f"  {row.subject} {row.name}"), "strong")],
        [("found  ", "label"), (visible(row.found), "")],
    ]
    if row.means:
        lines.append([("means  ", "label"), (visible(row.means), "")])
    if row.todo:
        lines += [[], [("To do (text to copy; iamtui changes nothing)", "heading")], [(visible(row.todo), "")]]
    if row.source:
        as_of = f", as of {row.as_of:%Y-%m-%d %H:%M} UTC" if row.as_of else ""
        lines += [[], [(visible(f"from {row.source}{as_of}"), "state-absent")]]
    return lines
