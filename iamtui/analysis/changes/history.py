"""The change history of an account: every source joined once, asked object by object or as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from ...model.account import Snapshot
from ...model.change import Author, Change, ChangeGap, ChangeKind, Tells
from ...model.configitem import ConfigItem, Recorder
from ...model.document import Gap
from ...model.event import Event, Window, WindowState
from ...model.fact import State
from ...model.identity import Group, Identity, Role, User
from ...model.policy import Policy
from ..attribution import Chains
from . import events as told_by_events
from . import items as told_by_items
from . import versions as told_by_versions
from .merging import merged
from .resolving import Names, kind_of_id
from .settling import Texts, by_object, settled_identity, settled_policy

K = ChangeKind
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_Items = Mapping[tuple[str, str], Sequence[ConfigItem]]


def home_region(partition: str) -> str:
    """The Region whose trail has IAM's events."""
    return _HOME.get(partition, "us-east-1")


class EventReach(msgspec.Struct, frozen=True):
    """How far the events reach that were read.

    since, until: what they cover; None when nothing was covered
    why:          why there is nothing, or what limits it, as a sentence part
    certain:      whether "none among them" means none: files never tell that
    """

    since: datetime | None = None
    until: datetime | None = None
    why: str = "no CloudTrail events were read"
    certain: bool = False


def reach_of(windows: Iterable[Window], partition: str, source: str) -> EventReach:
    """What the windows say about IAM's events: they are in one Region."""
    home = home_region(partition)
    held = [window for window in windows if window.region in ("", home)]
    if not held:
        return EventReach() if not tuple(windows) else EventReach(why=f"{home}, where IAM's events are, was not among the Regions asked")
    good = [
        w for w in held if w.state in (WindowState.COVERED, WindowState.PARTIAL, WindowState.RUNNING, WindowState.THROTTLED) and w.since
    ]
    if not good:
        worst = held[0]
        return EventReach(
            why=f"CloudTrail was {worst.state.value} in {home}: {worst.reason}" if worst.reason else f"CloudTrail was {worst.state.value}"
        )
    since = max(w.since for w in good if w.since)  # several questions were asked: all of them reach back to the latest only
    until = min((w.until for w in good if w.until), default=None)
    why = "event history holds 90 days" if source == "live" else "" if source == "demo" else "what the files hold"
    certain = source in ("live", "demo") and all(w.state is WindowState.COVERED for w in good)
    return EventReach(since, until, why, certain)


