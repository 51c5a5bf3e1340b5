"""The Summary: the gravest first, every line leads on, and nothing is claimed that the facts do not carry."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.charts import BLOCKS, PLAIN, numbers, spark
from iamtui.analysis.overview import PARTS, TOPICS, charts, in_order, lines
from iamtui.analysis.practices import practices
from iamtui.analysis.standouts import account_tells, event_charts, event_gaps, event_tells, finding_tells, gap_tells, reach, review_tells
from iamtui.cli import cli
from iamtui.errors import UsageError
from iamtui.model.account import CREDENTIALS, ROLES, USERS, Section, Snapshot, World
from iamtui.model.document import Gap, Kind
from iamtui.model.event import Window, WindowState
from iamtui.model.fact import State
from iamtui.model.finding import Severity
from iamtui.model.overview import Chart, Item, Line, Missing, Overview, Standing, Told
from iamtui.session import ListKind, Session
from iamtui.session.overviewing import CHECKS, MOST_EVENTS
from iamtui.session.overviewtext import command, count_word, csv_row, examples, headline, line_json, row, state_word
from iamtui.source.demo import DemoSource
from iamtui.source.evidence import EvidenceSource
from iamtui.ui.commands import interpret
from tests.hostile import write_evidence
from tests.unit.test_practices import NOW, world

DATA = Path(__file__).parents[2] / "../shared/data"


@cache
def session() -> Session:
    made = Session(DemoSource(NOW), now=lambda: NOW)
    made.open()
    for _ in made.load_events():
        pass
    return made


@cache
def demo() -> Overview:
    for _ in session().load_overview():
        pass
    return session().overview()


def by_topic(found: Overview) -> dict[str, Line]:
    return {line.topic: line for line in found.lines}


# -- order and states ------------------------------------------------------------------------------------------------

_TIMES = st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_ITEMS = st.builds(
    Item,
    st.text(max_size=5),
    st.text(max_size=5),
    st.sampled_from(Severity),
    st.just(""),
    st.sampled_from(["", "1", "2"]),
    st.none() | _TIMES,
)
_MISSING = st.builds(Missing, st.sampled_from([State.DENIED, State.FAILED, State.NOT_LOADED, State.NO_INFORMATION]), st.text(max_size=5))
_TOLD = st.builds(
    Told,
    st.sampled_from([topic.id for topic in TOPICS]),
    st.sampled_from(["", "1", "2"]),
    st.lists(_ITEMS, max_size=4).map(tuple),
    st.none() | st.integers(0, 9),
    missing=st.lists(_MISSING, max_size=2).map(tuple),
)


@given(st.lists(_TOLD, max_size=25), st.sampled_from(["", "1"]))
def test_the_graver_stands_before_the_lighter_and_what_was_found_before_what_was_not(told: list[Told], account: str) -> None:
    found = lines(told, account=account, accounts=("1", "2"))
    assert len({line.topic for line in found}) == len(found)
    grave = [line.severity.rank for line in found if line.severity is not None]
    assert grave == sorted(grave)
    assert [line.standing is Standing.FOUND for line in found] == sorted((line.standing is Standing.FOUND for line in found), reverse=True)
    for before, after in pairwise(found):
        if before.severity is after.severity is not None and after.when is not None:
            assert before.when is not None
            assert before.when >= after.when
    for line in found:
        wanted = [
            item
            for one in told
            if one.topic == line.topic
            for item in one.items
            if not account or {one.account, item.account} <= {"", account}
        ]
        assert line.count == len(wanted)
        assert (line.standing is Standing.FOUND) == bool(wanted)
        assert line.severity == min((item.severity for item in wanted), key=lambda s: s.rank, default=None)
        if line.standing is Standing.NONE:
            assert not line.missing
    assert in_order(reversed(found)) == found


def test_no_two_states_look_alike() -> None:
    made = []
    for standing in Standing:
        found = standing is Standing.FOUND
        items = (Item("a", "b", Severity.LOW),) if found else ()
        missing = () if standing in (Standing.FOUND, Standing.NONE, Standing.READING, Standing.COMPUTING) else (Missing(State.DENIED, "x"),)
        line = Line("keys", "Now", "keys", standing, Severity.LOW if found else None, items, None, "x", 3, "3 keys", missing)
        made.append(line)
    shown = [(state_word(line), count_word(line), examples(line)) for line in made]
    assert len(set(shown)) == len(made)
    assert len({line_json(line)["standing"] for line in made}) == len(made)
    assert [line_json(line)["count"] for line in made if line.standing in (Standing.DENIED, Standing.NOT_READ, Standing.COMPUTING)] == [
        None
    ] * 3
    assert len({csv_row(line)[2] for line in made}) == len(made)


def test_a_lower_bound_says_so() -> None:
    told = Told("keys", "1", (Item("a", "key 1", Severity.MEDIUM),), 4, missing=(Missing(State.DENIED, "the rest"),))
    (line,) = lines([told])
    assert count_word(line) == "1+"
    assert line_json(line)["missing"] == [{"state": "denied", "what": "the rest", "todo": None}]


def test_what_is_not_there_yet_says_whether_it_is_read_or_worked_out() -> None:
    found = lines([], waiting={"events": Standing.READING, "findings": Standing.COMPUTING})
    assert {line.standing for line in found if line.topic.endswith("-events")} == {Standing.READING}
    assert {line.standing for line in found if line.topic in ("public", "unused")} == {Standing.COMPUTING}
    assert {topic.part for topic in TOPICS} == set(PARTS)


# -- charts ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.none() | st.integers(0, 10**6), max_size=40), st.booleans())
def test_a_chart_draws_no_count_as_nothing_and_nothing_as_no_count(values: list[int | None], plain: bool) -> None:
    signs = PLAIN if plain else BLOCKS
    drawn = spark(values, plain=plain)
    assert len(drawn) == len(values)
    for value, sign in zip(values, drawn, strict=True):
        assert (value is None) == (sign == " ")
        assert (value == 0) == (sign == signs[0])
    told = [value for value in values if value is not None]
    for high, low in ((max(told), min(told)),) if told else ():
        assert signs.index(drawn[values.index(high)]) >= signs.index(drawn[values.index(low)])
    words = numbers(Chart("x", "x", tuple(map(str, values)), tuple(values), "30 d", note="not asked"))
    assert f"total {sum(told):,}" in words if told else words == "not asked"


def test_charts_of_accounts_add_up() -> None:
    one = Chart("new", "new", ("a", "b"), (1, None), "", "1", apart=(("never", 2),))
    two = Chart("new", "new", ("a", "b"), (None, None), "", "2", apart=(("never", 1),), note="not read")
    (both,) = charts([one, two])
    assert (both.values, dict(both.apart), both.note) == ((1, None), {"never": 3}, "not read")
    assert charts([one, two], "1") == (one,)


# -- the demo --------------------------------------------------------------------------------------------------------


def test_the_demos_stories_stand_out() -> None:
    found = by_topic(demo())
    assert demo().finished
    assert demo().lines[0].severity is Severity.CRITICAL
    assert set(found) == {topic.id for topic in TOPICS}
    grants = found["admin-grants"]
    assert any(item.name == "t.dubois" and "k.meyer@acme.example" in item.words for item in grants.items)
    assert "acme-public-assets" in examples(found["public"])
    assert found["root"].when is not None
    assert {"User1"} & {item.name for item in (*found["unused"].items, *found["keys"].items)}
    assert found["alarms"].count > 3
    assert [chart.id for chart in demo().charts] == ["grave", "denied", "new", "key-ages", "last-seen"]
    assert all(None not in chart.values for chart in demo().charts)


@pytest.mark.parametrize("topic", [topic.id for topic in TOPICS])
def test_every_line_leads_somewhere_and_a_list_there_holds_what_it_counts(topic: str) -> None:
    line = by_topic(demo())[topic]
    intent = interpret(line.drill)
    assert intent.what in ("view", "verb"), line.drill
    if intent.kind is not None:
        selection = session().select(intent.kind, intent.text)
        assert not selection.error
        if topic != "decisions":
            assert len(selection) == line.count
    asked = CliRunner().invoke(cli, [*command(line).split()[1:2], "--help"])
    assert asked.exit_code == 0, command(line)


def test_nothing_is_worked_out_twice_and_something_new_is() -> None:
    demo()
    held = dict(session()._parts)
    assert len(list(session().load_overview())) == 1
    assert all(session()._parts[part] is held[part] for part in PARTS)
    made = Session(DemoSource(NOW), now=lambda: NOW)
    made.open()
    early = list(made.load_overview(reading=True))
    assert {line.standing for line in early[-1].lines if line.topic.endswith("-events")} == {Standing.READING}
    assert not early[-1].finished


def test_leaving_ends_it() -> None:
    made = Session(DemoSource(NOW), now=lambda: NOW)
    made.open()
    assert list(made.load_overview(lambda: True)) == []
    assert not made.overview().finished


# -- facts that are not there ----------------------------------------------------------------------------------------


def told_of(snapshot: Snapshot) -> dict[str, Line]:
    told = [*account_tells(snapshot, practices([snapshot], NOW, only=CHECKS), NOW), *finding_tells([snapshot], (), 0, "todo")]
    return {line.topic: line for line in lines(told)}


def test_an_account_of_which_nothing_was_read_is_called_nothing() -> None:
    found = told_of(Snapshot("1"))
    assert {line.standing for line in found.values()} == {Standing.NOT_READ}


def test_a_refused_report_is_a_refusal_and_names_the_action() -> None:
    whole = world().snapshots[0]
    sections = {**whole.sections, CREDENTIALS: Section(State.DENIED)}
    found = told_of(msgspec.structs.replace(whole, credentials={}, sections=sections, summary={}))
    for topic in ("mfa", "keys", "root"):
        assert found[topic].standing is Standing.DENIED, topic
        assert "iam:GetCredentialReport" in examples(found[topic])
    assert found["unused"].standing is Standing.PARTLY  # roles tell their use themselves
    assert "denied" in examples(found["unused"])


def test_an_empty_account_has_nothing_and_is_not_unread() -> None:
    read = {name: Section(State.KNOWN, NOW, complete=True) for name in (USERS, ROLES, "groups", "policies", CREDENTIALS)}
    found = told_of(Snapshot("1", sections=read))
    assert found["new-users"].standing is found["escalation"].standing is found["unused"].standing is Standing.NONE
    assert found["public"].standing is Standing.NOT_READ  # no policy of a resource was read


def test_gaps_are_a_line() -> None:
    gap = Gap(Kind.CREDENTIAL_REPORT, State.DENIED, "you may not", "iam:GetCredentialReport", "1", at=NOW)
    (line,) = lines(gap_tells(World((Snapshot("1", gaps=(gap,)),))))
    assert (line.count, line.drill) == (1, "problems")
    assert "you may not" in examples(line)


WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("windows", "standing"),
    [
        ((), Standing.NOT_READ),
        ((Window("a", WindowState.DENIED, reason="you may not"),), Standing.DENIED),
        ((Window("a", WindowState.FAILED, reason="down"),), Standing.FAILED),
        ((Window("a", WindowState.COVERED, NOW - WEEK * 4, NOW),), Standing.NONE),
        ((Window("a", WindowState.COVERED, NOW - WEEK * 4, NOW), Window("b", WindowState.PARTIAL, reason="not read yet")), Standing.PARTLY),
        ((Window("a", WindowState.PARTIAL, NOW - timedelta(days=1), NOW),), Standing.PARTLY),
    ],
)
def test_events_that_were_not_read_are_not_none(windows: tuple[Window, ...], standing: Standing) -> None:
    since, end = reach(windows, NOW, dated=False)
    count = 5 if any(window.since for window in windows) else 0
    told = event_tells((), (), windows, end, since, count=count, dated=False, most=MOST_EVENTS, todo=":events reads them")
    assert {line.standing for line in lines(told)} == {standing}


def test_days_nobody_read_are_not_days_without_events() -> None:
    windows = (Window("a", WindowState.PARTIAL, NOW - timedelta(days=2), NOW),)
    since, end = reach(windows, NOW, dated=False)
    grave, denied = event_charts({("1", NOW.date(), 1, True): 4}, windows, end, since, NOW, "")
    assert grave.values[-3:] == denied.values[-3:] == (0, 0, 4)
    assert set(grave.values[:-3]) == {None}
    assert event_gaps(windows, since, NOW - WEEK, "")
    unread, _ = event_charts({}, (), NOW, None, NOW, "open files")
    assert set(unread.values) == {None}
    assert "not read" in numbers(unread)


def test_old_files_are_looked_at_from_their_own_end() -> None:
    then = NOW - timedelta(days=900)
    windows = (Window("", WindowState.COVERED, then - WEEK * 9, then),)
    assert reach(windows, NOW, dated=True) == (then - WEEK * 9, then)
    assert reach(windows, NOW, dated=False)[1] == NOW


def test_decisions_nobody_read_are_not_none() -> None:
    assert lines(review_tells(None, (), NOW))[0].standing is Standing.NOT_READ


# -- real and hostile input ------------------------------------------------------------------------------------------


def opened(*paths: Path) -> Session:
    made = Session(EvidenceSource([str(path) for path in paths]))
    made.open()
    for _ in made.refresh():
        pass
    for _ in made.load_events():
        pass
    for _ in made.load_overview():
        pass
    return made


@pytest.mark.skipif(not DATA.is_dir(), reason="the development data (../shared/data) is not here")
def test_real_answers_never_break_it_and_nothing_is_claimed_they_do_not_carry() -> None:
    events = ("critical-events", "high-events", "admin-grants")
    people = ("escalation", "public", "new-users", "unused-admins")
    for path in sorted((DATA / "iam/gaad").glob("*.json")):
        found = by_topic(opened(path).overview())
        assert {found[topic].standing for topic in (*events, "keys", "mfa", "root", "alarms")} == {Standing.NOT_READ}, path
    for path in sorted((DATA / "iam/credential_reports").glob("*.csv")):
        found = by_topic(opened(path).overview())
        assert {found[topic].standing for topic in (*events, *people, "alarms")} == {Standing.NOT_READ}, path
        assert found["keys"].standing is not Standing.NOT_READ
    made = opened(DATA / "cloudtrail/invictus")
    found = by_topic(made.overview())
    assert found["admin-grants"].count == 2
    assert {found[topic].standing for topic in (*people, "keys", "mfa")} == {Standing.NOT_READ}
    critical = found["critical-events"]
    assert len(made.select(ListKind.EVENTS, interpret(critical.drill).text)) == critical.count > 0
    several = opened(DATA / "iam/gaad")
    assert len(several.overview().accounts) > 2
    for account in several.overview().accounts:
        for line in several.overview(account).lines:
            assert {item.account for item in line.items} <= {"", account}
            if line.topic == "escalation":
                assert line.drill.endswith(f" account:{account}")
                assert len(several.select(ListKind.FINDINGS, interpret(line.drill).text)) == line.count


def test_an_account_written_by_an_attacker_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    folder = write_evidence(tmp_path / "evil")
    for form in ("table", "json", "csv", "markdown"):
        done = CliRunner().invoke(cli, ["--from", str(folder), "--cache-dir", str(tmp_path / "cache"), "summary", "--format", form])
        assert done.exit_code in (0, 4), done.output
        if form != "csv":
            assert not any(sign in done.output for sign in ("\x1b", "\x9b", "\x07", "\u202e")), form
        else:
            for cells in csv.reader(io.StringIO(done.stdout, newline="")):
                assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in cells)


# -- the command -----------------------------------------------------------------------------------------------------


def asked(*words: str, code: int = 4) -> Any:
    done = CliRunner().invoke(cli, ["summary", "--demo", *words])
    assert done.exit_code == code, done.output
    return done


def test_the_command_in_every_form() -> None:
    told = json.loads(asked("--format", "json").stdout)
    assert told["finished"]
    ranks = [Severity(line["severity"]).rank for line in told["lines"] if line["severity"]]
    assert ranks == sorted(ranks)
    assert {chart["chart"] for chart in told["charts"]} == {"grave", "denied", "new", "key-ages", "last-seen"}
    rows = list(csv.DictReader(io.StringIO(asked("--format", "csv").stdout)))
    assert [row["topic"] for row in rows] == [line["topic"] for line in told["lines"]]
    table = asked().stdout.splitlines()
    assert table[0].split()[:3] == ["SEVERITY", "WHAT", "COUNT"]
    assert table[1].startswith("critical")
    assert any(line.startswith("denied/day") and "max" in line for line in table)
    markdown = asked("--format", "markdown", "123456789012").stdout
    assert "| critical | critical events | 2 |" in markdown
    assert "iamtui list findings kind:escalation" in markdown
    with pytest.raises(UsageError, match="There is no account 1"):
        CliRunner().invoke(cli, ["summary", "--demo", "1"], catch_exceptions=False)


def test_a_headline_counts_what_was_not_told() -> None:
    found = Overview(lines([Told("keys", missing=(Missing(State.DENIED, "x"),))], waiting={"events": Standing.COMPUTING}))
    assert headline(found) == "1 denied; 2 computing"
    assert headline(Overview(lines([Told("keys", of=3)]))) == "nothing stands out"
    assert row(found.lines[0], NOW)[0] == "denied"
