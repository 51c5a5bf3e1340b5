"""Changes as AWS Config tells them: what differs between one item of a resource and the next.

An item is written minutes to hours after the change, and several changes can fall between two items: what it tells is that the state
differs, and between when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from ...model.change import Change, ChangeKind, Tells, Told
from ...model.configitem import ConfigItem
from ...model.fact import Fact, State, absent, known
from ..documents import same_document
from .versions import number

K = ChangeKind
_NONE: Fact[str] = absent(State.NOT_APPLICABLE)
_NEW = timedelta(days=2)


def ordered(items: Iterable[ConfigItem]) -> tuple[ConfigItem, ...]:
    """Items of one resource, oldest first, without those that repeat the state before them: two Regions may record the same."""
    dated = sorted((item for item in items if item.captured is not None), key=lambda item: (item.captured, item.region, item.state_id))
    kept: list[ConfigItem] = []
    for item in dated:
        if item.status == "ResourceNotRecorded" or item.broken:
            continue
        if kept and _state(kept[-1]) == _state(item):
            continue
        kept.append(item)
    return tuple(kept)


def _state(item: ConfigItem) -> tuple[object, ...]:
    if item.deleted:
        return ("deleted",)
    return (item.documents, item.attached, item.groups, item.trust, item.boundary, item.default, item.tags, item.name)


def changes_of(items: Iterable[ConfigItem]) -> Iterator[Change]:
    """What changed from item to item of one resource, oldest first. The first item tells a state and no change, unless it is the
    resource's beginning."""
    before: ConfigItem | None = None
    for item in ordered(items):
        if item.deleted:
            if before is None or not before.deleted:
                yield _change(item, before, K.DELETED, "", _NONE, _NONE)
        elif before is None or before.deleted:
            if item.created is not None and item.captured is not None and item.captured - item.created <= _NEW:
                yield _created(item)
        else:
            yield from _differences(before, item)
        before = item


def _created(item: ConfigItem) -> Change:
    after: Fact[str] = _NONE
    part = ""
    if item.target == "policy":
        part, after = item.default, _version(item, item.default)
    elif item.target == "role":
        after = known(item.trust, Tells.CONFIG.value) if item.trust else absent(State.NO_INFORMATION)
    return _change(item, None, K.CREATED, part, _NONE, after, at=item.created, default=True if item.target == "policy" else None)


def _change(
    item: ConfigItem,
    before: ConfigItem | None,
    kind: ChangeKind,
    part: str,
    old: Fact[str],
    new: Fact[str],
    *,
    at: datetime | None = None,
    was: str = "",
    becomes: str = "",
    default: bool | None = None,
) -> Change:
    where = f"{item.region or 'Config'} {item.state_id}".strip()
    return Change(
        kind=kind,
        target=item.target,
        name=item.name,
        account=item.account,
        at=at or item.captured,
        told=(Told(Tells.CONFIG, item.captured, where),),
        arn=item.arn,
        unique_id=item.resource_id,
        part=part,
        not_before=None if at is not None or before is None else before.captured,
        before=old,
        after=new,
        was=was,
        becomes=becomes,
        default=default,
        related=item.related,
    )


def _differences(old: ConfigItem, new: ConfigItem) -> Iterator[Change]:
    for arn in new.attached:
        if arn not in old.attached:
            yield _change(new, old, K.ATTACHED, arn, _NONE, absent(State.NO_INFORMATION))
    for arn in old.attached:
        if arn not in new.attached:
            yield _change(new, old, K.DETACHED, arn, absent(State.NO_INFORMATION), _NONE)
    if new.target == "policy":
        yield from _policy(old, new)
    else:
        yield from _inline(old, new)
    if old.groups is not None and new.groups is not None:
        for group in new.groups:
            if group not in old.groups:
                yield _change(new, old, K.JOINED, group, _NONE, absent(State.NO_INFORMATION))
        for group in old.groups:
            if group not in new.groups:
                yield _change(new, old, K.LEFT, group, absent(State.NO_INFORMATION), _NONE)
    if old.trust and new.trust and not same_document(old.trust, new.trust):
        yield _change(new, old, K.TRUST, "", known(old.trust, Tells.CONFIG.value), known(new.trust, Tells.CONFIG.value))
    if new.boundary and new.boundary != old.boundary:
        yield _change(new, old, K.BOUNDARY_SET, "", _NONE if not old.boundary else absent(State.NO_INFORMATION), absent(State.NO_INFORMATION), was=old.boundary, becomes=new.boundary)  # fmt: skip
    elif old.boundary and not new.boundary:
        yield _change(new, old, K.BOUNDARY_REMOVED, "", absent(State.NO_INFORMATION), _NONE, was=old.boundary)
    if new.tags != old.tags:
        yield from _tags(old, new)
    if new.name != old.name:
        yield _change(new, old, K.RENAMED, "", _NONE, _NONE, was=old.name, becomes=new.name)


def _inline(old: ConfigItem, new: ConfigItem) -> Iterator[Change]:
    mine, theirs = dict(old.documents), dict(new.documents)
    for name, text in theirs.items():
        if name not in mine or not same_document(mine[name], text):
            before = known(mine[name], Tells.CONFIG.value) if mine.get(name) else _NONE
            yield _change(new, old, K.PUT, name, before, _told(text))
    for name, text in mine.items():
        if name not in theirs:
            yield _change(new, old, K.REMOVED, name, _told(text), _NONE)


def _told(text: str) -> Fact[str]:
    return known(text, Tells.CONFIG.value) if text else absent(State.NO_INFORMATION)


def _version(item: ConfigItem, version: str) -> Fact[str]:
    return _told(dict(item.documents).get(version, ""))


def _policy(old: ConfigItem, new: ConfigItem) -> Iterator[Change]:
    """Versions made and removed, and the default switched. Items often hold the version in force alone."""
    had, have = dict(old.documents), dict(new.documents)
    whole = len(had) > 1 and len(have) > 1  # both seem to hold every version
    if whole:
        for version in have:
            if version not in had and version != new.default:
                yield _change(
                    new, old, K.VERSION, version, _version(old, old.default), _version(new, version), becomes=version, default=False
                )
        for version in had:
            if version not in have:
                yield _change(new, old, K.VERSION_DELETED, version, _version(old, version), _NONE)
    if new.default != old.default and new.default:
        made = new.default not in had and (
            number(new.default) > number(old.default)
            if new.made is None or old.captured is None
            else new.made > old.captured or number(new.default) > number(old.default)
        )
        yield _change(
            new,
            old,
            K.VERSION if made else K.DEFAULT,
            new.default,
            _version(old, old.default),
            _version(new, new.default),
            was=old.default,
            becomes=new.default,
            default=True,
            at=new.made if made and new.made is not None and (old.captured is None or new.made > old.captured) else None,
        )


def _tags(old: ConfigItem, new: ConfigItem) -> Iterator[Change]:
    had, have = dict(old.tags), dict(new.tags)
    set_ = [key for key, value in have.items() if had.get(key) != value]
    gone = [key for key in had if key not in have]
    if set_:
        was = ", ".join(f"{key}={had[key]}" for key in set_ if key in had)
        yield _change(new, old, K.TAGGED, ", ".join(set_), _NONE, _NONE, was=was, becomes=", ".join(f"{k}={have[k]}" for k in set_))
    if gone:
        yield _change(new, old, K.UNTAGGED, ", ".join(gone), _NONE, _NONE, was=", ".join(f"{key}={had[key]}" for key in gone))