class History:
    """All changes of one account. Built once for what has been read; everything asked of it afterwards is a look-up.

    entries: oldest first
    drifts:  by object, what stands otherwise than the last entry says
    """

    def __init__(
        self, snapshot: Snapshot, events: Iterable[Event], items: _Items, chains: Chains, reach: Callable[[str], EventReach]
    ) -> None:
        self.snapshot = snapshot
        self._reach, self._reaches = reach, {}  # type: tuple[Callable[[str], EventReach], dict[str, EventReach]]
        self.names = Names(snapshot)
        self.texts = Texts()
        self.items = {(snapshot.account, key): tuple(held) for (account, key), held in items.items() if account in ("", snapshot.account)}
        self.drifts: dict[tuple[str, str], tuple[str, ...]] = {}
        everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles, *snapshot.groups)
        self._identities = {_key(identity): identity for identity in everyone}
        self._policies = {_key(policy): policy for policy in snapshot.policies}
        raw: list[Change] = list(told_by_versions.changes_of(snapshot))
        raw += told_by_events.changes_of(events, lambda account: self.names if account in ("", snapshot.account) else None)
        for held in self.items.values():
            told = told_by_items.changes_of(held)
            raw += (change if change.account else msgspec.structs.replace(change, account=snapshot.account) for change in told)
        self._objects: dict[tuple[str, str], list[Change]] = {}
        self._settle(by_object(merged(raw)), lambda change: self._authored(change, chains))
        self.entries: tuple[Change, ...] = tuple(
            sorted((e for held in self._objects.values() for e in held), key=lambda e: (e.at is not None, e.at))
        )
        self._parts: dict[str, list[Change]] | None = None

    def reach(self, arn: str = "") -> EventReach:
        """How far the events reach that were read about an ARN, or about the whole account."""
        held = self._reaches.get(arn)
        if held is None:
            held = self._reaches[arn] = self._reach(arn)
        return held

    def _settle(self, objects: Mapping[tuple[str, str, str], list[Change]], author: Callable[[Change], Change]) -> None:
        """Policies first: what an attachment gives is what the policy said then."""
        for policies in (True, False):
            for (_, target, ident), held in objects.items():
                if (target == "policy") is not policies:
                    continue
                items = self.items.get((self.snapshot.account, ident), ())
                if policies:
                    settled, drift = settled_policy(held, self._policies.get((target, ident)), items, self.texts)
                else:
                    settled, drift = settled_identity(held, self._identities.get((target, ident)), items, self.texts)
                self._objects[target, ident] = [author(entry) for entry in settled]
                if drift:
                    self.drifts[target, ident] = tuple(drift)
            if policies:
                for policy in self.snapshot.policies:
                    if _key(policy) not in self._objects and policy.default_version is not None:
                        self.texts.add(policy.arn, (), policy.default_version.document)

    def _authored(self, change: Change, chains: Chains) -> Change:
        if change.event is not None:
            chain = chains.of(change.event)
            actor = change.event.actor
            told = Author(actor.name, actor.arn, chain.words if chain.whole else "", chain.name, chain.missing)
            return msgspec.structs.replace(change, author=told)
        if change.author.actor:
            return change
        return msgspec.structs.replace(change, author=Author(missing=self._why(change)))

    def _why(self, change: Change) -> str:
        """Why no event tells who it was."""
        reach, at = self.reach(change.arn), change.at
        if at is None:
            return "nobody tells when it was, so that no event can be found"
        if reach.since is None:
            return reach.why
        if at < reach.since:
            limit = f" ({reach.why})" if reach.why else ""
            return f"the events that were read begin on {reach.since:%Y-%m-%d}{limit}"
        if reach.until is not None and at > reach.until:
            return f"the events that were read end on {reach.until:%Y-%m-%d}"
        if not reach.certain:
            return "no such call is among the events that were read; of that time some may be missing"
        return "no such call is among the events that were read, and they cover that time"

    # -- one object --------------------------------------------------------------------------------------------------

    def of(self, item: Identity | Policy) -> tuple[Change, ...]:
        """The object's own entries, oldest first."""
        target, ident = _key(item)
        return tuple(self._objects.get((target, ident), ()))

    def of_key(self, target: str, ident: str) -> tuple[Change, ...]:
        return tuple(self._objects.get((target, ident), ()))

    def touching(self, item: Identity | Policy) -> tuple[Change, ...]:
        """Entries of others that are about this one: a group's members, who got or lost a policy; oldest first."""
        if self._parts is None:
            self._parts = {}
            for entry in self.entries:
                if entry.kind in (K.JOINED, K.LEFT):
                    self._parts.setdefault(f"group/{entry.part.casefold()}", []).append(entry)
                elif entry.kind in (K.ATTACHED, K.DETACHED):
                    self._parts.setdefault(entry.part, []).append(entry)
                elif entry.kind in (K.BOUNDARY_SET, K.BOUNDARY_REMOVED):
                    for arn in dict.fromkeys(filter(None, (entry.was, entry.becomes))):
                        self._parts.setdefault(arn, []).append(entry)
        if isinstance(item, Group):
            return tuple(self._parts.get(f"group/{item.name.casefold()}", ()))
        return tuple(self._parts.get(item.arn, ())) if isinstance(item, Policy) else ()

    def earlier(self, item: Identity | Policy) -> int:
        """How many entries are of others who bore the name before."""
        target, ident = _key(item)
        name = item.name.casefold()
        return sum(
            len(held)
            for (kind, key), held in self._objects.items()
            if kind == target and key != ident and held and held[0].name.casefold() == name
        )

    def gaps(self, item: Identity | Policy, recorders: Sequence[Recorder], refused: Sequence[Gap], source: str) -> tuple[ChangeGap, ...]:
        """What could not be told of one object, by source."""
        return tuple(self._gaps(item, recorders, refused, source))

    def _gaps(self, item: Identity | Policy, recorders: Sequence[Recorder], refused: Sequence[Gap], source: str) -> Iterator[ChangeGap]:
        target, ident = _key(item)
        reach = self.reach(item.arn)
        if reach.since is None:
            yield ChangeGap(Tells.EVENT, reach.why)
        else:
            began = item.created
            if began is None or began < reach.since:
                limit = f": {reach.why}" if reach.why else ""
                yield ChangeGap(Tells.EVENT, f"no events before {reach.since:%Y-%m-%d %H:%M}{limit}", None, reach.since)
            if not reach.certain:
                yield ChangeGap(
                    Tells.EVENT, "events of the covered time may be missing among those that were read", reach.since, reach.until
                )
        if isinstance(item, Policy):
            told = [entry.part for entry in self.of(item) if entry.kind in (K.CREATED, K.VERSION)]
            yield from told_by_versions.gaps_of(item, told)
        if isinstance(item, Policy) and item.aws_managed:
            return
        yield from self._config_gaps(target, ident, item, recorders, refused, source)
        yield from (ChangeGap(Tells.EVENT, words) for words in self.drifts.get((target, ident), ()))

    def notes(self, since: datetime | None, recorders: Sequence[Recorder], source: str) -> list[str]:
        """What limits an account-wide list that begins at `since`, as sentences."""
        reach = self.reach()
        found = []
        if reach.since is None:
            found.append(f"{Tells.EVENT.value}: {reach.why}")
        elif since is None or since < reach.since:
            limit = f" ({reach.why})" if reach.why else ""
            found.append(f"{Tells.EVENT.value}: no events before {reach.since:%Y-%m-%d %H:%M}{limit}")
        if reach.since is not None and not reach.certain:
            found.append(f"{Tells.EVENT.value}: events of the covered time may be missing among those that were read")
        told = len(self.items)
        if source == "live":
            found.append(f"{Tells.CONFIG.value}: asked only about what was opened ({told:,} so far)")
        elif not told:
            found.append(f"{Tells.CONFIG.value}: no items are among what was opened")
        else:
            found.append(f"{Tells.CONFIG.value}: items of {told:,} identities and policies are among what was opened")
        for one in recorders:
            for gap in _recorder_gaps(one):
                if since is None or gap.until is None or gap.until > since:
                    when = f", {gap.since:%Y-%m-%d %H:%M} to {gap.until:%Y-%m-%d %H:%M}" if gap.since and gap.until else ""
                    found.append(f"{Tells.CONFIG.value}: {gap.words}{when}")
        return found

    def _config_gaps(
        self, target: str, ident: str, item: Identity | Policy, recorders: Sequence[Recorder], refused: Sequence[Gap], source: str
    ) -> Iterator[ChangeGap]:
        del target
        items = told_by_items.ordered(self.items.get((self.snapshot.account, ident), ()))
        for gap in refused:
            where = f" in {gap.region}" if gap.region else ""
            yield ChangeGap(Tells.CONFIG, f"{gap.action or 'AWS Config'} {gap.state.value}{where}: {gap.reason}")
        recording = [one for one in recorders if one.state is State.KNOWN and one.iam]
        for one in recorders:
            yield from _recorder_gaps(one)
        if items and items[0].captured is not None:
            if item.created is None or items[0].captured > item.created:
                yield ChangeGap(Tells.CONFIG, f"no item before {items[0].captured:%Y-%m-%d %H:%M}", None, items[0].captured)
        elif not refused and not items:
            if recording:
                where = ", ".join(dict.fromkeys(one.region for one in recording if one.region))
                yield ChangeGap(Tells.CONFIG, f"no item of it was recorded{f' in {where}' if where else ''}")
            elif not recorders:
                yield ChangeGap(Tells.CONFIG, "was not asked" if source == "live" else "no item of it is among what was opened")


