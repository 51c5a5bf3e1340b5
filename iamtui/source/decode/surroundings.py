"""Resource policies and organisations, in the forms they are saved in; analyzers have a module of their own."""

from __future__ import annotations

from typing import Any

import msgspec

from ...model.document import Document, Kind
from ...model.surroundings import Organization, OrganizationPolicy, ResourcePolicy, Surroundings
from .analyzer import with_analyzers
from .wire import account_of, document_text, mend, text

_MOST_LEVELS = 12


def with_document(surroundings: Surroundings, document: Document) -> Surroundings:
    """The surroundings with what one document tells. Raises BROKEN."""
    if document.kind is Kind.RESOURCE_POLICIES:
        found = {policy.arn: policy for policy in _resource_policies(document)}
        return msgspec.structs.replace(surroundings, resources={**surroundings.resources, **found})
    if document.kind is Kind.ORGANIZATION:
        told = _organization(msgspec.json.decode(mend(document.body)))
        return surroundings.with_organization(told)
    if document.kind in (Kind.ANALYZERS, Kind.ANALYZER_FINDINGS):
        return with_analyzers(surroundings, document)
    return surroundings


def _resource_policies(document: Document) -> list[ResourcePolicy]:
    raw = msgspec.json.decode(mend(document.body))
    found = []
    for entry in raw if isinstance(raw, list) else [raw]:
        if not isinstance(entry, dict):
            continue
        arn = text(entry.get("Resource")) or text(entry.get("ResourceArn")) or document.key
        policy = document_text(entry.get("Policy"))
        if arn and policy:
            found.append(ResourcePolicy(arn, text(entry.get("Account")) or account_of(arn) or document.account, policy))
    return found


def _organization(raw: Any) -> Organization:
    if not isinstance(raw, dict):
        raise ValueError("it is no organisation")
    if "Children" in raw or "Roots" not in raw:
        return _tree(raw)
    paths: dict[str, tuple[str, ...]] = {}
    names: dict[str, str] = {}
    parents: dict[str, str] = {}
    for entry in (*_entries(raw, "Roots"), *_entries(raw, "OrganizationalUnits"), *_entries(raw, "Accounts")):
        identifier = text(entry.get("Id"))
        names[identifier], parents[identifier] = text(entry.get("Name")), text(entry.get("ParentId"))
    for entry in _entries(raw, "Accounts"):
        path = [text(entry.get("Id"))]
        while parents.get(path[0]) and len(path) < _MOST_LEVELS:
            path.insert(0, parents[path[0]])
        paths[path[-1]] = tuple(path)
    policies: dict[str, list[OrganizationPolicy]] = {}
    for entry in _entries(raw, "Policies"):
        summary = entry.get("PolicySummary") or entry
        for target in _entries(entry, "Targets"):
            level = text(target.get("TargetId"))
            policies.setdefault(level, []).append(_policy(summary, entry.get("Content"), level))
    about = raw.get("Organization")
    about = about if isinstance(about, dict) else {}
    management = text(about.get("MasterAccountId"))
    unread = raw.get("Unread")
    why = {text(kind): text(reason) for kind, reason in unread.items()} if isinstance(unread, dict) else {}
    return Organization(management, paths, {level: tuple(held) for level, held in policies.items()}, names, why, text(about.get("Id")))


def _tree(root: dict[str, Any]) -> Organization:
    """Levels nested by `Children`, each with its `Policies`; the root's ARN names the management account."""
    paths: dict[str, tuple[str, ...]] = {}
    policies: dict[str, tuple[OrganizationPolicy, ...]] = {}
    names: dict[str, str] = {}

    def down(node: dict[str, Any], above: tuple[str, ...]) -> None:
        level = text(node.get("Id"))
        path = (*above, level)
        names[level] = text(node.get("Name"))
        policies[level] = tuple(_policy(entry, entry.get("Content"), level) for entry in _entries(node, "Policies"))
        if text(node.get("Type")).casefold() == "account" or level.isdigit():
            paths[level] = path
        if len(path) < _MOST_LEVELS:
            for child in _entries(node, "Children"):
                down(child, path)

    down(root, ())
    arn = text(root.get("Arn"))  # arn:aws:organizations::ACCOUNT:root/o-…/r-…
    return Organization(account_of(arn), paths, policies, names, {}, next((part for part in arn.split("/") if part.startswith("o-")), ""))


def _policy(summary: dict[str, Any], content: object, level: str) -> OrganizationPolicy:
    return OrganizationPolicy(text(summary.get("Name")), text(summary.get("Type")), document_text(content), level)


def _entries(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
