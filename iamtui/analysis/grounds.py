"""What a decision rests on: its subject, and the facts about it as text, each with source and age.

The facts that weigh (what it holds, whom it trusts, how it signs in, whether it is in use) make a hash that is the same for every
reading and every source. Dates of last use are told beside them and do not weigh; being in use or not does. The text of a policy of
AWS's does not weigh where it is only attached: AWS edits some every week.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from ..model.account import GROUPS, POLICIES, ROLES, USERS, Snapshot
from ..model.fact import Fact, State
from ..model.finding import Finding
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Grant, Policy
from ..model.review import Clue, Evidence, Subject, SubjectKind
from .grants import attachments, grants
from .lists import is_root, source_of
from .reach import once
from .role_columns import last_seen as role_seen
from .user_columns import COLUMNS as USER_COLUMNS
from .user_columns import last_seen as user_seen
from .words import exact, plain

IDLE_DAYS = 90
"""Days without use after which something is called unused, unless a campaign says otherwise."""

_USER = {column.id: column.fact for column in USER_COLUMNS}
_UNREAD = (State.DENIED, State.FAILED, State.NOT_LOADED, State.NO_INFORMATION)


# -- subjects --------------------------------------------------------------------------------------------------------


def subject_of(item: Any, snapshot: Snapshot) -> Subject | None:
    """What a row of a list is as a subject; None for events, and for users known from the credential report alone: without a unique
    id nobody could tell them from others of their name."""
    if isinstance(item, User):
        if not item.unique_id and not is_root(item):
            return None
        return Subject(SubjectKind.IDENTITY, f"{item.arn}#{item.unique_id}", item.arn, item.unique_id, item.name, snapshot.account, "user")
    if isinstance(item, Role | Group):
        if not item.unique_id:
            return None
        noun = "role" if isinstance(item, Role) else "group"
        return Subject(SubjectKind.IDENTITY, f"{item.arn}#{item.unique_id}", item.arn, item.unique_id, item.name, snapshot.account, noun)
    if isinstance(item, Policy):
        if not item.policy_id:
            return None
        return Subject(SubjectKind.POLICY, f"{item.arn}#{item.policy_id}", item.arn, item.policy_id, item.name, snapshot.account, "policy")
    if isinstance(item, Finding):
        unique = _unique_ids(snapshot).get(item.arn, "")
        return Subject(
            SubjectKind.FINDING, f"finding:{item.key}#{unique}", item.arn, unique, item.name, item.account or snapshot.account, "finding"
        )
    return None


def key_of(item: Any, snapshot: Snapshot) -> str:
    """The subject's key alone, "" where there is none; asked for every row of a list."""
    if isinstance(item, Policy):
        return f"{item.arn}#{item.policy_id}" if item.policy_id else ""
    if isinstance(item, User | Role | Group):
        return f"{item.arn}#{item.unique_id}" if item.unique_id or (isinstance(item, User) and is_root(item)) else ""
    found = subject_of(item, snapshot)
    return found.key if found is not None else ""


def grant_subject(identity: Identity, snapshot: Snapshot, grant: Grant) -> Subject:
    """One policy reaching an identity, by the way it comes."""
    way = f"{grant.via.value}/{grant.group_arn or grant.group}/{grant.policy_arn or grant.policy_name}"
    name = f"{grant.policy_name or '(not read)'} of {identity.name}"
    return Subject(
        SubjectKind.GRANT,
        f"grant:{identity.arn}#{identity.unique_id}/{way}",
        identity.arn,
        identity.unique_id,
        name,
        snapshot.account,
        "grant",
    )


def key_subject(user: User, snapshot: Snapshot, ident: str) -> Subject:
    """An access key: by its id where it is known, else by its slot and the moment it was made (the credential report names no ids)."""
    return Subject(
        SubjectKind.KEY,
        f"key:{user.arn}#{user.unique_id}/{ident}",
        user.arn,
        user.unique_id,
        f"{ident} of {user.name}",
        snapshot.account,
        "access key",
    )


def _unique_ids(snapshot: Snapshot) -> dict[str, str]:
    def make() -> dict[str, str]:
        everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles, *snapshot.groups)
        found = {identity.arn: identity.unique_id for identity in everyone}
        found.update((policy.arn, policy.policy_id) for policy in snapshot.policies)
        return found

    return once("unique-ids", (snapshot.users, snapshot.roles, snapshot.groups, snapshot.policies), make)


