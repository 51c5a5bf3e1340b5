"""What stood before and after each entry, followed over an object's entries from the oldest on; and what changed nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from ...model.change import Change, ChangeKind, Tells
from ...model.configitem import ConfigItem
from ...model.fact import Fact, State, absent, known
from ...model.identity import Group, Identity, Role
from ...model.policy import Policy
from ..documents import same_document
from .items import ordered
from .merging import order

K = ChangeKind
_NONE: Fact[str] = absent(State.NOT_APPLICABLE)
_NOT_TOLD: Fact[str] = absent(State.NO_INFORMATION, detail="nothing that was read tells what stood before")
_NOW = "as it stands now"
ADMINISTRATOR = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
"""What AWS's AdministratorAccess says. Source: AWS Managed Policy Reference Guide. It is needed where events were read and no policies."""
_Moment = tuple[datetime, Fact[str]]


def is_administrator_access(arn: str) -> bool:
    return arn.endswith(":iam::aws:policy/AdministratorAccess")


class Texts:
    """Documents of managed policies by time."""

    def __init__(self) -> None:
        self._moments: dict[str, list[_Moment]] = {}
        self._now: dict[str, str] = {}

    def add(self, arn: str, moments: Iterable[_Moment], now: str) -> None:
        self._moments[arn] = list(moments)
        if now:
            self._now[arn] = now

    def at(self, arn: str, when: datetime | None) -> Fact[str]:
        """The document in force at a time: the last one told before it; the one in force now where nothing tells of another."""
        moments = self._moments.get(arn, [])
        if when is not None and moments:
            place = bisect_right([at for at, _ in moments], when)
            if place:
                return moments[place - 1][1]
            return absent(State.NO_INFORMATION, detail="the policy was edited since, and its text of then is not told")
        if arn not in self._now and is_administrator_access(arn):
            return known(ADMINISTRATOR, "AWS's documentation")
        if arn in self._now:
            return known(self._now[arn], detail="" if not moments else _NOW)
        return absent(State.NO_INFORMATION, detail="the policy's text is not in what was read")


def settled_policy(
    entries: Sequence[Change], policy: Policy | None, items: Iterable[ConfigItem], texts: Texts
) -> tuple[list[Change], list[str]]:
    """(a policy's entries with their documents, what does not fit what stands now). Tells `texts` which document was in force when."""
    arn = policy.arn if policy is not None else entries[0].arn if entries else ""
    held: dict[str, Fact[str]] = {}
    for item in items:
        held.update({version: known(text, Tells.CONFIG.value) for version, text in item.documents if text})
    for version in policy.versions if policy is not None else ():
        if version.document:
            held[version.version_id] = known(version.document, Tells.VERSION.value)
    for entry in entries:
        if entry.kind in (K.CREATED, K.VERSION) and entry.after.is_known:
            held.setdefault(entry.part, entry.after)
    in_force, text = "", _NOT_TOLD
    moments: list[_Moment] = []
    found: list[Change] = []
    replace = msgspec.structs.replace
    for entry in entries:
        mine = held.get(entry.part, _NOT_TOLD)
        unknown = entry.unknown
        if entry.kind is K.CREATED:
            entry = replace(entry, after=entry.after if entry.after.is_known else mine, default=True)
            in_force, text = "v1", entry.after
        elif entry.kind is K.VERSION:
            after = entry.after if entry.after.is_known else mine
            taken = entry.default is not False
            if entry.default is None:
                unknown = (*unknown, "whether it came into force when it was made is not told; it is taken to have")
            before = (text if text.is_known or not entry.before.is_known else entry.before) if taken else _NONE
            entry = replace(entry, before=before, after=after, was=in_force or entry.was, becomes=entry.part, unknown=unknown)
            if taken:
                in_force, text = entry.part, after
        elif entry.kind is K.DEFAULT:
            before = text if text.is_known or not entry.before.is_known else entry.before
            entry = replace(entry, before=before, after=entry.after if entry.after.is_known else mine, was=in_force or entry.was)
            entry = replace(entry, repeated=bool(in_force) and in_force == entry.part)
            in_force, text = entry.part, entry.after
        elif entry.kind is K.VERSION_DELETED:
            entry = replace(entry, before=mine, after=_NONE)
        elif entry.kind is K.DELETED:
            entry = replace(entry, before=text)
        if entry.at is not None and entry.kind in (K.CREATED, K.VERSION, K.DEFAULT) and entry.default is not False:
            moments.append((entry.at, text))
        found.append(entry)
    drift = []
    now = ""
    if policy is not None:
        standing = policy.default_version
        now = standing.document if standing is not None else ""
        if in_force and policy.default_version_id and in_force != policy.default_version_id and not policy.aws_managed:
            drift.append(f"{policy.default_version_id} is in force now; nothing that was read tells when {in_force} was replaced")
    texts.add(arn, moments, now)
    return found, drift


