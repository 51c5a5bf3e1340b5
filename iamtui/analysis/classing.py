"""How much an event matters, and why: from the access level of what was called, raised by what is known of its name and by what is in it.

Every operation has a class: permissions management high, other writes medium in services of identity and low elsewhere, reads
none. The groups of `sensitive.toml` raise it. What an attach or a put gives is read: an administrator's rights are critical, a
way to them high, a harmless policy stays what a change of policy is. A call that was refused counts one step less than one that
went through, and says so.
"""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.event import ActorKind, Event, Outcome
from ..model.finding import Severity
from .places import NEW_PLACE

_IDENTITY_SERVICES = frozenset(
    {
        "iam",
        "sts",
        "sso",
        "sso-directory",
        "identitystore",
        "organizations",
        "kms",
        "rolesanywhere",
        "cognito-idp",
        "cognito-identity",
        "ram",
    }
)
_ADMIN = frozenset({"AdministratorAccess", "IAMFullAccess"})
_ORDER = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


class Class(msgspec.Struct, frozen=True):
    """severity: None for what only reads, and where the record does not tell
    about:    what it is about: users and keys, policies, trust, logging, data, compute, network, account, sessions, sign-in, root, new place;
              several with a comma between, "" for none
    why:      sentences, the weightiest first
    tactic:   MITRE ATT&CK tactic, "" for none
    told:     False when neither the catalogue nor the record says whether it writes: that is not the same as a read
    """

    severity: Severity | None
    about: str = ""
    why: tuple[str, ...] = ()
    tactic: str = ""
    told: bool = True


class _Group(msgspec.Struct, frozen=True):
    about: str
    tactic: str
    severity: Severity
    why: str
    events: tuple[str, ...]


