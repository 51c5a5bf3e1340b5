"""`iamtui alarms` and `iamtui logging`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.alarms.coverage import Coverage, Verdict
from ..analysis.alarms.fixes import Form
from ..analysis.alarms.health import Health
from ..errors import Exit
from ..model.guards import Guards
from ..session import Session
from ..session.export import csv_table
from ..session.guardtext import (
    ALARM_COLUMNS,
    COLUMNS,
    HEALTH_COLUMNS,
    SYSTEM_COLUMNS,
    alarm_json,
    alarm_row,
    all_text,
    coverage_json,
    coverage_lines,
    coverage_row,
    headline,
    health_json,
    health_words,
    ordered,
    security_alarms,
    system_json,
    system_row,
)
from ..text import visible, visible_block
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words

_NOT_HEARD = (Verdict.SILENT, Verdict.PARTLY, Verdict.UNKNOWN)


def print_alarms(
    options: Mapping[str, Any], events: Sequence[str], form: str, fail_on: str, *, missing: bool, text: str, states: bool
) -> int:
    """Print who would hear of which event. 1 when an event an audit asks for, or one that was named, is not heard for certain."""
    session = _opened(options)
    if states:
        return _print_states(session, events, form)
    answers = session.coverage(events)
    found = [(guards, ordered([one for one in some if not missing or _lacks(one, named=bool(events))])) for guards, some in answers]
    if text:
        for guards, some in found:
            wanted = some if events else [one for one in some if one.uncovered]
            data(visible_block(all_text(wanted, guards, session.place_for(guards), Form(text))))
    elif form == "json":
        print_json([coverage_json(one, guards.account) for guards, some in found for one in some])
    elif form == "csv":
        data(csv_table(["account", *COLUMNS], [[guards.account, *coverage_row(one)] for guards, some in found for one in some]))
    else:
        _print_tables(session, found, few=bool(events) and sum(len(some) for _, some in found) <= 3)
    if not text and form == "table":
        words(f"of the events an audit asks for, {headline([one for _, some in answers for one in some])}")
    say_problems(session)
    named = bool(events)
    bad = any(one.verdict in _NOT_HEARD if named else one.uncovered for _, some in answers for one in some)
    return _code(session, bad=bad and fail_on != "none")


def _lacks(one: Coverage, *, named: bool) -> bool:
    return one.verdict in _NOT_HEARD and (named or one.watched.sensitive)


def _print_tables(session: Session, found: Sequence[tuple[Guards, list[Coverage]]], *, few: bool) -> None:
    for guards, some in found:
        if len(found) > 1:
            data(f"account {visible(guards.account)}\n")
        if not few:
            print_table([column.upper() for column in COLUMNS], [coverage_row(one) for one in some])
            continue
        for one in some:
            for line in coverage_lines(one, guards, session.place_for(guards)):
                data(visible_block("".join(part for part, _ in line)).rstrip() + "\n")
            data("\n")


def _print_states(session: Session, names: Sequence[str], form: str) -> int:
    """The alarms over CloudTrail's metrics as they are now; with their history and events when they are named or as JSON."""
    now = session.now()
    found = [(guards, alarm) for guards in session.guards() for alarm in security_alarms(guards) if not names or alarm.name in names]
    if form == "json":
        rows = []
        for guards, alarm in found:
            history = session.load_alarm_history(alarm) if names else guards.history.get(alarm.name, ())
            raised = [event.event_id for event in session.raised_by(alarm)[:200]] if names else []
            rows.append(alarm_json(alarm, guards, history, raised))
        print_json(rows)
    else:
        table = [alarm_row(alarm, guards, now) for guards, alarm in found]
        if form == "csv":
            data(csv_table(list(ALARM_COLUMNS), table))
        else:
            print_table([column.upper() for column in ALARM_COLUMNS], table)
            for _, alarm in found if names else ():
                _print_past(session, alarm)
        if not found:
            words("no alarm stands over a metric that a filter writes")
    say_problems(session)
    return _code(session, bad=False)


def _print_past(session: Session, alarm: Any) -> None:
    from ..session.guardtext import history_line
    from ..session.triagetext import event_line

    data(f"\n{visible(alarm.name)}: history\n")
    lines = [history_line(change, session.now()) for change in session.load_alarm_history(alarm)]
    data("".join(f"  {visible(line)}\n" for line in lines or ["none on hand"]))
    raised = session.raised_by(alarm)
    data(f"events on hand that its filters find: {len(raised):,}\n" + "".join(f"  {visible(event_line(event))}\n" for event in raised[:40]))


def print_logging(options: Mapping[str, Any], form: str, fail_on: str) -> int:
    """Print whether the account can be audited at all. 1 when something is missing."""
    session = _opened(options)
    found = session.logging_health()
    if form == "json":
        print_json([health_json(row, account) for account, rows in found for row in rows])
    elif form == "csv":
        table = [[account, *(health_json(row, account)[column] for column in HEALTH_COLUMNS)] for account, rows in found for row in rows]
        data(csv_table(["account", *HEALTH_COLUMNS], table))
    else:
        for account, rows in found:
            if len(found) > 1:
                data(f"account {visible(account)}\n")
            table = [[health_json(row, account)[column] for column in HEALTH_COLUMNS] for row in rows]
            print_table([column.upper() for column in HEALTH_COLUMNS], table)
            words(health_words(rows))
    say_problems(session)
    needed = ("trails", "trail.logging", "recording.write")
    sound = all(any(row.id == id and row.state is Health.OK for row in rows) for _, rows in found for id in needed[1:])
    return _code(session, bad=not sound and fail_on != "none")


def print_guards(options: Mapping[str, Any], form: str) -> int:
    """Print every system an audit uses, and what it says. Nothing is a failed check here; what was not read makes the answer partial."""
    session = _opened(options)
    found = session.systems()
    if form == "json":
        print_json([system_json(one) for one in found])
    elif form == "csv":
        data(csv_table(["account", *SYSTEM_COLUMNS], [[one.account, *system_row(one)] for one in found]))
    else:
        many = len({one.account for one in found}) > 1
        rows = [[*([one.account] if many else []), *system_row(one)[:4]] for one in found]
        print_table([*(["ACCOUNT"] if many else []), *(column.upper() for column in SYSTEM_COLUMNS[:4])], rows)
    say_problems(session)
    code = exit_code(session)
    partial = any(one.state is Health.DENIED or (one.state is Health.UNKNOWN and one.id not in _ASKED_FOR) for one in found)
    return int(Exit.PARTIAL) if code == Exit.FINE and partial else code


_ASKED_FOR = ("access-advisor", "organizations")
"""What is read when somebody asks for it, and is no gap before."""


def _opened(options: Mapping[str, Any]) -> Session:
    session = open_session(options, settings_of(options))
    read_all(session)
    for _ in session.load_guards():
        pass
    if session.info.kind != "live":
        for _ in session.load_events():
            pass
    return session


def _code(session: Session, *, bad: bool) -> int:
    """A failed check goes before a partial answer, unless nothing at all was read."""
    code = exit_code(session)
    guards = session.guards()
    if code == Exit.WRONG_USE and any(one.read for one in guards):
        code = int(Exit.FINE)
    if code not in (Exit.FINE, Exit.PARTIAL):
        return code
    if not any(one.read for one in guards):
        words("nothing about trails, alarms and rules was read, so nothing is known about who would hear")
        return int(Exit.PARTIAL)
    if bad:
        return int(Exit.CHECK_FAILED)
    refused = any(not fact.is_known for one in guards for fact in one.asked.values())
    return int(Exit.PARTIAL) if refused else code
