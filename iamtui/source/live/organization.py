"""The organisation above an account: its accounts, its levels, and the policies at each. Organizations throttles hard: call by call.

Whoever may not read it gets a gap that names the call. A kind of policy of which anything is missing counts as not read as a whole:
a missing policy may be the one that allows, or the one that denies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ...model.document import Document, Gap, Kind
from ...model.fact import State
from ..base import Cancelled, Item, Step
from .calls import Caller
from .connection import code_of

KINDS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
_NOT_IN_USE = "AWSOrganizationsNotInUseException"
_MOST_LEVELS = 12
_PRIVATE = ("Email",)
"""What is told of an account and is nothing to an answer: the address of its root user."""


class _Answer(NamedTuple):
    """Entries of all pages, or what refused them."""

    entries: list[dict[str, Any]]
    gap: Gap | None = None


def list_accounts(caller: Caller, cancelled: Cancelled) -> Iterator[Item]:
    """One ACCOUNTS document with all pages of ListAccounts, or the gap."""
    found, pages = [], 0
    more: dict[str, str] = {}
    client = _client(caller)
    while not cancelled():
        try:
            answer = client.list_accounts(**more)
        except Exception as error:
            yield _gap(caller, Kind.ACCOUNTS, "organizations:ListAccounts", error)
            return
        pages += 1
        found += [_public(entry) for entry in answer.get("Accounts") or ()]
        yield Step("listing the organisation's accounts", len(found))
        if not answer.get("NextToken"):  # a page may be empty and not the last
            yield caller.document(Kind.ACCOUNTS, "organizations:ListAccounts", {"Accounts": found})
            return
        more = {"NextToken": answer["NextToken"]}


def read_organization(caller: Caller, cancelled: Cancelled) -> Iterator[Item]:
    """One ORGANIZATION document: roots, units and accounts with their parents, policies with their targets. Gaps for what is refused.

    An account that is in no organisation gets a document that says so: nothing stands above it.
    """
    if cancelled():
        return
    client = _client(caller)
    try:
        about = client.describe_organization().get("Organization") or {}
    except Exception as error:
        if code_of(error) == _NOT_IN_USE:  # known: no policies stand above it
            alone = {"Organization": None, "Roots": [], "Accounts": [{"Id": caller.account}]}
            yield caller.document(Kind.ORGANIZATION, "organizations:DescribeOrganization", alone)
        else:
            yield _gap(caller, Kind.ORGANIZATION, "organizations:DescribeOrganization", error)
        return
    roots = _all(caller, "list_roots", "ListRoots", "Roots", cancelled)
    if roots.gap is not None:
        yield roots.gap
        return
    units: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    parents = [(entry["Id"], 1) for entry in roots.entries]
    while parents and not cancelled():
        parent, depth = parents.pop()
        yield Step("reading the organisation", len(accounts))
        for method, operation, key, into in (
            ("list_accounts_for_parent", "ListAccountsForParent", "Accounts", accounts),
            ("list_organizational_units_for_parent", "ListOrganizationalUnitsForParent", "OrganizationalUnits", units),
        ):
            found = _all(caller, method, operation, key, cancelled, ParentId=parent)
            if found.gap is not None:  # half a tree would leave levels out of answers
                yield found.gap
                return
            into += [{**_public(entry), "ParentId": parent} for entry in found.entries]
            if into is units and depth < _MOST_LEVELS:
                parents += [(entry["Id"], depth + 1) for entry in found.entries]
    enabled = {kind.get("Type") for root in roots.entries for kind in root.get("PolicyTypes") or () if kind.get("Status") == "ENABLED"}
    policies: list[dict[str, Any]] = []
    unread: dict[str, str] = {}
    for kind in KINDS:
        if kind not in enabled or cancelled():
            continue
        yield Step(f"reading the organisation's {kind.lower().replace('_', ' ')}s")
        held, gap = _policies(caller, kind, cancelled)
        policies += held
        if gap is not None:
            unread[kind] = f"{gap.action}: {gap.reason}"
            yield gap
    if cancelled():
        return
    yield caller.document(
        Kind.ORGANIZATION,
        "organizations:ListRoots",
        {
            "Organization": {key: value for key, value in about.items() if key != "MasterAccountEmail"},
            "Roots": roots.entries,
            "OrganizationalUnits": units,
            "Accounts": accounts,
            "Policies": policies,
            "Unread": unread,
            "NotEnabled": [kind for kind in KINDS if kind not in enabled],
        },
    )


def _policies(caller: Caller, kind: str, cancelled: Cancelled) -> tuple[list[dict[str, Any]], Gap | None]:
    """All policies of a kind with their text and targets, or none of them and the gap."""
    listed = _all(caller, "list_policies", "ListPolicies", "Policies", cancelled, Filter=kind)
    if listed.gap is not None:
        return [], listed.gap
    found = []
    for summary in listed.entries:
        if cancelled():
            return [], None
        targets = _all(caller, "list_targets_for_policy", "ListTargetsForPolicy", "Targets", cancelled, PolicyId=summary["Id"])
        if targets.gap is not None:
            return [], targets.gap
        try:
            policy = _client(caller).describe_policy(PolicyId=summary["Id"])["Policy"] if targets.entries else {}
        except Exception as error:
            return [], _gap(caller, Kind.ORGANIZATION, "organizations:DescribePolicy", error, key=str(summary["Id"]))
        found.append({"PolicySummary": summary, "Content": policy.get("Content"), "Targets": targets.entries})
    return found, None


def _all(caller: Caller, method: str, operation: str, key: str, cancelled: Cancelled, **asked: str) -> _Answer:
    call = getattr(_client(caller), method)
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while not cancelled():
        try:
            answer = call(**asked, **more)
        except Exception as error:
            return _Answer([], _gap(caller, Kind.ORGANIZATION, f"organizations:{operation}", error, key=next(iter(asked.values()), "")))
        found += answer.get(key) or ()
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    return _Answer(found)


def _client(caller: Caller) -> Any:
    """The client of the partition's one endpoint."""
    return caller.connection.client("organizations")


def _public(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in _PRIVATE}


def _gap(caller: Caller, kind: Kind, action: str, error: Exception, key: str = "") -> Gap:
    if code_of(error) == _NOT_IN_USE:
        reason = "the account is in no organisation"
        return Gap(kind, State.NOT_APPLICABLE, reason, action, origin=caller.document(kind, action, b"").origin)
    gap = caller.gap(kind, action, error, key=key)
    if gap.state is State.DENIED:
        hint = f"only the management account and delegated administrators may; ask for {action}, or name accounts with --accounts"
        return msgspec.structs.replace(gap, account="", hint=hint)
    return msgspec.structs.replace(gap, account="")


__all__ = ["KINDS", "Document", "list_accounts", "read_organization"]
