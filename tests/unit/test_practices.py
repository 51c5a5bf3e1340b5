"""The ten practices: what the demo breaks, and that nothing is claimed which the facts do not carry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest

from iamtui.analysis.alarms.controlling import by_control
from iamtui.analysis.alarms.coverage import Verdict
from iamtui.analysis.practice_texts import TEXTS
from iamtui.analysis.practices import Monitoring, Reviews, practices
from iamtui.model.account import Section, Snapshot, World
from iamtui.model.fact import State, absent, known
from iamtui.model.practice import Kept, Practice
from iamtui.session import Session, campaigns
from iamtui.session.reviewing import ReviewSettings
from iamtui.source.demo import DemoSource
from tests.support.demo import NOW


@cache
def world() -> World:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    return session.open()


def asked(*snapshots: Snapshot, **more: object) -> dict[str, Practice]:
    return {one.id: one for one in practices(snapshots or world().snapshots, NOW, **more)}  # type: ignore[arg-type]


def test_the_demo_breaks_what_it_should() -> None:
    found = asked()
    assert [one.number for one in found.values()] == list(range(1, 11))
    assert list(found) == [text.id for text in TEXTS]
    offenders = {name: {one.name for one in practice.offenders} for name, practice in found.items()}
    assert "break-glass-admin" in offenders["least-privilege"]
    assert offenders["mfa"] >= {"b.jones", "d.kowalski"}
    assert offenders["roles-not-users"] >= {"ci-runner", "deploy-bot"}
    assert offenders["no-root"] == {"<root_account>"}
    assert "jenkins" in offenders["rotation"]
    assert "audit" in offenders["conditions"]
    assert offenders["unused"] >= {"break-glass-1"}
    assert offenders["wildcards"] >= {"ci-runner-access", "image-resize"}
    assert {found["monitoring"].kept, found["reviews"].kept} == {Kept.UNKNOWN}


@pytest.mark.parametrize("practice", [text.id for text in TEXTS])
def test_what_was_looked_at_adds_up(practice: str) -> None:
    one = asked(monitoring=[Monitoring("trail", True, "", "x"), Monitoring("alarms", False, "none", "x")], reviews=Reviews(True))[practice]
    assert 0 <= one.held <= one.of
    assert (one.held < one.of) == bool(one.offenders)
    assert one.share is not None
    assert one.claim
    assert one.definition
    assert one.blind
    assert one.todo
    assert one.sources
    assert all(offender.words and offender.source for offender in one.offenders)
    assert [not o.grave for o in one.offenders] == sorted(not o.grave for o in one.offenders)


@pytest.mark.parametrize("state", [State.DENIED, State.FAILED, State.NOT_LOADED])
def test_what_was_refused_is_never_called_kept(state: State) -> None:
    (snapshot,) = world().snapshots
    sections = {name: Section(state, detail="no") for name in snapshot.sections}
    bare = Snapshot(account=snapshot.account, sections=sections)
    for one in asked(bare).values():
        assert one.kept is Kept.UNKNOWN, one.id
        assert one.missing, one.id
        assert not one.offenders
    credentials = msgspec.structs.replace(
        snapshot, sections={**snapshot.sections, "credentials": Section(state, detail="no")}, credentials={}
    )
    for name in ("mfa", "roles-not-users", "rotation"):
        assert asked(credentials)[name].missing
        assert asked(credentials)[name].kept is not Kept.YES


def test_no_account_is_nothing_that_can_be_told() -> None:
    assert {one.kept for one in practices((), NOW)} == {Kept.UNKNOWN}


def test_an_account_in_order_is_kept_and_facts_without_a_value_are_missing() -> None:
    (snapshot,) = world().snapshots
    rows = {}
    for arn, row in snapshot.credentials.items():
        keys = tuple(msgspec.structs.replace(key, active=known(False)) for key in row.keys)
        rows[arn] = msgspec.structs.replace(row, mfa=known(True), keys=keys, password_last_used=absent(State.NEVER))
    good = msgspec.structs.replace(snapshot, credentials=rows)
    found = asked(good)
    for name in ("mfa", "roles-not-users", "no-root"):
        assert (found[name].kept, found[name].missing) == (Kept.YES, ())
    assert found["rotation"].kept is Kept.UNKNOWN  # there is no key to look at
    first = next(arn for arn, row in rows.items() if row.password_enabled.is_known and row.password_enabled.value and not row.is_root)
    unsure = {**rows, first: msgspec.structs.replace(rows[first], mfa=absent(State.NO_INFORMATION))}
    told = asked(msgspec.structs.replace(snapshot, credentials=unsure))["mfa"]
    assert told.kept is Kept.UNKNOWN
    assert any("whether" in words for words in told.missing)


def test_reviews_and_monitoring_are_judged_by_what_they_say() -> None:
    fresh = Reviews(True, (("2026 Q1", NOW - timedelta(days=20)),))
    old = Reviews(True, (("2025 Q1", NOW - timedelta(days=400)),), ("2026 Q1",))
    assert asked(reviews=fresh)["reviews"].kept is Kept.YES
    assert "400 days" in asked(reviews=old)["reviews"].offenders[0].words
    assert asked(reviews=Reviews(True))["reviews"].kept is Kept.BROKEN
    assert asked(monitoring=[Monitoring("trail", True, "", "x")])["monitoring"].kept is Kept.YES
    partly = asked(monitoring=[Monitoring("a", True, "", "x"), Monitoring("b", True, "", "x"), Monitoring("c", False, "no alarm", "x")])
    assert partly["monitoring"].kept is Kept.PARTLY
    assert asked(monitoring=[Monitoring("trail", None, "denied", "x")])["monitoring"].kept is Kept.UNKNOWN


def test_a_young_account_is_not_called_unused() -> None:
    (snapshot,) = world().snapshots
    young = datetime(2026, 3, 1, tzinfo=UTC)
    users = tuple(msgspec.structs.replace(user, created=young) for user in snapshot.users)
    roles = tuple(msgspec.structs.replace(role, created=young) for role in snapshot.roles)
    found = asked(msgspec.structs.replace(snapshot, users=users, roles=roles))["unused"]
    assert not {one.subject for one in found.offenders} & {"role"}


def test_monitoring_is_told_by_what_logging_and_alarms_found() -> None:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    found = {one.id: one for one in session.load_practices()}
    watched = found["monitoring"]
    names = [one.name for one in watched.offenders]
    assert watched.kept is Kept.BROKEN
    assert names.index("CIS 4.2 a console login without MFA") < names.index("CIS 4.10 changes of security groups")
    assert "Config recorder eu-west-1" in names
    assert watched.of == watched.held + len(names)
    assert found["reviews"].kept is Kept.UNKNOWN


def test_reviews_are_told_by_the_ledger(tmp_path: Path) -> None:
    def asked_at(now: datetime, file: str = "l.db") -> Practice:
        session = Session(DemoSource(NOW), now=lambda: now)
        session.review_settings = ReviewSettings(tmp_path / file, "ana")
        session.open()
        return next(one for one in session.load_practices() if one.id == "reviews")

    assert asked_at(NOW).kept is Kept.UNKNOWN
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.review_settings = ReviewSettings(tmp_path / "l.db", "ana")
    session.open()
    entry = campaigns.start(session, "2026 Q3")
    running = asked_at(NOW)
    assert running.kept is Kept.BROKEN
    assert "2026 Q3 is open" in running.offenders[0].words
    campaigns.close(session, entry, "0" * 64, "done")
    assert asked_at(NOW).kept is Kept.YES
    assert "was closed 400 days ago" in asked_at(NOW + timedelta(days=400)).offenders[0].words
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    assert asked_at(NOW, "broken.db").kept is Kept.UNKNOWN


def test_a_control_is_heard_when_all_its_events_are() -> None:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_guards():
        pass
    ((_, covered),) = session.coverage()
    some = [one for one in covered if one.watched.controls == ("4.13",)]
    assert len(some) > 2

    def told(*verdicts: Verdict) -> tuple[bool | None, str]:
        events = [msgspec.structs.replace(one, verdict=verdict) for one, verdict in zip(some, verdicts, strict=False)]
        ((name, good, words),) = by_control(events)
        assert name == "CIS 4.13 changes of route tables"
        return good, words

    assert told(Verdict.HEARD, Verdict.HEARD) == (True, "heard")
    assert told(Verdict.HEARD, Verdict.PARTLY) == (False, f"1 of 2 not heard: {some[1].watched.event}")
    assert told(Verdict.PROGRAM, Verdict.HEARD)[0] is None
    assert told(Verdict.UNKNOWN, Verdict.SILENT)[0] is False
    assert not list(by_control([msgspec.structs.replace(some[0], verdict=Verdict.NO_EVENT)]))