class _Standing:
    """What is known of one identity's policies while its entries are followed."""

    def __init__(self) -> None:
        self.inline: dict[str, Fact[str]] = {}
        self.attached: dict[str, bool] = {}
        self.groups: dict[str, bool] = {}
        self.trust: Fact[str] = _NOT_TOLD
        self.boundary: str | None = None
        self.tags: dict[str, str] | None = None
        self.new = False  # its beginning was seen: what nobody told of was not there


def settled_identity(
    entries: Sequence[Change], identity: Identity | None, items: Iterable[ConfigItem], texts: Texts
) -> tuple[list[Change], list[str]]:
    """(an identity's entries with what stood before and after, what does not fit what stands now)."""
    states = [item for item in ordered(items) if item.recorded]
    stand = _Standing()
    found = [_identity_entry(entry, stand, states, texts) for entry in entries]
    if identity is None:
        return found, []
    return _as_it_stands(found, identity, stand)


def _before(entry: Change, states: Sequence[ConfigItem]) -> ConfigItem | None:
    """The last state AWS Config told before an entry."""
    limit = entry.not_before or entry.at
    return next((item for item in reversed(states) if limit is not None and item.captured is not None and item.captured <= limit), None)


def _identity_entry(entry: Change, stand: _Standing, states: Sequence[ConfigItem], texts: Texts) -> Change:
    replace = msgspec.structs.replace
    state = _before(entry, states) if entry.kind not in (K.CREATED, K.DELETED) else None
    match entry.kind:
        case K.CREATED:
            stand.__init__()  # type: ignore[misc]
            stand.new = True
            stand.boundary, stand.tags = "", {}
            if entry.target == "role":
                stand.trust = entry.after
        case K.PUT | K.REMOVED:
            name = entry.part
            before = entry.before
            if not before.is_known:
                before = stand.inline.get(name) or _inline_of(state, name) or (_NONE if stand.new else before)
                if not before.is_known and before.state is State.NO_INFORMATION and not before.detail:
                    before = _NOT_TOLD
            same = entry.kind is K.PUT and before.is_known and entry.after.is_known
            repeated = same and same_document(before.value or "", entry.after.value or "")
            entry = replace(entry, before=before, repeated=repeated)
            stand.inline[name] = entry.after if entry.kind is K.PUT else _NONE
        case K.ATTACHED | K.DETACHED:
            gives = entry.kind is K.ATTACHED
            had = stand.attached.get(entry.part)
            if had is None and state is not None:
                had = entry.part in state.attached
            text = texts.at(entry.part, entry.at)
            entry = replace(entry, before=_NONE if gives else text, after=text if gives else _NONE, repeated=had is gives)
            stand.attached[entry.part] = gives
        case K.JOINED | K.LEFT:
            joins = entry.kind is K.JOINED
            name = entry.part.casefold()
            had = stand.groups.get(name)
            if had is None and state is not None and state.groups is not None:
                had = name in {group.casefold() for group in state.groups}
            entry = replace(entry, before=_NONE, after=_NONE, repeated=had is joins)
            stand.groups[name] = joins
        case K.TRUST:
            before = entry.before if entry.before.is_known else stand.trust
            if not before.is_known and state is not None and state.trust:
                before = known(state.trust, Tells.CONFIG.value)
            repeated = before.is_known and entry.after.is_known and same_document(before.value or "", entry.after.value or "")
            entry = replace(entry, before=before, repeated=repeated)
            stand.trust = entry.after
        case K.BOUNDARY_SET | K.BOUNDARY_REMOVED:
            was: str | None = entry.was or stand.boundary
            if was is None and state is not None:
                was = state.boundary
            before = _NONE if was == "" else texts.at(was, entry.at) if was else _NOT_TOLD
            after = texts.at(entry.becomes, entry.at) if entry.kind is K.BOUNDARY_SET else _NONE
            entry = replace(entry, was=was or "", before=before, after=after, repeated=was is not None and was == entry.becomes)
            stand.boundary = entry.becomes
        case K.TAGGED | K.UNTAGGED:
            had_tags = stand.tags if stand.tags is not None else dict(state.tags) if state is not None else None
            keys = [key for key in entry.part.split(", ") if key]
            if not entry.was and had_tags:
                entry = replace(entry, was=", ".join(f"{key}={had_tags[key]}" for key in keys if key in had_tags))
            if had_tags is None:
                entry = replace(entry, unknown=(*entry.unknown, "which values the tags had before is not told"))
            else:
                stand.tags = {key: value for key, value in had_tags.items() if key not in keys}
                if entry.kind is K.TAGGED:
                    stand.tags.update(pair.partition("=")[::2] for pair in entry.becomes.split(", ") if "=" in pair)
            entry = replace(entry, before=_NONE, after=_NONE)
        case K.DELETED:
            entry = replace(entry, before=stand.trust if entry.target == "role" else _NONE, after=_NONE)
        case _:
            entry = replace(entry, before=_NONE, after=_NONE)
    return entry