def keys_of(user: User, snapshot: Snapshot) -> tuple[tuple[Subject, Evidence], ...]:
    """The access keys of a user with their evidence: by id where they were read, else by the report's slots."""
    listed = snapshot.access_keys.get(user.arn)
    found: list[tuple[Subject, Evidence]] = []
    if listed is not None:
        for key in listed:
            clues = (
                Clue("active", "yes" if key.active else "no", "iam:ListAccessKeys"),
                Clue("created", exact(key.created) if key.created else "not told", "iam:ListAccessKeys"),
                _clue("last used", key.last_used, weighs=False),
            )
            found.append((key_subject(user, snapshot, key.key_id), _made(clues)))
        return tuple(found)
    for number in (1, 2):
        made = _USER[f"key{number}-age"](user, snapshot)
        if not made.is_known:
            continue
        clues = (
            _clue("active", _USER[f"key{number}-active"](user, snapshot)),
            _clue("created", made),
            _clue("last used", _USER[f"key{number}-used"](user, snapshot), weighs=False),
        )
        found.append((key_subject(user, snapshot, f"key {number} made {made.value:%Y-%m-%d %H:%M}"), _made(clues)))
    return tuple(found)


# -- evidence --------------------------------------------------------------------------------------------------------


def evidence_of(item: Any, snapshot: Snapshot, now: datetime, idle_days: int = IDLE_DAYS) -> Evidence:
    """The facts about a row of a list, as they are now."""
    if isinstance(item, User):
        return _made(_of_user(item, snapshot, now, idle_days))
    if isinstance(item, Role):
        return _made(_of_role(item, snapshot, now, idle_days))
    if isinstance(item, Group):
        return _made(_of_group(item, snapshot))
    if isinstance(item, Policy):
        return _made(_of_policy(item, snapshot))
    if isinstance(item, Finding):
        return _made(_of_finding(item))
    return Evidence()


def grant_evidence(grant: Grant) -> Evidence:
    return _made((_grant(grant, *_NOWHERE),))


_NOWHERE: tuple[str, datetime | None] = ("iam:GetAccountAuthorizationDetails", None)


def _of_user(user: User, snapshot: Snapshot, now: datetime, idle_days: int) -> Iterable[Clue]:
    yield from _held(user, snapshot, USERS)
    signs_in = _USER["mfa"](user, snapshot)
    if user.arn not in snapshot.credentials and user.arn not in snapshot.access_keys:
        for name in ("mfa", "console", "keys"):  # one reason for all of them
            yield _clue(name, signs_in)
        yield Clue("use", f"not known: {signs_in.state.value}", signs_in.source, signs_in.as_of, signs_in.state)
        if user.arn in snapshot.last_events:
            yield _clue("last seen", user_seen(user, snapshot), weighs=False)
        yield from _context(user, snapshot, USERS)
        return
    yield _clue("mfa", signs_in)
    for name in ("console", "keys"):
        yield _clue(name, _USER[name](user, snapshot))
    yield _use(user_seen(user, _without_events(snapshot)), user.created, now, idle_days)
    yield _clue("last seen", user_seen(user, snapshot), weighs=False)
    for name in ("password-used", "key1-age", "key1-used", "key2-age", "key2-used"):
        fact = _USER[name](user, snapshot)
        if fact.state is not State.NOT_APPLICABLE:
            yield _clue(name.replace("-", " "), fact, weighs=False)
    yield from _context(user, snapshot, USERS)


def _of_role(role: Role, snapshot: Snapshot, now: datetime, idle_days: int) -> Iterable[Clue]:
    yield from _held(role, snapshot, ROLES)
    source, as_of = source_of(snapshot, ROLES)
    yield Clue("trust policy", f"text {text_hash(role.trust)}", source, as_of)
    yield _use(role_seen(role, _without_events(snapshot)), role.created, now, idle_days)
    yield _clue("last seen", role_seen(role, snapshot), weighs=False)
    yield from _context(role, snapshot, ROLES)


def _of_group(group: Group, snapshot: Snapshot) -> Iterable[Clue]:
    yield from _held(group, snapshot, GROUPS)
    from .group_columns import COLUMNS

    names = next(column for column in COLUMNS if column.id == "member-names").fact(group, snapshot)
    yield _clue("members", names)
    yield from _context(group, snapshot, GROUPS)


def _of_policy(policy: Policy, snapshot: Snapshot) -> Iterable[Clue]:
    source, as_of = source_of(snapshot, POLICIES)
    version = policy.default_version
    if version is not None and version.document:
        yield Clue("document", f"{version.version_id}, text {text_hash(version.document)}", source, as_of)
    else:
        yield Clue("document", f"{policy.default_version_id}, text not read", source, as_of, State.NOT_LOADED)
    names = ", ".join(f"{a.kind}/{a.name}{' as boundary' if a.as_boundary else ''}" for a in attachments(policy, snapshot))
    yield Clue("attached to", names or "nobody", source, as_of)
    if policy.updated is not None:
        yield Clue("last edited", exact(policy.updated), source, as_of, weighs=False)


