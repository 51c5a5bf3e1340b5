"""`iamtui summary`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..errors import Exit, UsageError
from ..model.overview import Overview
from ..session import Session
from ..session.export import csv_table
from ..session.overviewtext import (
    COLUMNS,
    CSV_COLUMNS,
    chart_line,
    command,
    complete,
    csv_row,
    headline,
    missing_words,
    overview_json,
    row,
)
from ..text import visible
from .gate import gated
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, markdown_text, print_json, print_table, words


def print_summary(options: Mapping[str, Any], account: str, form: str, *, ask: bool, fail_on: str = "none") -> int:
    """Print what stands out, the gravest first. `ask`: of a live account also read its newest events, the policies of resources, and what
    watches over it. Exit 4 when not all could be looked at."""
    session = open_session(options, settings_of(options))
    read_all(session)
    if account and session.world.snapshot(account) is None:
        held = ", ".join(snapshot.account for snapshot in session.world.snapshots)
        raise UsageError(f"There is no account {account} here", f"there is {held}" if held else "nothing has been read")
    if session.info.kind != "live" or session.trail.delivered:
        for _ in session.load_events():
            pass
    elif ask and not session.offline:
        _ask(session)
    for _ in session.load_overview(account=account):
        pass
    found = session.overview(account)
    several = len(found.accounts) > 1 and not account
    now = session.now()
    if form == "json":
        print_json(overview_json(found))
    elif form == "csv":
        data(csv_table(list(CSV_COLUMNS), [csv_row(line) for line in found.lines]))
    elif form == "markdown":
        _markdown(session, found, several=several)
    else:
        rows = [row(line, now, several=several) for line in found.lines]
        print_table([column.upper() for column in COLUMNS], rows, right=frozenset({2, 3}))
        _charts(found)
    say_problems(session)
    code = exit_code(session)
    if code not in (Exit.FINE, Exit.PARTIAL):
        return code  # nothing was read at all, and that has been said
    if form in ("table", "csv"):
        for line in found.lines:
            for gap in line.missing:
                words(f"{line.title}: {missing_words(gap)}")
    if session.info.kind == "live" and not ask and not session.offline and not complete(found):
        words("iamtui summary --ask reads events, policies of resources, trails and alarms first")
    code = int(Exit.FINE if code == Exit.FINE and complete(found) else Exit.PARTIAL)
    return gated(code, fail_on, (line.severity.value if line.severity else "" for line in found.lines if line.count))


def _ask(session: Session) -> None:
    """Everything the lines rest on, from AWS."""
    from ..source.base import FIRST_LOOK, EventQuery

    for _ in session.load_events(EventQuery(regions=session.info.regions, most=FIRST_LOOK)):
        pass
    session.load_findings()
    for _ in session.load_guards():
        pass


def _plain() -> bool:
    """Whether standard output cannot carry blocks."""
    try:
        "▁█≤".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return True
    return False


def _charts(found: Overview) -> None:
    plain = _plain()
    data("\n")
    for chart in found.charts:
        title, signs, told = chart_line(chart, plain=plain)
        data(visible(f"{title:<18} {signs:<30}  {told}".rstrip()) + "\n")


def _markdown(session: Session, found: Overview, *, several: bool) -> None:
    labels = ", ".join(f"{snapshot.label} {snapshot.account}".strip() for snapshot in session.world.snapshots)
    data(f"# Summary of {markdown_text(labels or 'nothing')}\n\n{markdown_text(headline(found))}\n\n")
    data("| severity | what | count | when | who and what | more |\n|---|---|---|---|---|---|\n")
    for line in found.lines:
        *cells, _, told = row(line, session.now(), several=several)
        cells += [told, command(line)]
        data("| " + " | ".join(markdown_text(cell) for cell in cells) + " |\n")
    missing = [(line.title, gap) for line in found.lines for gap in line.missing]
    if missing:
        data("\n## Not looked at\n\n")
        for title, gap in missing:
            data(f"- {markdown_text(title)}: {markdown_text(missing_words(gap))}\n")
    data("\n## Trends\n\n| what | | numbers |\n|---|---|---|\n")
    for chart in found.charts:
        title, signs, told = chart_line(chart)
        data(f"| {title} | {signs} | {markdown_text(told)} |\n")
