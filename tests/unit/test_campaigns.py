"""Campaigns on the demo account: frozen, decided by several, carried over, closed; marks that survive, reopen, and are merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iamtui.errors import IamtuiError, NotFoundError, UsageError
from iamtui.model.document import Document, Kind
from iamtui.model.fact import State
from iamtui.model.review import Campaign, Decision
from iamtui.session import ListKind, Row, Session, campaigns
from iamtui.session.reviewing import ReviewSettings, end_of, rows_named
from iamtui.source.demo import DemoSource
from iamtui.store.ledger import LedgerError

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=92)
KEEP, REMOVE, REDUCE, EXCEPTION = Decision.KEEP, Decision.REMOVE, Decision.REDUCE, Decision.EXCEPTION


class Edited:
    """The demo account with its authorization details changed by a function on their JSON."""

    def __init__(self, edit: Callable[[Any], Any] | None = None) -> None:
        self._demo, self._edit = DemoSource(now=NOW), edit
        self.info = self._demo.info

    def account(self, cancelled: Any = None) -> Iterator[Any]:
        for item in self._demo.account():
            if self._edit is not None and isinstance(item, Document) and item.kind is Kind.AUTHORIZATION:
                told = msgspec.json.decode(item.body)
                self._edit(told)
                item = msgspec.structs.replace(item, body=msgspec.json.encode(told))
            yield item

    def __getattr__(self, name: str) -> Any:
        return getattr(self._demo, name)


def opened(path: Path | None = None, who: str = "ana", edit: Callable[[Any], Any] | None = None, now: datetime = NOW) -> Session:
    session = Session(Edited(edit), now=lambda: now)  # type: ignore[arg-type]
    session.review_settings = ReviewSettings(path, who)
    session.open()
    session.load_marks()
    return session


def rows(session: Session, *names: str) -> list[Row]:
    return rows_named(session, names)


def shown(session: Session, text: str, kind: ListKind = ListKind.USERS) -> list[str]:
    return [row.item.name for row in session.select(kind, text).rows]  # type: ignore[union-attr]


def user(told: Any, name: str) -> Any:
    return next(one for one in told["UserDetailList"] if one["UserName"] == name)


# -- marks ------------------------------------------------------------------------------------------------------------


def test_a_mark_survives_a_restart_and_shows_in_list_filter_and_sort(tmp_path: Path) -> None:
    first = opened(tmp_path / "l.db")
    assert next(c for c in first.listing(ListKind.USERS).columns if c.id == "mark").detail_only
    first.decide(rows(first, "d.kowalski", "ci-runner"), REMOVE, reason="left", ticket="SEC-1")
    assert shown(first, "mark:remove") == ["ci-runner", "d.kowalski"]
    again = opened(tmp_path / "l.db", who="ben")
    assert not next(c for c in again.listing(ListKind.USERS).columns if c.id == "mark").detail_only
    assert shown(again, "mark:remove") == ["ci-runner", "d.kowalski"]
    assert "ci-runner" not in shown(again, "mark:none")
    held = again.standing(rows(again, "d.kowalski")[0])
    assert held is not None
    assert (held.mark.reviewer, held.mark.reason, held.mark.ticket, held.changes) == ("ana", "left", "SEC-1", ())
    assert {clue.name for clue in again.evidence_then(held.id)} >= {"mfa", "groups", "use", "last seen", "tags"}


def test_nothing_is_made_before_somebody_decides(tmp_path: Path) -> None:
    session = opened(tmp_path / "data/l.db")
    assert session.load_marks().state is State.KNOWN
    assert not session.has_ledger
    assert list(tmp_path.iterdir()) == []
    assert shown(session, "mark:remove") == []


def test_every_list_can_be_decided_about(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    session.load_findings()
    for kind in (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS, ListKind.POLICIES, ListKind.FINDINGS):
        every = session.listing(kind).rows
        assert session.decide([every[1], every[2]], KEEP).count == 2
        assert len(session.select(kind, "mark:keep").rows) == 2
    again = opened(tmp_path / "l.db")
    again.load_findings()
    held = again.load_marks()
    assert len(held.marks) == 10
    assert not any(one.changes or one.gone for one in held.marks.values())
    assert len(again.select(ListKind.FINDINGS, "mark:keep").rows) == 2


def test_a_name_made_again_does_not_inherit(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    session.decide(rows(session, "d.kowalski"), KEEP, reason="a good person")
    other = opened(tmp_path / "l.db", edit=lambda told: user(told, "d.kowalski").update(UserId="AIDAEXAMPLEANOTHERONE"))
    assert shown(other, "mark:keep") == []
    (held,) = other.load_marks().marks.values()
    assert held.gone


def test_evidence_that_changed_opens_a_mark_again_and_says_what(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    session.decide(rows(session, "grafana-reader", "jenkins"), KEEP, reason="fine")

    def edit(told: Any) -> None:
        admin = {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
        user(told, "grafana-reader")["AttachedManagedPolicies"].append(admin)

    later = opened(tmp_path / "l.db", edit=edit)
    assert shown(later, "mark:reopened") == ["grafana-reader"]
    held = later.standing(rows(later, "grafana-reader")[0])
    assert held is not None
    assert [(c.name, c.was, c.now) for c in held.changes] == [("policy AdministratorAccess (attached)", "", "AWS's own")]
    assert later.reminders() == ("1 reopened: /mark:reopened",)
    later.decide(rows(later, "grafana-reader"), REMOVE)
    assert shown(later, "mark:reopened") == []


def test_undo_takes_back_all_that_was_decided_at_once_and_the_one_before_stands_again(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    session.decide(rows(session, "jenkins"), KEEP)
    session.decide(rows(session, "jenkins", "d.kowalski", "ci-runner", "deploy-bot"), REMOVE)
    assert session.undo() == "remove on 4 (jenkins, d.kowalski, ci-runner …)"
    assert shown(session, "mark:keep") == ["jenkins"]
    assert shown(session, "mark:remove") == []
    assert session.undo() == "keep on jenkins"
    with pytest.raises(NotFoundError, match="no decision of ana"):
        session.undo()


def test_nobody_takes_back_what_another_decided(tmp_path: Path) -> None:
    first = opened(tmp_path / "l.db", "ana")
    first.decide(rows(first, "jenkins"), KEEP)
    with pytest.raises(NotFoundError):
        opened(tmp_path / "l.db", "ben").undo()


@pytest.mark.parametrize(
    ("decision", "more", "words"),
    [
        (EXCEPTION, {}, "needs a reason and an end"),
        (EXCEPTION, {"reason": "why"}, "needs a reason and an end"),
        (EXCEPTION, {"expires": NOW + timedelta(days=3)}, "needs a reason and an end"),
        (KEEP, {"expires": NOW - timedelta(days=3)}, "in the past"),
    ],
)
def test_an_exception_has_a_reason_and_an_end(decision: Decision, more: dict[str, Any], words: str) -> None:
    session = opened()
    with pytest.raises(UsageError, match=words):
        session.decide(rows(session, "jenkins"), decision, **more)
    assert not session.has_marks


def test_an_expired_exception_is_a_quiet_reminder(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    session.decide(rows(session, "break-glass-1"), EXCEPTION, reason="emergency", expires=NOW + timedelta(days=30))
    assert session.reminders() == ()
    later = opened(tmp_path / "l.db", now=NOW + timedelta(days=31))
    assert "1 exception has expired: /mark:expired" in later.reminders()
    assert shown(later, "mark:expired") == ["break-glass-1"]


def test_events_and_people_without_an_id_are_refused_by_name() -> None:
    session = opened()
    for _ in session.load_events():
        pass
    event = session.listing(ListKind.EVENTS).rows[0]
    done = session.decide([event, *rows(session, "jenkins")], KEEP)
    assert done.count == 1
    assert "is an event" in done.refused[0]


def test_a_ledger_that_cannot_be_read_is_a_state_and_a_problem(tmp_path: Path) -> None:
    (tmp_path / "l.db").write_text("this is no database, whatever it is called " * 30)
    session = opened(tmp_path / "l.db")
    fact = (
        session.listing(ListKind.USERS)
        .columns[1]
        .fact(session.listing(ListKind.USERS).rows[0].item, session.listing(ListKind.USERS).rows[0].snapshot)
    )
    assert fact.state is State.FAILED
    assert "l.db" in session.problems()[-1].what
    with pytest.raises(LedgerError):
        session.decide(rows(session, "jenkins"), KEEP)


def test_owners_come_from_tags_or_are_set_here(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    assert "ci-runner" in shown(session, "owner:d.kowalski")
    assert session.set_owner(rows(session, "ci-runner"), "k.meyer") == 1
    assert "ci-runner" in shown(session, "owner:k.meyer")
    again = opened(tmp_path / "l.db")
    assert "ci-runner" in shown(again, "owner:k.meyer")
    again.set_owner(rows(again, "ci-runner"), "")
    assert "ci-runner" in shown(again, "owner:d.kowalski")
    again.review_settings = ReviewSettings(None, "ana", ("kind",))
    again._desk = None
    again.load_marks()
    assert "ci-runner" in shown(again, "owner:machine")


# -- two reviewers -----------------------------------------------------------------------------------------------------


def test_two_instances_on_one_file_end_with_both_decisions_and_a_named_conflict(tmp_path: Path) -> None:
    ana, ben = opened(tmp_path / "l.db", "ana"), opened(tmp_path / "l.db", "ben")
    ana.decide(rows(ana, "jenkins", "ci-runner"), KEEP)
    ben.decide(rows(ben, "jenkins", "deploy-bot"), REMOVE)
    for session in (ana, ben, opened(tmp_path / "l.db", "eve")):
        session.load_marks()
        assert shown(session, "mark:conflict") == ["jenkins"]
        assert shown(session, "mark:keep mark:remove") == ["jenkins"]
    ana.decide(rows(ana, "jenkins"), REDUCE)
    ben.load_marks()
    assert shown(ben, "mark:conflict") == []
    assert shown(ben, "mark:reduce") == ["jenkins"]


def test_what_somebody_has_not_seen_is_not_overruled_in_silence(tmp_path: Path) -> None:
    """Another instance's row that came in with one's own write was not on the screen."""
    ana, ben = opened(tmp_path / "l.db", "ana"), opened(tmp_path / "l.db", "ben")
    ana.decide(rows(ana, "jenkins"), KEEP)
    ben.decide(rows(ben, "jenkins"), REMOVE)
    held = ben.standing(rows(ben, "jenkins")[0])
    assert held is not None
    assert held.conflict  # said at once, not at the next start


@pytest.mark.parametrize("form", ["file", "text"])
def test_two_machines_merge_to_the_same(tmp_path: Path, form: str) -> None:
    ana, ben = opened(tmp_path / "a.db", "ana"), opened(tmp_path / "b.db", "ben")
    ana.decide(rows(ana, "jenkins", "ci-runner"), KEEP)
    ben.decide(rows(ben, "jenkins"), REMOVE)
    ben.decide(rows(ben, "deploy-bot"), REDUCE)
    other = {"a": tmp_path / "a.db", "b": tmp_path / "b.db"}
    if form == "text":
        for name, session in (("a", ana), ("b", ben)):
            other[name] = tmp_path / f"{name}.jsonl"
            other[name].write_text("".join(session.export_ledger()))
    assert ana.merge_ledger(other["b"]) == (2, 0, ())
    ben.merge_ledger(other["a"])
    for session in (ana, ben):
        session.load_marks()
        assert shown(session, "mark:conflict") == ["jenkins"]
        assert shown(session, "mark:reduce") == ["deploy-bot"]
    assert ana.merge_ledger(other["b"])[0] == 0


# -- campaigns ---------------------------------------------------------------------------------------------------------


def started(session: Session, name: str = "Q4", *scope: str, **more: Any) -> Any:
    return campaigns.start(session, name, campaigns.scope_of(scope), **more)


def test_a_campaign_freezes_its_scope_in_order_and_spares_what_is_new(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    entry = started(session, "2026 Q4", "users", "roles test-")
    found = campaigns.queue(session, entry)
    names = [state.item.subject.name for state in found.states]
    assert names[0] == "d.kowalski"
    assert "test-migration" in names[:8]
    assert "<root_account>" not in names
    scores = [state.item.score for state in found.states]
    assert scores == sorted(scores, reverse=True)
    assert {pane: total for pane, _, total in found.progress.panes} == {"users": 38, "roles": 2}
    assert any("svc-monitoring" in words for words in found.spared)
    everything = campaigns.propose(session, (("users", ""),), min_age=0)
    assert everything.spared == ()
    assert len(everything.items) == 40


def test_people_on_the_list_of_leavers_come_first() -> None:
    session = opened()
    matches, missed, _ = campaigns.leavers(session, "user\ni.santos\nnobody\n")
    assert len(missed) == 1
    found = campaigns.propose(session, (("users", ""),), left=[one.identity.name for one in matches])
    assert "i.santos" in [one.subject.name for one in found.items[:8]]
    assert "on the list of leavers" in next(one for one in found.items if one.subject.name == "i.santos").weight.signs


def test_a_campaign_stays_as_it_was_frozen(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    entry = started(session, "Q4", "users kowalski")

    def edit(told: Any) -> None:
        told["UserDetailList"] = [one for one in told["UserDetailList"] if one["UserName"] != "d.kowalski"]

    later = opened(tmp_path / "l.db", edit=edit)
    found = campaigns.queue(later, campaigns.campaign_named(later, "q4"))
    (state,) = found.states
    assert state.entry.campaign == entry.id
    view = campaigns.item_view(later, state)
    assert view.row is None
    assert {clue.name for clue in later.evidence_then(state.entry.id)} >= {"mfa", "groups"}
    with pytest.raises(NotFoundError, match=r"d\.kowalski"):
        campaigns.decide_items(later, found, [state], KEEP)


def test_one_item_has_what_a_reviewer_needs(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    for _ in session.load_events():
        pass
    found = campaigns.queue(session, started(session, "Q4", "roles test-migration", "users kowalski"))
    by_name = {state.item.subject.name: campaigns.item_view(session, state) for state in found.states}
    role, person = by_name["test-migration"], by_name["d.kowalski"]
    assert role.admin
    assert role.owner.value == "d.kowalski"
    assert role.seen.is_known
    assert {part.label for part in role.parts} == {"AdministratorAccess", "migration-everything"}
    assert "its owner d.kowalski left" in role.state.item.signs
    assert "tagged as left" in person.state.item.signs
    assert [part.subject.noun for part in person.parts].count("access key") == 1
    assert any(part.how == "through group ops" for part in person.parts)
    part = person.parts[0]
    session.decide_about([(part.subject, part.evidence)], REMOVE, campaign=found.campaign.id if found.campaign else "")
    again = campaigns.item_view(session, found.states[0])
    assert next(p for p in again.parts if p.subject.key == part.subject.key).standing is not None


def test_a_grant_given_lately_is_told_as_new() -> None:
    session = opened(now=NOW)
    for _ in session.load_events():
        pass
    found = campaigns.queue(session, None)
    views = [campaigns.item_view(session, s) for s in found.states if s.item.subject.name in ("t.dubois", "ci-runner")]
    parts = {part.label: part for view in views for part in view.parts if part.label == "AdministratorAccess"}
    assert parts["AdministratorAccess"].given.startswith("AttachUserPolicy 2026-")


def test_decisions_are_carried_over_and_what_changed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    session = opened(path)
    first = started(session, "Q3", "users")
    queue = campaigns.queue(session, first)
    by_name = {state.item.subject.name: state for state in queue.states}
    campaigns.decide_items(session, queue, [by_name["jenkins"], by_name["grafana-reader"]], KEEP, reason="runs the pipelines")
    campaigns.decide_items(session, queue, [by_name["break-glass-1"]], EXCEPTION, reason="emergency", expires=NOW + timedelta(minutes=1))
    campaigns.close(session, first, "0" * 64)

    def edit(told: Any) -> None:
        user(told, "grafana-reader")["GroupList"].append("admins")

    later = opened(path, "ben", edit, NOW + timedelta(minutes=5))
    entry = started(later, "Q4", "users")
    found = campaigns.queue(later, entry)
    alike, changed = campaigns.carried(found.states, later.now())
    assert [s.item.subject.name for s in alike] == ["jenkins"]
    assert sorted(s.item.subject.name for s in changed) == ["break-glass-1", "grafana-reader"]
    since = campaigns.item_view(later, next(s for s in changed if s.item.subject.name == "grafana-reader")).since
    assert {"groups", "policy AdministratorAccess (group attached admins)"} <= {change.name for change in since}
    assert campaigns.confirm(later, found, found.states) == 1
    again = campaigns.queue(later, entry)
    assert (again.progress.decided, dict(again.progress.reviewers)) == (1, {"ben": 1})
    (held,) = [s.decided for s in again.states if s.decided is not None]
    assert (held.mark.decision, held.mark.reason, held.mark.campaign) == (KEEP, "runs the pipelines", entry.id)


def test_a_mark_made_in_a_list_counts_for_the_campaign(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    entry = started(session, "Q4", "users")
    session.decide(rows(session, "jenkins"), KEEP)
    assert campaigns.queue(session, entry).progress.decided == 1


def test_a_closed_campaign_takes_no_more_decisions(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    entry = started(session, "Q4", "users")
    campaigns.close(session, entry, "0" * 64, "done")
    found = campaigns.queue(session, entry)
    with pytest.raises(UsageError, match="was closed"):
        campaigns.decide_items(session, found, found.states[:1], KEEP)
    with pytest.raises(UsageError, match="was closed 2026-10-01 by ana"):
        campaigns.close(session, entry, "")
    later = opened(tmp_path / "l.db", now=LATER)
    later.decide(rows(later, "jenkins"), REMOVE)
    assert campaigns.queue(later, entry).progress.decided == 0
    assert campaigns.open_campaigns(later) == ()


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda s: started(s, " "), "wants a name"),
        (lambda s: (started(s, "Q4", "users"), started(s, "q4")), "is open already"),
        (lambda s: started(s, "Q4", "cats"), "no list that can be reviewed"),
        (lambda s: started(s, "Q4", "users colour:red"), "no column colour"),
        (lambda s: campaigns.campaign_named(s, ""), "No campaign is open"),
        (lambda s: campaigns.campaign_named(s, "Q9"), "no campaign Q9"),
        (lambda s: (started(s, "a", "users"), started(s, "b", "roles test"), campaigns.campaign_named(s, "")), "2 campaigns are open"),
        (lambda s: rows_named(s, ["nobody"]), "nobody is no user"),
        (lambda s: rows_named(s, ["kowal"]), "kowal is no user"),
        (lambda s: end_of("soon", NOW), "soon is no end"),
    ],
)
def test_what_is_wrong_is_a_sentence(do: Any, words: str) -> None:
    with pytest.raises(IamtuiError, match=words):
        do(opened())


def test_ends_are_lengths_or_days() -> None:
    assert end_of("", NOW) is None
    assert end_of("90d", NOW) == NOW + timedelta(days=90)
    assert end_of("2027-01-31", NOW) == datetime(2027, 2, 1, tzinfo=UTC)
    with pytest.raises(UsageError):
        end_of("999999999y", NOW)


def test_a_gap_is_frozen_with_the_campaign(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    section = session.world.snapshots[0].sections["users"]
    partial = msgspec.structs.replace(
        session.world.snapshots[0],
        sections={**session.world.snapshots[0].sections, "users": msgspec.structs.replace(section, complete=False)},
    )
    session._book.world = msgspec.structs.replace(session.world, snapshots=(partial,))
    entry = started(session, "Q4", "users")
    assert isinstance(entry.body, Campaign)
    assert any("not all pages were read" in words for words in entry.body.gaps)


def test_several_accounts_keep_their_marks_apart(tmp_path: Path) -> None:
    session = opened(tmp_path / "l.db")
    session.decide(rows(session, "jenkins"), KEEP)

    class Other(Edited):
        def account(self, cancelled: Any = None) -> Iterator[Any]:
            for item in super().account():
                if isinstance(item, Document):
                    yield msgspec.structs.replace(item, body=item.body.replace(b"123456789012", b"210987654321"), account="210987654321")

    other = Session(Other(), now=lambda: NOW)  # type: ignore[arg-type]
    other.review_settings = ReviewSettings(tmp_path / "l.db", "ana")
    other.open()
    assert other.load_marks().marks == {}
    assert not other.has_marks
