"""An identity walked back in time: from what stands now, each entry undone, to when it became an administrator and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from ...model.account import Snapshot
from ...model.change import Change, ChangeKind
from ...model.fact import Fact, State
from ...model.identity import Group, Identity, Role, User
from ...model.policy import Policy
from ...policy.decision import Held, Layers
from ...policy.evaluation import held
from ..access import Around
from ..escalation.evaluating import administers
from ..reach import groups_by_name, policies_by_arn
from .history import EventReach, History
from .merging import order
from .settling import ADMINISTRATOR, group_named, is_administrator_access

K = ChangeKind


class Admin(StrEnum):
    """Whether an identity had an administrator's rights: it may, under no condition, give anybody any rights."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


class Entry(msgspec.Struct, frozen=True, eq=False):
    """A change as it met one identity.

    via:           `group ops`, `policy data-lake-access`; "" for the identity's own
    admin_before, admin_after: of the identity, with everything that reached it then
    """

    change: Change
    via: str = ""
    admin_before: Admin = Admin.UNKNOWN
    admin_after: Admin = Admin.UNKNOWN

    @property
    def admin(self) -> str:
        """`gained`, `lost`, or "" where it is the same or not known."""
        if self.admin_before is Admin.NO and self.admin_after is Admin.YES:
            return "gained"
        return "lost" if self.admin_before is Admin.YES and self.admin_after is Admin.NO else ""


class AdminSince(msgspec.Struct, frozen=True, eq=False):
    """Since when an identity has an administrator's rights without a break.

    now:    whether it has them
    since:  the entry that gave them; None when it has none, or the history does not reach
    lost:   where it has none: the entry that took the last ones, as far as told
    unknown: why the beginning is not known, and `needed` what would tell it
    """

    now: Admin
    since: Entry | None = None
    lost: Entry | None = None
    unknown: str = ""
    needed: str = ""


class Timeline(msgspec.Struct, frozen=True, eq=False):
    """The entries that met an identity, newest first, and the answer about its administrator's rights."""

    entries: tuple[Entry, ...]
    admin: AdminSince | None = None


class _State:
    """What an identity had at a time. Documents by name or ARN; None for a text nobody tells."""

    def __init__(self, identity: Identity, snapshot: Snapshot) -> None:
        self.identity, self.snapshot = identity, snapshot
        self.exists = True
        self.inline: dict[str, str | None] = {p.name: p.document or None for p in identity.inline}
        self.attached = {ref.arn for ref in identity.attached}
        self.boundary = identity.boundary.arn if isinstance(identity, User | Role) and identity.boundary is not None else ""
        known = groups_by_name(snapshot)
        self.groups: dict[str, None] = {name.casefold(): None for name in (identity.groups if isinstance(identity, User) else ())}
        self.group_inline: dict[str, dict[str, str | None]] = {}
        self.group_attached: dict[str, set[str]] = {}
        self.unread: set[str] = set()
        self._known: Mapping[str, Group] = known
        for name in self.groups:
            self._load(name)
        self.texts: dict[str, str | None] = {}

    def _load(self, name: str) -> None:
        if name in self.group_inline:
            return
        group = group_named(self._known, name)
        if group is None:
            self.unread.add(name)
        self.group_inline[name] = {p.name: p.document or None for p in group.inline} if group is not None else {}
        self.group_attached[name] = {ref.arn for ref in group.attached} if group is not None else set()

    def text(self, arn: str) -> str | None:
        if arn not in self.texts:
            policy: Policy | None = policies_by_arn(self.snapshot).get(arn)
            version = policy.default_version if policy is not None else None
            text = version.document if version is not None else ""
            self.texts[arn] = text or (ADMINISTRATOR if is_administrator_access(arn) else None)
        return self.texts[arn]

    def reach(self) -> set[str]:
        """ARNs of the managed policies that reach it, its boundary among them."""
        found = set(self.attached) | ({self.boundary} if self.boundary else set())
        for name in self.groups:
            found |= self.group_attached.get(name, set())
        return found

    def admin(self) -> Admin:
        if not self.exists:
            return Admin.NO
        own: list[Held] = []
        unread = bool(self.unread & set(self.groups))
        texts = [*self.inline.values(), *(self.text(arn) for arn in sorted(self.attached))]
        for name in self.groups:
            texts += [*self.group_inline[name].values(), *(self.text(arn) for arn in sorted(self.group_attached[name]))]
        for text in texts:
            if text is None:
                unread = True
            else:
                own.append(held(text))
        boundary: tuple[Held, ...] | None = None
        if self.boundary:
            limit = self.text(self.boundary)
            if limit is None:
                return Admin.UNKNOWN if administers(self.identity, Around(Layers(identity=tuple(own)))) or unread else Admin.NO
            boundary = (held(limit),)
        if administers(self.identity, Around(Layers(identity=tuple(own), boundary=boundary))):
            return Admin.YES
        return Admin.UNKNOWN if unread else Admin.NO

    # -- undoing -----------------------------------------------------------------------------------------------------

    def meets(self, change: Change) -> str | None:
        """`""` for the identity's own entry, `group x` or `policy x` for one that reaches it; None for one that does not."""
        if change.unique_id == self.identity.unique_id and change.target != "policy":
            return ""
        if change.target == "group":
            return f"group {change.name}" if change.name.casefold() in self.groups else None
        if change.target == "policy":
            if change.arn not in self.reach():
                return None
            return f"{'boundary' if change.arn == self.boundary else 'policy'} {change.name}"
        return None

    def undo(self, change: Change, via: str | None) -> None:
        """Put back what stood before an entry; also of groups and policies that do not reach it at that time, but did before."""
        if change.repeated:
            return
        if via == "":
            self._own(change)
        elif change.target == "group":
            name = change.name.casefold()
            self._load(name)
            _policies(change, self.group_inline[name], self.group_attached[name])
        elif change.target == "policy" and change.kind in (K.VERSION, K.DEFAULT) and change.default is not False:
            before = change.before
            if before.is_known or change.author.actor != "AWS":  # AWS does not make an administrator's policy of another one
                self.texts[change.arn] = _value(before)

    def _own(self, change: Change) -> None:
        match change.kind:
            case K.CREATED:
                self.exists = False
            case K.JOINED:
                self.groups.pop(change.part.casefold(), None)
            case K.LEFT:
                self._load(change.part.casefold())
                self.groups[change.part.casefold()] = None
            case K.BOUNDARY_SET | K.BOUNDARY_REMOVED:
                self.boundary = change.was
            case _:
                _policies(change, self.inline, self.attached)


