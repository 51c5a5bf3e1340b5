"""Points in time of small accounts, and bundles of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from iamtui.analysis.snapshots.comparing import compare_snapshots
from iamtui.analysis.snapshots.difference import Comparison, Difference
from iamtui.model.account import (
    ACCESS_KEYS,
    ALIASES,
    CREDENTIALS,
    GROUPS,
    PASSWORD_POLICY,
    POLICIES,
    ROLES,
    USERS,
    Section,
    Snapshot,
)
from iamtui.model.credentials import AccessKey, Credentials, KeySlot
from iamtui.model.document import Document, Kind
from iamtui.model.fact import Fact, State, absent, known
from iamtui.model.identity import Group, Role, User
from iamtui.model.policy import Policy
from iamtui.source.base import EventQuery
from iamtui.store.bundle import write_bundle
from tests.support import demo
from tests.support.changes import ACCOUNT, NOW, arn

BEFORE = NOW - timedelta(days=30)
NO_KEY = KeySlot(known(False), absent(State.NOT_APPLICABLE), absent(State.NOT_APPLICABLE), absent(State.NOT_APPLICABLE), absent(State.NOT_APPLICABLE))  # fmt: skip


def key(made: datetime, *, active: bool = True) -> KeySlot:
    never: Fact[Any] = absent(State.NEVER)
    return KeySlot(known(active), known(made), never, never, never)


def row(
    name: str, *, password: bool = False, changed: datetime | None = None, mfa: bool = False, keys: tuple[KeySlot, ...] = ()
) -> Credentials:
    """A row of the credential report."""
    where = f"arn:aws:iam::{ACCOUNT}:root" if name == "<root_account>" else arn("user", name)
    never: Fact[Any] = absent(State.NEVER)
    when: Fact[Any] = known(changed) if changed is not None else absent(State.NOT_APPLICABLE)
    return Credentials(where, name, known(BEFORE), known(password), never, when, never, known(mfa), (*keys, NO_KEY, NO_KEY)[:2])


def point(
    *held: User | Role | Group | Policy,
    at: datetime = NOW,
    rows: Iterable[Credentials] = (),
    keys: Mapping[str, tuple[AccessKey, ...]] | None = None,
    password_policy: Mapping[str, Any] | None = None,
    alias: str = "",
    sections: Mapping[str, Section] | None = None,
) -> Snapshot:
    """An account at a time, all of it read. `sections` takes the place of what is said of a part."""

    def of(kind: type) -> tuple[Any, ...]:
        return tuple(sorted((one for one in held if isinstance(one, kind)), key=lambda one: (one.name.casefold(), one.arn)))

    read = Section(State.KNOWN, at, None, complete=True)
    rows = tuple(rows)
    told = dict.fromkeys((USERS, ROLES, GROUPS, POLICIES, PASSWORD_POLICY, ALIASES, CREDENTIALS), read)
    if keys:
        told[ACCESS_KEYS] = read
    if password_policy is None:
        told[PASSWORD_POLICY] = Section(State.NEVER, at, None, complete=True)
    return Snapshot(
        ACCOUNT,
        aliases=(alias,) if alias else (),
        users=of(User),
        roles=of(Role),
        groups=of(Group),
        policies=of(Policy),
        credentials={one.arn: one for one in rows},
        access_keys=keys or {},
        password_policy=password_policy or {},
        sections={**told, **(sections or {})},
    )


def before(*held: User | Role | Group | Policy, **more: Any) -> Snapshot:
    return point(*held, at=BEFORE, **more)


def differences(old: Snapshot, new: Snapshot) -> tuple[Difference, ...]:
    return compare_snapshots(old, new).differences


def told(old: Snapshot, new: Snapshot) -> list[tuple[str, str, str]]:
    """(what and which way, name, severity) of every difference, the gravest first."""
    return [(one.change, one.name, one.severity.value) for one in differences(old, new)]


def notes(found: Comparison) -> list[str]:
    return [note.words for note in found.notes]


# -- the demo at two times -------------------------------------------------------------------------------------------


def demo_documents(edit: Callable[[dict[str, Any]], None] | None = None, *, at: datetime = demo.NOW) -> list[Document]:
    """The demo's answers, its inventory edited and its summary counting what is left."""
    found = []
    answer = json.loads(demo.documents()[Kind.AUTHORIZATION].body)
    if edit is not None:
        edit(answer)
    own = sum(":iam::aws:" not in policy["Arn"] for policy in answer["Policies"])
    counts = {name: len(answer[f"{part}DetailList"]) for name, part in (("Users", "User"), ("Roles", "Role"), ("Groups", "Group"))}
    for kind, document in demo.documents().items():
        body = document.body
        if kind is Kind.AUTHORIZATION:
            body = json.dumps(answer).encode()
        elif kind is Kind.ACCOUNT_SUMMARY:
            summary = json.loads(body)
            summary["SummaryMap"].update(counts, Policies=own)
            body = json.dumps(summary).encode()
        found.append(msgspec.structs.replace(document, body=body, as_of=at))
    return found


def a_month_ago(answer: dict[str, Any]) -> None:
    """The demo before two of its stories: svc-monitoring was not there, and t.dubois no administrator."""
    answer["UserDetailList"] = [user for user in answer["UserDetailList"] if user["UserName"] != "svc-monitoring"]
    for user in answer["UserDetailList"]:
        if user["UserName"] == "t.dubois":
            user["AttachedManagedPolicies"] = [
                held for held in user["AttachedManagedPolicies"] if held["PolicyName"] != "AdministratorAccess"
            ]


def demo_bundle(
    path: Path,
    edit: Callable[[dict[str, Any]], None] | None = None,
    *,
    at: datetime = demo.NOW,
    events: bool = False,
    without: Iterable[Kind] = (),
) -> Path:
    documents = [document for document in demo_documents(edit, at=at) if document.kind not in tuple(without)]
    if events:
        query = EventQuery(since=demo.NOW - timedelta(days=32))
        documents += [item for item in demo.source().events(query) if isinstance(item, Document)]
    write_bundle(path, documents, [], source="demo", created=at)
    return path
