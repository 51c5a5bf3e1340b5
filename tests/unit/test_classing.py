"""How much an event matters: every operation has a class, and what a change of policy gives is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.classing import Class, class_of_name, classify, groups
from iamtui.model.account import Snapshot
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.finding import Severity
from iamtui.policy.catalogue import AccessLevel, catalogue
from iamtui.session import ListKind, Session
from iamtui.source.base import EventQuery
from iamtui.source.demo import DemoSource
from iamtui.ui.screens.explorer import PRESETS
from tests.support.demo import NOW

REFERENCE = Path(__file__).parents[2] / "../shared/data/reference/sensitive_events.json"
ADMIN = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANA = Actor(ActorKind.USER, "ana", "arn:aws:iam::123456789012:user/ana", "123456789012")


def event(name: str, request: object = None, *, actor: Actor = ANA, outcome: Outcome = Outcome.SUCCESS, **record: Any) -> Event:
    text = json.dumps({"requestParameters": request, **record})
    source = record.get("source", "iam.amazonaws.com")
    return Event("e", datetime(2026, 11, 1, tzinfo=UTC), name, source, "us-east-1", "123456789012", actor, outcome, False, text)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def put(*statements: dict[str, Any], outcome: Outcome = Outcome.SUCCESS) -> Class:
    return classify(event("PutUserPolicy", {"userName": "x", "policyDocument": document(*statements)}, outcome=outcome))


def test_every_iam_action_that_writes_has_a_class() -> None:
    service = catalogue().service("iam")
    assert service is not None
    writes = [a.name for a in service.actions if a.level in (AccessLevel.WRITE, AccessLevel.PERMISSIONS, AccessLevel.TAGGING)]
    assert len(writes) >= 113
    assert [name for name in writes if class_of_name("iam.amazonaws.com", name).severity is None] == []
    reads = [a.name for a in service.actions if a.level in (AccessLevel.READ, AccessLevel.LIST)]
    assert [name for name in reads if class_of_name("iam.amazonaws.com", name).severity is not None] == []


def test_permissions_management_anywhere_is_high() -> None:
    known = catalogue()
    for prefix in ("s3", "lambda", "kms", "ecr", "sns", "secretsmanager"):
        service = known.service(prefix)
        assert service is not None
        for action in service.actions:
            if action.level is AccessLevel.PERMISSIONS:
                found = class_of_name(f"{prefix}.amazonaws.com", action.name)
                assert found.severity in (Severity.HIGH, Severity.CRITICAL), action.name


def test_named_events_exist_and_are_named_once() -> None:
    from iamtui.policy.operations import actions_of

    names = [name for group in groups() for name in group.events]
    assert len(names) == len(set(names))
    unknown = [
        n for n in names if not any(catalogue().action(a) for a in actions_of(f"{n.partition(':')[0]}.amazonaws.com", n.partition(":")[2]))
    ]
    # Events of the console and of sharing, which are no operations, and what the catalogue calls otherwise.
    assert len(unknown) <= 10


@pytest.mark.skipif(not REFERENCE.exists(), reason="the development data (../shared/data) is not here")
def test_published_lists_are_covered() -> None:
    """Every event of the reference that writes has a class; those about persistence, escalation and evasion are at least medium."""
    entries = json.loads(REFERENCE.read_text())
    grave = {"TA0003 - Persistence", "TA0004 - Privilege Escalation", "TA0005 - Defense Evasion"}
    low = []
    for entry in entries:
        found = class_of_name(entry["eventSource"], entry["eventName"], None)
        if entry["eventSource"] == "iam.amazonaws.com" and grave & set(entry["mitreAttackTactics"]):
            rank = found.severity.rank if found.severity else 9
            if rank > 2 and entry["eventName"] not in ("ChangePassword",):
                low.append(entry["eventName"])
    assert low == []


def test_what_a_policy_gives_decides() -> None:
    harmless = put({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"})
    assert (harmless.severity, harmless.about) == (Severity.MEDIUM, "policies")
    assert put(ADMIN).severity is Severity.CRITICAL
    assert "administrator" in put(ADMIN).why[0]
    assert put({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}).severity is Severity.CRITICAL
    way = put({"Effect": "Allow", "Action": ["iam:CreateAccessKey"], "Resource": "*"})
    assert way.severity is Severity.HIGH
    assert "iam:CreateAccessKey" in way.why[0]
    assert put({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}).severity is Severity.HIGH
    assert put({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b"},
        {**ADMIN, "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
        {"Effect": "Allow", "Action": "*"},
    ],
)
def test_what_only_looks_like_an_administrators_policy(statement: dict[str, Any]) -> None:
    assert put(statement).severity is Severity.MEDIUM


def test_a_refused_call_counts_one_step_less_and_says_so() -> None:
    denied = put(ADMIN, outcome=Outcome.DENIED)
    assert denied.severity is Severity.HIGH
    assert denied.why[-1] == "the call was denied"


@pytest.mark.parametrize(
    ("arn", "severity"),
    [
        ("arn:aws:iam::aws:policy/AdministratorAccess", Severity.CRITICAL),
        ("arn:aws-us-gov:iam::aws:policy/IAMFullAccess", Severity.CRITICAL),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", Severity.MEDIUM),
        (
            "arn:aws:iam::123456789012:policy/AdministratorAccess",
            Severity.MEDIUM,
        ),  # a customer's policy of that name: its text is not known
    ],
)
def test_an_attached_policy_is_known_by_its_arn(arn: str, severity: Severity) -> None:
    assert classify(event("AttachRolePolicy", {"roleName": "r", "policyArn": arn})).severity is severity


def test_an_attached_customer_policy_is_read_from_the_account() -> None:
    from iamtui.model.policy import Policy, PolicyVersion

    arn = "arn:aws:iam::123456789012:policy/team"
    versions = (PolicyVersion("v2", True, None, document(ADMIN)), PolicyVersion("v1", False, None, document()))
    held = Policy(arn, "team", "ANPA1", "/", "123456789012", None, None, "v2", 1, 0, True, versions)
    snapshot = Snapshot(account="123456789012", policies=(held,))
    assert classify(event("AttachUserPolicy", {"policyArn": arn}), snapshot).severity is Severity.CRITICAL
    assert classify(event("SetDefaultPolicyVersion", {"policyArn": arn, "versionId": "v2"}), snapshot).severity is Severity.CRITICAL
    assert classify(event("SetDefaultPolicyVersion", {"policyArn": arn, "versionId": "v1"}), snapshot).severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("principal", "condition", "severity", "words"),
    [
        ("*", None, Severity.CRITICAL, "anybody"),
        ({"AWS": "*"}, None, Severity.CRITICAL, "anybody"),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, Severity.HIGH, "who may become"),
        ({"AWS": "arn:aws:iam::999999999999:root"}, None, Severity.HIGH, "account 999999999999"),
        ({"AWS": "999999999999"}, None, Severity.HIGH, "account 999999999999"),
        ({"Service": "ec2.amazonaws.com"}, None, Severity.HIGH, "who may become"),
    ],
)
def test_a_change_of_trust_says_who_may_now(principal: object, condition: object, severity: Severity, words: str) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **({"Condition": condition} if condition else {})}
    found = classify(event("UpdateAssumeRolePolicy", {"roleName": "r", "policyDocument": document(statement)}))
    assert found.severity is severity
    assert words in found.why[0]


def test_sign_ins_and_root() -> None:
    login = event("ConsoleLogin", source="signin.amazonaws.com", additionalEventData={"MFAUsed": "No"})
    assert classify(login).severity is Severity.HIGH
    with_mfa = event("ConsoleLogin", source="signin.amazonaws.com", additionalEventData={"MFAUsed": "Yes"})
    assert classify(with_mfa).severity is Severity.LOW
    role = Actor(ActorKind.ROLE, "AWSReservedSSO_x", "arn:aws:iam::1:role/x")
    federated = event("ConsoleLogin", source="signin.amazonaws.com", additionalEventData={"MFAUsed": "No"}, actor=role)
    assert classify(federated).severity is Severity.LOW  # its MFA is the identity provider's
    failed = event("ConsoleLogin", source="signin.amazonaws.com", outcome=Outcome.FAILED)
    assert (classify(failed).severity, classify(failed).about) == (Severity.MEDIUM, "sign-in")
    root = Actor(ActorKind.ROOT, "root", "arn:aws:iam::1:root")
    assert classify(event("ListUsers", actor=root)).about == "root"
    assert classify(event("ListUsers", actor=root, eventType="AwsServiceEvent")).severity is not Severity.HIGH


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
)
def test_any_record_has_a_class(source: str, name: str, request: object) -> None:
    for called in (name, "PutUserPolicy", "AttachUserPolicy", "UpdateAssumeRolePolicy", "AddUserToGroup"):
        assert isinstance(classify(event(called, {"policyDocument": request, "policyArn": request, "x": request})), Class)
        assert isinstance(classify(event(called, request)), Class)
    assert isinstance(class_of_name(source, name), Class)


def session() -> Session:
    made = Session(DemoSource(NOW), now=lambda: NOW)
    made.open()
    for _ in made.load_events(EventQuery()):
        pass
    return made


def test_the_demo_tells_admin_grants_apart() -> None:
    """S7: of all changes of policies, those that gave an administrator's rights."""
    found = session().select(ListKind.EVENTS, "about:policies class:critical")
    names = {found.row(n).item.name for n in range(len(found))}
    assert names == {"AttachUserPolicy", "PutRolePolicy"}
    everything = session().select(ListKind.EVENTS, "about:policies")
    assert len(everything) > 3 * len(found)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_find_something_in_the_demo(preset: str) -> None:
    found = session().select(ListKind.EVENTS, PRESETS[preset])
    assert found.error == ""
    assert 0 < len(found) < 400


def test_what_nobody_can_tell_is_not_what_only_reads() -> None:
    from iamtui.analysis.lists import columns
    from iamtui.model.fact import State

    (column,) = (column for column in columns("events") if column.id == "class")
    unknown = msgspec.structs.replace(event("Frobnicate"), source="nowhere.amazonaws.com", read_only=None)
    assert column.fact(unknown, None).state is State.NO_INFORMATION
    reads = msgspec.structs.replace(unknown, read_only=True)
    assert (column.fact(reads, None).state, column.fact(reads, None).value) == (State.KNOWN, "")
    assert column.fact(msgspec.structs.replace(unknown, read_only=False), None).value == "low"
    assert column.fact(msgspec.structs.replace(event("ListUsers"), read_only=None), None).value == ""