def _policies(change: Change, inline: dict[str, str | None], attached: set[str]) -> None:
    match change.kind:
        case K.ATTACHED:
            attached.discard(change.part)
        case K.DETACHED:
            attached.add(change.part)
        case K.PUT if change.before.state is State.NOT_APPLICABLE:
            inline.pop(change.part, None)
        case K.PUT | K.REMOVED:
            inline[change.part] = _value(change.before)


def _value(fact: Fact[str]) -> str | None:
    return fact.value if fact.is_known else None


def candidates(history: History, identity: Identity) -> Iterable[Change]:
    """Every entry that could have met an identity: its own, and of all groups and policies its own entries or those of its groups name."""
    own = history.of(identity)
    yield from own
    snapshot = history.snapshot
    names = {name.casefold() for name in identity.groups} if isinstance(identity, User) else set()
    names |= {entry.part.casefold() for entry in own if entry.kind in (K.JOINED, K.LEFT)}
    arns = {ref.arn for ref in identity.attached}
    if isinstance(identity, User | Role) and identity.boundary is not None:
        arns.add(identity.boundary.arn)
    arns |= _named(own)
    known = groups_by_name(snapshot)
    for name in names:
        group = group_named(known, name)
        if group is None:
            continue
        theirs = history.of(group)
        yield from theirs
        arns |= {ref.arn for ref in group.attached} | _named(theirs)
    for arn in arns:
        policy = history.names.policy(arn)
        if policy is not None:
            yield from history.of(policy)


def _named(entries: Iterable[Change]) -> set[str]:
    named = {entry.part for entry in entries if entry.kind in (K.ATTACHED, K.DETACHED)}
    for entry in entries:
        if entry.kind in (K.BOUNDARY_SET, K.BOUNDARY_REMOVED):
            named |= {entry.was, entry.becomes}
    return named - {""}


def timeline(history: History, identity: Identity) -> Timeline:
    """The entries that met an identity, newest first, each with whether it was an administrator before and after."""
    state = _State(identity, history.snapshot)
    after = state.admin()
    now = after
    found: list[Entry] = []
    undated: list[Entry] = []
    for change in sorted(candidates(history, identity), key=order, reverse=True):
        via = state.meets(change)
        if change.at is not None and via and identity.created is not None and change.at < identity.created:
            continue  # it met nobody yet
        if change.at is None:
            if via is not None:
                undated.append(Entry(change, via))
            continue
        state.undo(change, via)
        if via is None:
            continue
        before = state.admin()
        found.append(Entry(change, via, before, after))
        after = before
    return Timeline((*found, *undated), _since(now, found, history, identity))


def _since(now: Admin, entries: Sequence[Entry], history: History, identity: Identity) -> AdminSince:
    if now is Admin.NO:
        return AdminSince(now, lost=next((entry for entry in entries if entry.admin_before is Admin.YES), None))
    if now is Admin.UNKNOWN:
        return AdminSince(now, unknown="policies that reach it were not read, so that it cannot be told whether it administers")
    for entry in entries:
        if entry.admin_before is Admin.NO:
            if entry.change.kind is K.CREATED:
                return AdminSince(now, entry, unknown="it administered from its beginning on, or by a change that nothing tells of")
            return AdminSince(now, entry)
        if entry.admin_before is Admin.UNKNOWN:
            text = entry.change.before.detail or "the text before it is not told"
            return AdminSince(
                now,
                unknown=f"at least since {_day(entry.change)}: what stood before that change is not known ({text})",
                needed=_needed(history.reach(identity.arn)),
            )
    oldest = entries[-1].change if entries else None
    reach = history.reach(identity.arn)
    begin = reach.since
    if identity.created is not None and begin is not None and begin <= identity.created and reach.certain:
        return AdminSince(now, unknown=f"since its creation on {identity.created:%Y-%m-%d}, or by a change that nothing tells of")
    if oldest is not None and oldest.at is not None and (begin is None or oldest.at < begin):
        words = f"before {oldest.at:%Y-%m-%d}, the oldest change that is told"
    elif begin is not None:
        words = f"before {begin:%Y-%m-%d}, where the events that were read begin"
    else:
        words = "before anything that was read tells of"
    return AdminSince(now, unknown=words, needed=_needed(history.reach(identity.arn)))


def _needed(reach: EventReach) -> str:
    older = f"CloudTrail events before {reach.since:%Y-%m-%d}" if reach.since is not None else "CloudTrail events"
    return f"{older} (files of a trail: --from PATH), or AWS Config items of that time"


def _day(change: Change) -> str:
    return f"{change.at:%Y-%m-%d}" if change.at is not None else "an unknown day"