def _of_finding(finding: Finding) -> Iterable[Clue]:
    source = "iamtui's own analysis"
    yield Clue("severity", finding.severity.value, source)
    yield Clue("claim", finding.claim, source)
    for number, words in enumerate(finding.evidence, 1):
        yield Clue(f"evidence {number}", words, source, weighs=False)  # has dates of use in it
    if finding.document:
        yield Clue("policy", f"text {text_hash(finding.document)}", source)


def _held(identity: Identity, snapshot: Snapshot, section: str) -> Iterable[Clue]:
    """What reaches an identity, one fact a grant, so that a change names it."""
    source, as_of = source_of(snapshot, section)
    for grant in grants(identity, snapshot):
        yield _grant(grant, source, as_of)
    if isinstance(identity, User):
        yield Clue("groups", ", ".join(sorted(identity.groups)) or "none", source, as_of)


def _grant(grant: Grant, source: str, as_of: datetime | None) -> Clue:
    way = f"{grant.via.value} {grant.group}".strip()
    name = f"policy {grant.policy_name} ({way})" if grant.policy_name else f"policies ({way})"
    if not grant.policy_name:
        return Clue(name, "not read", source, as_of, State.NOT_LOADED)
    if grant.policy_arn.split(":", 5)[4:5] == ["aws"]:
        return Clue(name, "AWS's own", source, as_of)
    if grant.document is None:
        return Clue(name, "text not read", source, as_of, State.NOT_LOADED)
    version = f"{grant.version_id}, " if grant.version_id else ""
    return Clue(name, f"{version}text {text_hash(grant.document)}", source, as_of)


def _without_events(snapshot: Snapshot) -> Snapshot:
    """A snapshot as every reading has it: which events were read differs from day to day, and must not open a decision again."""
    if not snapshot.last_events:
        return snapshot
    return once("without-events", (snapshot,), lambda: msgspec.structs.replace(snapshot, last_events={}, standings=None))


def _use(seen: Fact[Any], created: datetime | None, now: datetime, idle_days: int) -> Clue:
    """In use or not, judged at a moment: the date alone changes every day."""
    source, as_of = seen.source, seen.as_of
    if seen.state in _UNREAD:
        return Clue("use", f"not known: {seen.state.value}", source, as_of, seen.state)
    if seen.is_known and seen.value is not None:
        recent = seen.value >= now - timedelta(days=idle_days)
        return Clue("use", f"within {idle_days} days" if recent else f"not within {idle_days} days", source, as_of)
    young = created is not None and created > now - timedelta(days=idle_days)
    return Clue("use", "not since it was created" if young else f"not within {idle_days} days", source, as_of)


def _context(identity: Identity, snapshot: Snapshot, section: str) -> Iterable[Clue]:
    source, as_of = source_of(snapshot, section)
    if identity.created is not None:
        yield Clue("created", exact(identity.created), source, as_of, weighs=False)
    tags = getattr(identity, "tags", ())
    if tags:
        yield Clue("tags", ", ".join(f"{key}={value}" for key, value in tags), source, as_of, weighs=False)


def _clue(name: str, fact: Fact[Any], *, weighs: bool = True) -> Clue:
    if fact.is_known and isinstance(fact.value, datetime):
        words = exact(fact.value) + (f" ({fact.detail})" if fact.detail and not weighs else "")
    else:
        words = plain(fact, _ANY)
    return Clue(name, words, fact.source, fact.as_of, fact.state, weighs)


_ANY = datetime.max.replace(tzinfo=UTC)  # `plain` needs a moment only for times, which are written out above


def _made(clues: Iterable[Clue]) -> Evidence:
    told = tuple(clues)
    digest = hashlib.blake2b(digest_size=12)
    for clue in sorted((c for c in told if c.weighs), key=lambda c: c.name):
        if clue.state in _UNREAD:
            digest.update(f"{clue.name}\0?\0".encode("utf-8", "surrogatepass"))
        else:
            digest.update(f"{clue.name}\0{clue.value}\0".encode("utf-8", "surrogatepass"))
    return Evidence(told, digest.hexdigest())


@lru_cache(maxsize=16_384)
def text_hash(document: str) -> str:
    """Twelve digits that tell two policy texts apart, however they are written down: order of keys and blanks do not count."""
    try:
        body = msgspec.json.encode(msgspec.json.decode(document), order="sorted")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        body = document.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(body, digest_size=6).hexdigest()


__all__ = ["IDLE_DAYS", "evidence_of", "grant_evidence", "grant_subject", "key_of", "key_subject", "keys_of", "subject_of", "text_hash"]
