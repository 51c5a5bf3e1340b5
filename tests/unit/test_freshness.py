"""What is old is said to be, and a start reads again what is old, missing or was refused, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from iamtui.model.account import CREDENTIALS, GROUPS, POLICIES, ROLES, USERS, Section, Snapshot
from iamtui.model.document import Gap, Kind
from iamtui.model.fact import State
from iamtui.model.freshness import FRESH_FOR, is_stale, stale_sections
from iamtui.session import ListKind, Session
from iamtui.source.base import SourceInfo
from iamtui.store.cache import Cache
from iamtui.ui.render.chrome import header
from iamtui.ui.screens.provenance import list_lines

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def snapshot(age: timedelta, report_age: timedelta | None = None) -> Snapshot:
    sections = {name: Section(State.KNOWN, NOW - age, complete=True) for name in (USERS, ROLES, GROUPS, POLICIES)}
    sections[CREDENTIALS] = Section(State.KNOWN, NOW - (report_age or age), complete=True)
    return Snapshot("123456789012", sections=sections)


def opened(tmp_path: Path, kept: Snapshot) -> Session:
    cache = Cache(tmp_path / "cache")
    cache.put_snapshot(kept.account, kept)
    session = Session(None, cache, offline=True, now=lambda: NOW, connection=SourceInfo(kind="live"))
    session.open()
    return session


def test_every_kind_has_its_own_life() -> None:
    assert not is_stale(Kind.AUTHORIZATION, NOW - FRESH_FOR[Kind.AUTHORIZATION], NOW)
    assert is_stale(Kind.AUTHORIZATION, NOW - FRESH_FOR[Kind.AUTHORIZATION] - timedelta(seconds=1), NOW)
    assert stale_sections(snapshot(2 * HOUR), NOW) == (USERS, ROLES, GROUPS, POLICIES)
    assert stale_sections(snapshot(HOUR / 2, 5 * HOUR), NOW) == (CREDENTIALS,)


def test_events_never_get_stale() -> None:
    assert not is_stale(Kind.EVENTS, NOW - 1000 * HOUR, NOW)


@pytest.mark.parametrize(("age", "word"), [(HOUR / 4, False), (30 * HOUR, True)])
def test_the_header_says_stale_with_the_age(tmp_path: Path, age: timedelta, word: bool) -> None:
    session = opened(tmp_path, snapshot(age))
    told = header(session, 120, NOW).plain
    assert ("30 h, stale" in told) is word
    assert "as of" in told
    lines = "\n".join("".join(text for text, _ in line) for line in list_lines(session, ListKind.USERS))
    assert ("stale" in lines) is word


def test_a_start_reads_what_is_old_missing_or_was_refused(tmp_path: Path) -> None:
    fresh = snapshot(HOUR / 4)
    gap = Gap(Kind.CREDENTIAL_REPORT, State.DENIED, "not allowed", "iam:GetCredentialReport", fresh.account)
    partial = {**fresh.sections, ROLES: Section(State.KNOWN, NOW, complete=False)}
    for number, (kept, wanted) in enumerate(
        (
            (fresh, False),
            (snapshot(2 * HOUR), True),
            (msgspec.structs.replace(fresh, gaps=(gap,)), True),
            (msgspec.structs.replace(fresh, sections=partial), True),
        )
    ):
        assert opened(tmp_path / str(number), kept).wants_reading() is wanted, number


def test_evidence_and_the_demo_have_no_life() -> None:
    from iamtui.source.demo import DemoSource

    session = Session(DemoSource(now=NOW), now=lambda: NOW + 1000 * HOUR)
    session.open()
    assert session.stale() == ()