@cache
def groups() -> tuple[_Group, ...]:
    """The named events, by group."""
    text = files(__package__).joinpath("sensitive.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["group"], tuple[_Group, ...])


@cache
def _named() -> dict[str, _Group]:
    found: dict[str, _Group] = {}
    for group in groups():
        for event in group.events:
            held = found.get(event)
            if held is None or _ORDER.index(group.severity) > _ORDER.index(held.severity):
                found[event] = group
    return found


@lru_cache(maxsize=16384)
def class_of_name(source: str, name: str, read_only: bool | None = None) -> Class:
    """The class of an operation by its name alone. `read_only`: what the record says, for operations the catalogue does not know."""
    from ..policy.catalogue import AccessLevel, catalogue
    from ..policy.operations import actions_of, plain_name

    label = source.removesuffix(".amazonaws.com")
    plain = plain_name(name)
    known = catalogue()
    needed = actions_of(source, name)
    levels = [action.level for action in map(known.action, needed[:1]) if action is not None]
    severity: Severity | None = None
    why: list[str] = []
    if AccessLevel.PERMISSIONS in levels:
        severity, why = Severity.HIGH, [f"{needed[0]} is permissions management"]
    elif AccessLevel.WRITE in levels or (not levels and read_only is False):
        severity = Severity.MEDIUM if label in _IDENTITY_SERVICES else Severity.LOW
        why = [f"{needed[0]} writes" if levels else "it writes, and the catalogue does not know it"]
    elif AccessLevel.TAGGING in levels:
        severity, why = Severity.LOW, [f"{needed[0]} changes tags, which conditions may rest on"]
    group = _named().get(f"{label}:{plain}")
    if group is None:
        return Class(severity, "", tuple(why), told=bool(levels) or read_only is not None or not needed)
    if label == "iam" and group.about == "policies" and group.severity is Severity.MEDIUM:
        severity = Severity.MEDIUM  # what the policy gives decides, and is read
    elif severity is None or group.severity is Severity.LOW or _ORDER.index(group.severity) > _ORDER.index(severity):
        severity = group.severity
    return Class(severity, group.about, (group.why, *why), group.tactic)


def classify(event: Event, snapshot: Snapshot | None = None) -> Class:
    """The class of one event.

    snapshot: the account it happened in, for the text of policies it names, and for what is known of first uses (`new_places`)
    """
    found = _classed(event, snapshot)
    places = snapshot.new_places.get(event.event_id, ()) if snapshot is not None else ()
    return _placed(found, places) if places else found


def _classed(event: Event, snapshot: Snapshot | None) -> Class:
    found = class_of_name(event.source, event.name, event.read_only)
    if found.severity is not None and event.read_only is True and not found.about:
        found = Class(None)
    found = _raised(found, _content(event, found, snapshot))
    found = _raised(found, _sign_in(event))
    found = _raised(found, _root(event))
    if found.severity is not None and event.outcome in (Outcome.DENIED, Outcome.FAILED) and found.about != "sign-in":
        lower = _ORDER[max(_ORDER.index(found.severity) - 1, 0)]
        word = "was denied" if event.outcome is Outcome.DENIED else "failed"
        return Class(lower, found.about, (*found.why, f"the call {word}"), found.tactic)
    return found


def _raised(one: Class, other: Class | None) -> Class:
    if other is None:
        return one
    severities = [s for s in (one.severity, other.severity) if s is not None]
    most = max(severities, key=_ORDER.index, default=None)
    return Class(most, other.about or one.about, (*other.why, *one.why), other.tactic or one.tactic)


def _placed(found: Class, places: tuple[str, ...]) -> Class:
    """At least medium, refused or not: somebody uses the credentials where they were never used."""
    about = f"{found.about}, {NEW_PLACE}" if found.about else NEW_PLACE
    if found.severity is None or found.severity is Severity.LOW:
        return Class(Severity.MEDIUM, about, (*places, *found.why), found.tactic or "Initial Access")
    return Class(found.severity, about, (*found.why, *places), found.tactic)


# -- sign-in and root -------------------------------------------------------------------------------------------------


def _sign_in(event: Event) -> Class | None:
    if event.name != "ConsoleLogin":
        return None
    if event.outcome is Outcome.FAILED:
        severity = Severity.HIGH if event.actor.kind is ActorKind.ROOT else Severity.MEDIUM
        return Class(severity, "sign-in", ("a console login failed",), "Initial Access")
    if event.actor.kind in (ActorKind.USER, ActorKind.ROOT) and _told(event).get("MFAUsed") == "No":
        return Class(Severity.HIGH, "sign-in", ("a console login without MFA",), "Initial Access")
    return Class(Severity.LOW, "sign-in", ("a console login",), "Initial Access")


def _told(event: Event) -> dict[str, Any]:
    data = _part(event, "additionalEventData")
    return data if isinstance(data, dict) else {}


def _root(event: Event) -> Class | None:
    if event.actor.kind is not ActorKind.ROOT or '"invokedBy"' in event.record or "AwsServiceEvent" in event.record:
        return None
    return Class(Severity.HIGH, "root", ("the root user did it",), "Privilege Escalation")


# -- what a change of policy gives ----------------------------------------------------------------------------------------


_PUTS = frozenset({"PutUserPolicy", "PutRolePolicy", "PutGroupPolicy", "CreatePolicy", "CreatePolicyVersion"})
_ATTACHES = frozenset({"AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy"})
_TRUSTS = frozenset({"UpdateAssumeRolePolicy", "CreateRole"})


def _content(event: Event, found: Class, snapshot: Snapshot | None) -> Class | None:
    if event.source != "iam.amazonaws.com" or found.about not in ("policies", "trust"):
        return None
    request = _part(event, "requestParameters")
    if not isinstance(request, dict):
        return None
    if event.name in _PUTS:
        return gives(_text(request.get("policyDocument")))
    if event.name in _ATTACHES:
        return _attached(_text(request.get("policyArn")), snapshot)
    if event.name in _TRUSTS:
        return _trusts(_text(request.get("policyDocument") or request.get("assumeRolePolicyDocument")), event.account)
    if event.name == "SetDefaultPolicyVersion" and snapshot is not None:
        document = _version_text(_text(request.get("policyArn")), _text(request.get("versionId")), snapshot)
        return gives(document) if document else None
    if event.name == "AddUserToGroup" and snapshot is not None:
        return _group(_text(request.get("groupName")), snapshot)
    return None


def _attached(arn: str, snapshot: Snapshot | None) -> Class | None:
    name = arn.rpartition("/")[2]
    if ":iam::aws:policy/" in arn and name in _ADMIN:
        return Class(Severity.CRITICAL, "policies", (f"gives an administrator's rights: {name}",), "Privilege Escalation")
    document = _version_text(arn, "", snapshot) if snapshot is not None else ""
    return gives(document) if document else None


def _version_text(arn: str, version_id: str, snapshot: Snapshot) -> str:
    for policy in snapshot.policies:
        if policy.arn == arn:
            version = next((v for v in policy.versions if v.version_id == version_id), None) if version_id else policy.default_version
            return version.document if version else ""
    return ""


def _group(name: str, snapshot: Snapshot) -> Class | None:
    from .grants import grants

    for group in snapshot.groups:
        if group.name == name:
            for grant in grants(group, snapshot):
                found = gives(grant.document or "")
                if found is not None and found.severity in (Severity.CRITICAL, Severity.HIGH):
                    why = (f"the group's policy {grant.policy_name} {found.why[0]}", *found.why[1:])
                    return Class(found.severity, found.about, why, found.tactic)
    return None


@lru_cache(maxsize=2048)
def gives(document: str) -> Class | None:
    """What a policy document gives beyond being a policy; None for nothing of note."""
    from ..policy.document import parse
    from ..policy.wildcard import matches
    from .escalation.paths import paths

    if not document:
        return None
    allowed: list[str] = []
    for statement in parse(document).statements:
        if not statement.allows or statement.broken or statement.conditions or not any(resource == "*" for resource in statement.resources):
            continue
        if statement.not_actions:
            spared = any(action.lower() in ("iam:*", "*") for action in statement.not_actions)
            severity = Severity.HIGH if spared else Severity.CRITICAL
            why = f"gives everything on everything but {', '.join(statement.not_actions[:4])}"
            return Class(severity, "policies", (why,), "Privilege Escalation")
        allowed.extend(statement.actions)
    if any(action in ("*", "*:*") for action in allowed):
        return Class(
            Severity.CRITICAL, "policies", ("gives an administrator's rights: every action on everything",), "Privilege Escalation"
        )
    if any(action.lower() == "iam:*" for action in allowed):
        return Class(Severity.CRITICAL, "policies", ("gives an administrator's rights: all of IAM",), "Privilege Escalation")
    if not allowed:
        return None
    lowered = [action.lower() for action in allowed]
    ways = [path for path in paths() if all(any(matches(action, needed.lower()) for action in lowered) for needed in path.actions)]
    if not ways:
        return None
    more = f" and {len(ways) - 1} more" if len(ways) > 1 else ""
    return Class(Severity.HIGH, "policies", (f"opens a way to more rights: {', '.join(ways[0].actions)}{more}",), "Privilege Escalation")


@lru_cache(maxsize=2048)
def _trusts(document: str, account: str) -> Class | None:
    from ..policy.document import parse

    strangers: list[str] = []
    for statement in parse(document).statements if document else ():
        if not statement.allows or statement.broken:
            continue
        for kind, names in statement.principals.items():
            for name in names:
                if kind == "AWS" or name == "*":
                    if name == "*" and not statement.conditions:
                        return Class(Severity.CRITICAL, "trust", ("anybody may assume the role now",), "Persistence")
                    owner = name.split(":")[4] if name.startswith("arn:") and name.count(":") >= 5 else name
                    if account and owner.isdigit() and owner != account:
                        strangers.append(owner)
    if strangers:
        return Class(Severity.HIGH, "trust", (f"account {', '.join(dict.fromkeys(strangers))} may assume the role now",), "Persistence")
    return None


def _part(event: Event, name: str) -> Any:
    try:
        record = msgspec.json.decode(event.record)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, str) and value[:1] == "{":
        try:
            return msgspec.json.decode(value)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return None
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else ""


def warm() -> None:
    """Load what classes are told by: the catalogue, the operations, the groups. For a worker, before rows are drawn."""
    class_of_name("iam.amazonaws.com", "CreateUser", False)