def _recorder_gaps(one: Recorder) -> Iterator[ChangeGap]:
    where = one.region or "a Region"
    if one.state is State.NOT_APPLICABLE:
        yield ChangeGap(Tells.CONFIG, f"{where} has no configuration recorder")
    elif one.state is not State.KNOWN:
        yield ChangeGap(Tells.CONFIG, f"the recorder of {where}: {one.state.value}, {one.reason}")
    elif one.iam is False:
        yield ChangeGap(Tells.CONFIG, f"the recorder of {where} does not record IAM")
    elif one.on is False:
        yield ChangeGap(Tells.CONFIG, f"the recorder of {where} is off", one.stopped, None)
    elif one.stopped is not None and one.started is not None and one.stopped < one.started:
        yield ChangeGap(Tells.CONFIG, f"the recorder of {where} was off", one.stopped, one.started)
    if one.state is State.KNOWN and one.reason:
        yield ChangeGap(Tells.CONFIG, f"the recorder of {where} fails: {one.reason}")


def _key(item: Identity | Policy) -> tuple[str, str]:
    if isinstance(item, Policy):
        return "policy", item.policy_id or f"name:{item.arn}"
    target = {User: "user", Role: "role", Group: "group"}[type(item)]
    return target, item.unique_id or f"name:{item.name.casefold()}"


__all__ = ["EventReach", "History", "home_region", "kind_of_id", "reach_of"]
