"""Real files of other people, opened as evidence: exact counts and particular values."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui.model.account import ROLES, World
from iamtui.model.document import Document, Gap, Kind
from iamtui.model.event import ActorKind, Event, Outcome, Window, WindowState
from iamtui.model.fact import State
from iamtui.source.base import EventQuery
from iamtui.source.decode import Assembler, decode_events
from iamtui.source.evidence import EvidenceSource

DATA = Path(__file__).parents[2] / "../shared/data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the development data (../shared/data) is not here")


def opened(*parts: str) -> World:
    assembler = Assembler()
    for item in EvidenceSource([str(DATA / part) for part in parts]).account():
        if isinstance(item, Document | Gap):
            assembler.add(item)
    return assembler.world()


def read_events(*parts: str, query: EventQuery | None = None) -> tuple[list[Event], list[str], Window]:
    events: list[Event] = []
    skipped: list[str] = []
    window = None
    for item in EvidenceSource([str(DATA / part) for part in parts]).events(query or EventQuery()):
        if isinstance(item, Document):
            batch = decode_events(item)
            events.extend(batch.events)
            skipped.extend(batch.skipped)
        elif isinstance(item, Window):
            window = item
    assert window is not None
    return events, skipped, window


@pytest.mark.parametrize(
    ("name", "account", "users", "roles", "groups", "policies", "gaps"),
    [
        ("boundaries", "unknown", 3, 2, 1, 4, 0),
        ("example-authz-details", "012345678901", 3, 3, 2, 32, 0),
        ("example_authz_details_for_overrides", "012345678901", 0, 0, 0, 1, 0),
        ("example_authz_v2", "012345678901", 1, 2, 1, 2, 0),
        ("managed_policy_mismatch", "123456789012", 0, 0, 1, 1, 1),
        ("truncated-page", "123456789012", 3, 1, 3, 3, 1),
        ("trust-star", "123456789012", 2, 4, 1, 2, 0),
    ],
)
def test_every_inventory(name: str, account: str, users: int, roles: int, groups: int, policies: int, gaps: int) -> None:
    world = opened(f"iam/gaad/{name}.json")
    assert [s.account for s in world.snapshots] == [account]
    found = world.snapshots[0]
    assert (len(found.users), len(found.roles), len(found.groups), len(found.policies)) == (users, roles, groups, policies)
    assert len(found.gaps) == gaps
    assert world.gaps == ()


def test_a_truncated_answer_is_partial_and_says_so() -> None:
    found = opened("iam/gaad/truncated-page.json").snapshots[0]
    assert found.section(ROLES).state is State.KNOWN
    assert not any(section.complete for section in found.sections.values())
    assert "IsTruncated" in found.gaps[0].reason
    assert found.gaps[0].hint.startswith("save it whole: aws iam get-account-authorization-details")


def test_a_list_that_is_not_in_the_answer_is_not_an_empty_list() -> None:
    found = opened("iam/gaad/managed_policy_mismatch.json").snapshots[0]
    assert found.section(ROLES).state is State.NOT_LOADED
    assert found.section("groups").complete
    assert "RoleDetailList" in found.gaps[0].reason


def test_a_partial_answer_stays_partial_beside_a_whole_one() -> None:
    found = opened("iam/gaad/trust-star.json", "iam/gaad/truncated-page.json").snapshots[0]
    assert not found.section(ROLES).complete
    found = opened("iam/gaad/truncated-page.json", "iam/gaad/trust-star.json").snapshots[0]
    assert not found.section(ROLES).complete


def test_everything_of_iam_opens_together_and_accounts_stay_apart() -> None:
    world = opened("iam")
    assert world.gaps == ()
    assert sorted(s.account for s in world.snapshots) == [
        "012345678901",
        "111111111111",
        "123456789012",
        "391638756970",
        "619193117841",
        "644160558196",
        "unknown",
    ]
    kinds = Counter(note.kind for note in world.notes)
    assert kinds == {
        Kind.AUTHORIZATION: 18,
        Kind.CREDENTIAL_REPORT: 11,
        Kind.LAST_ACCESSED: 2,
        Kind.LAST_ACCESSED_ENTITIES: 1,
        Kind.ANALYZER_FINDINGS: 7,
        Kind.CONFIG_ITEMS: 4,
        Kind.RESOURCE_POLICIES: 5,
        Kind.ORGANIZATION: 3,
        Kind.SIMULATION: 4,
        Kind.OTHER: 1,
    }
    [stranger] = [note for note in world.notes if not note.accepted]
    assert stranger.reason == "a JSON list of 22 objects with keys question, files, input, expected"


def test_every_file_alone_is_what_its_folder_says() -> None:
    wanted = {
        "access_analyzer": Kind.ANALYZER_FINDINGS,
        "config": Kind.CONFIG_ITEMS,
        "credential_reports": Kind.CREDENTIAL_REPORT,
        "gaad": Kind.AUTHORIZATION,
    }
    for folder, kind in wanted.items():
        for path in sorted((DATA / "iam" / folder).iterdir()):
            items = list(EvidenceSource([str(path)]).account())
            assert [i.kind for i in items if isinstance(i, Document)] == [kind], path


def test_upper_case_booleans_and_no_information() -> None:
    report = opened("iam/credential_reports/c7n-test_iam_user_unused_keys-2.csv").snapshots[0].credentials
    assert len(report) == 8
    root = report["arn:aws:iam::619193117841:root"]
    assert root.is_root
    assert root.password_enabled.state is State.NOT_APPLICABLE
    assert root.password_last_used.value == datetime(2016, 11, 25, 14, 19, 48, tzinfo=UTC)
    kaleb = report["arn:aws:iam::619193117841:user/kaleb"]
    assert kaleb.password_last_used.state is State.NO_INFORMATION
    assert kaleb.keys[0].last_used.state is State.NEVER
    assert kaleb.keys[1].last_used.state is State.NOT_APPLICABLE
    loud = opened("iam/credential_reports/fixinventory.csv").snapshots[0].credentials
    assert {fact.mfa.state for fact in loud.values()} <= {State.KNOWN, State.NOT_APPLICABLE}


def test_reference_files_are_told_from_evidence() -> None:
    world = opened("reference")
    assert world.snapshots == ()
    assert "nothing of an account in it: 3 files" in world.gaps[0].reason
    assert any("381 objects with keys eventName, eventSource" in note.reason for note in world.notes)


@pytest.mark.parametrize(
    ("folder", "count", "names", "errors", "outcomes"),
    [
        ("invictus", 2900, 260, 32, (2600, 240, 60)),
        ("stratus", 310, 54, 3, (258, 1, 51)),
        ("flaws-slice", 185, 147, 7, (93, 8, 84)),
    ],
)
def test_cloudtrail_folders(folder: str, count: int, names: int, errors: int, outcomes: tuple[int, int, int]) -> None:
    events, skipped, window = read_events(f"cloudtrail/{folder}")
    assert skipped == []
    assert (len(events), len({e.name for e in events}), len({e.error_code for e in events} - {""})) == (count, names, errors)
    told = Counter(e.outcome for e in events)
    assert (told[Outcome.SUCCESS], told[Outcome.FAILED], told[Outcome.DENIED]) == outcomes
    assert window.events == count
    assert window.state is WindowState.COVERED
    assert window.reason.startswith("what ")
    assert window.since == min(e.time for e in events if e.time)
    assert window.until == max(e.time for e in events if e.time)


def test_the_whole_trail_with_every_shape() -> None:
    events, skipped, window = read_events("cloudtrail")
    assert skipped == []
    assert len(events) == window.events == 3440
    assert {e.actor.kind for e in events} >= {
        ActorKind.USER,
        ActorKind.ROLE,
        ActorKind.ROOT,
        ActorKind.SERVICE,
        ActorKind.ACCOUNT,
        ActorKind.FEDERATED,
        ActorKind.UNKNOWN,
    }
    assert all(e.actor.concluded for e in events)
    assert sum(e.time is None for e in events) == 1


def test_latest_files_come_first() -> None:
    source = EvidenceSource([str(DATA / "cloudtrail/flaws-slice")])
    firsts = [
        max(times)
        for d in source.events(EventQuery())
        if isinstance(d, Document) and (times := [e.time for e in decode_events(d).events if e.time])
    ]
    assert firsts == sorted(firsts, reverse=True)


def test_an_asked_time_leaves_files_out_but_no_event_in_it() -> None:
    since = datetime(2023, 7, 10, 12, 30, tzinfo=UTC)
    everything, _, _ = read_events("cloudtrail")
    some, _, _ = read_events("cloudtrail", query=EventQuery(since=since))
    assert len(some) < len(everything)
    wanted = Counter(e.event_id for e in everything if e.time is None or e.time >= since)
    assert wanted <= Counter(e.event_id for e in some)


def test_asking_for_an_actor_loses_none_of_its_events() -> None:
    everything, _, _ = read_events("cloudtrail/invictus")
    some, _, _ = read_events("cloudtrail/invictus", query=EventQuery(actor_name="benjamin"))
    assert {e.event_id for e in everything if e.actor.name == "benjamin"} <= {e.event_id for e in some}


def test_particular_events() -> None:
    events, _, _ = read_events("cloudtrail/shapes")
    by = {(e.name, e.actor.name): e for e in events}
    person = by["EnableSerialConsoleAccess", next(n for e, n in by if e == "EnableSerialConsoleAccess")].actor
    assert person.kind is ActorKind.ROLE
    assert person.name.startswith("AWSReservedSSO_")
    assert person.session_name == "randomca0L529zwNAY@gmail.com"
    federated = next(e.actor for e in events if e.name == "GetCallerIdentity")
    assert (federated.kind, federated.name, federated.session_name) == (
        ActorKind.USER,
        "stratus-red-team-user-federation-user",
        "stratus_red_team",
    )
    agreement = next(e.actor for e in events if e.name == "AcceptAgreementRequest")
    assert agreement.kind is ActorKind.ROLE
    assert "no session issuer" in agreement.concluded
    mail = next(e for e in events if e.name == "SendEmail")
    assert (mail.actor.kind, mail.outcome) == (ActorKind.UNKNOWN, Outcome.UNKNOWN)


def test_sessions_handed_out_are_named_and_their_tokens_are_not_kept() -> None:
    events, _, _ = read_events("cloudtrail")
    handed = [e for e in events if e.session_key_id]
    assert len(handed) == 47
    assert sum(e.session_key_id.startswith("ASIA") for e in handed) == 46, "one is masked in the data"
    assert not any("IQoJ" in e.record for e in events)


def test_last_accessed_finds_the_one_identity_its_entries_name() -> None:
    source = EvidenceSource([str(DATA / "iam/access_advisor")])
    [found] = source.last_accessed("arn:aws:iam::644160558196:user/kapil")
    assert isinstance(found, Document)
    [gap] = source.last_accessed("arn:aws:iam::644160558196:user/someone; rm -rf /")
    assert isinstance(gap, Gap)
    assert gap.state is State.NOT_LOADED
    assert "'arn:aws:iam::644160558196:user/someone; rm -rf /'" in gap.hint, "a hint is quoted for the shell"
    assert "1 saved answer" in gap.reason