def _inline_of(state: ConfigItem | None, name: str) -> Fact[str] | None:
    if state is None:
        return None
    text = dict(state.documents).get(name)
    return known(text, Tells.CONFIG.value) if text else _NONE if text is None else None


def _as_it_stands(found: list[Change], identity: Identity, stand: _Standing) -> tuple[list[Change], list[str]]:
    """The last entry of each part against what stands now: it tells a document an event kept back, and shows what nobody told."""
    drift: list[str] = []
    now = {policy.name: policy.document for policy in identity.inline}
    attached = {ref.arn for ref in identity.attached}
    last: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(found):
        if entry.kind in (K.PUT, K.REMOVED):
            last["inline", entry.part] = number
        elif entry.kind is K.TRUST:
            last["trust", ""] = number
        elif entry.kind in (K.ATTACHED, K.DETACHED):
            last["attached", entry.part] = number
    for (slot, part), number in last.items():
        entry = found[number]
        if slot == "attached":
            if (entry.kind is K.ATTACHED) is not (part in attached):
                drift.append(f"{part} is {'no longer' if entry.kind is K.ATTACHED else ''} attached {'' if entry.kind is K.ATTACHED else 'again '}now; nothing that was read tells by whom".replace("  ", " "))  # fmt: skip
            continue
        text = now.get(part, "") if slot == "inline" else identity.trust if isinstance(identity, Role) else ""
        if entry.kind is K.REMOVED:
            if text:
                drift.append(f"the inline policy {part} is there again; nothing that was read tells who put it")
        elif text and not entry.after.is_known:
            found[number] = msgspec.structs.replace(entry, after=known(text, "GetAccountAuthorizationDetails", detail=_NOW))
        elif text and not same_document(entry.after.value or "", text):
            drift.append(f"{'the trust policy' if slot == 'trust' else f'the inline policy {part}'} is another one now; nothing that was read tells of the change")  # fmt: skip
        elif not text and slot == "inline":
            drift.append(f"the inline policy {part} is gone now; nothing that was read tells who removed it")
    return found, drift


def by_object(entries: Iterable[Change]) -> dict[tuple[str, str, str], list[Change]]:
    """Entries by (account, target, unique id): an entry that does not tell an id has that of the bearer of the name between the
    creation and the deletion around it; else the name stands for it."""
    named: dict[tuple[str, str, str], list[Change]] = {}
    for entry in sorted(entries, key=order):
        name = entry.arn if entry.target == "policy" and entry.arn else entry.name.casefold()
        named.setdefault((entry.account, entry.target, name), []).append(entry)
    found: dict[tuple[str, str, str], list[Change]] = {}
    for (account, target, name), held in named.items():
        for life in _lives(held):
            told = next((entry.unique_id for entry in life if entry.unique_id), "")
            for entry in life:
                mine = entry.unique_id or told
                if mine != entry.unique_id:
                    entry = msgspec.structs.replace(entry, unique_id=mine)
                found.setdefault((account, target, mine or f"name:{name}"), []).append(entry)
    return {key: sorted(held, key=order) for key, held in found.items()}


def _lives(entries: Sequence[Change]) -> list[list[Change]]:
    """Cut before every creation and after every deletion."""
    lives: list[list[Change]] = [[]]
    for entry in entries:
        if entry.kind is K.CREATED and lives[-1]:
            lives.append([])
        lives[-1].append(entry)
        if entry.kind is K.DELETED:
            lives.append([])
    return [life for life in lives if life]


def group_named(groups: Mapping[str, Group], name: str) -> Group | None:
    return groups.get(name) or next((group for key, group in groups.items() if key.casefold() == name.casefold()), None)
