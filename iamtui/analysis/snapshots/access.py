"""What follows from all of it: who administers, who can come to administer, and who may do more or less, by the engine.

An administrator's rights and the ways to them are worked out for everybody at both points, because a role that becomes an administrator
changes what others can become. Effective access is compared for those whose own policies, groups or boundary are others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ...model.account import CREDENTIALS, Snapshot
from ...model.fact import State
from ...model.finding import Severity
from ...model.identity import Group, Identity, Role, User
from ...model.surroundings import Surroundings
from ..access import NOTHING_AROUND, Around, around
from ..effective import Access as Line
from ..effective import EffectiveAccess, effective_access
from ..escalation.evaluating import Escalation, Field, Hops, escalations, hops
from ..preflight import Change as Access
from .difference import Difference, Side, Turn, What
from .pairing import Pair
from .policies import access_words
from .sides import Sides

MOST_COMPARED = 400
"""Identities whose effective access is worked out for one comparison, each with other policies: some 20 ms each at most."""

EVERYTHING = Access("every service", "every level", ("*:*",), ("*",), False, (), "effective access", "an administrator's rights")
_LISTS_NEEDED = "users, roles, groups and policies are not all there at both points"
_GRAVE = "Permissions management"


class _Standing(msgspec.Struct, frozen=True, eq=False):
    """One point: who administers, and by ARN the ways to it: path id -> (whether it is certain, in words)."""

    field: Field
    ways: dict[str, dict[str, tuple[bool, str]]]


def standing(sides: Sides, wanted: Callable[[Any], bool], *, focused: bool, cancelled: Callable[[], bool]) -> Iterator[Difference]:
    """Administrators, escalation and effective access."""
    people: Sequence[Pair[Any]] = (*sides.users, *sides.roles)
    chosen = [pair for pair in people if wanted(pair)]
    ways = sides.lists_whole
    if not ways:
        sides.note(Side.BOTH, f"ways to an administrator's rights: {_LISTS_NEEDED}")
    arounds = _surroundings(sides)
    told = all(one.section(CREDENTIALS).state is State.KNOWN for one in (sides.old, sides.new))
    found = []
    for snapshot, surroundings, identities in (
        (sides.old, arounds[0], [pair.old for pair in chosen if pair.old is not None]),
        (sides.new, arounds[1], [pair.new for pair in chosen if pair.new is not None]),
    ):
        if cancelled():
            return
        fair = snapshot if told else msgspec.structs.replace(snapshot, credentials={})
        field = Field(fair, surroundings)
        found.append(_Standing(field, _ways(field, identities if focused else (), found=ways and bool(identities or not focused))))
    old, new = found
    unread: dict[tuple[Side, str], list[str]] = {}
    compared: list[Pair[Any]] = []
    for pair in chosen:
        holes = _unread(pair, old.field, new.field)
        if holes:
            for side, name in holes:
                unread.setdefault((side, name), []).append(pair.one.name)
            continue
        yield from _administers(sides, pair, old, new)
        if ways:
            yield from _escalates(sides, pair, old, new)
        if not _given_alike(pair):
            compared.append(pair)
    for (side, name), names in unread.items():
        whose = names[0] if len(names) == 1 else f"{len(names):,} identities"
        sides.note(side, f"what {whose} may do: {name} was not read in the {side.value} one")
    groups = [pair for pair in sides.groups if pair.old is not None and pair.new is not None and wanted(pair) and not _given_alike(pair)]
    yield from _effective(sides, [*compared, *groups], old.field.admins, new.field.admins, arounds, cancelled)


def _surroundings(sides: Sides) -> tuple[Surroundings, Surroundings]:
    """The organisation's policies count where both points tell them: else all would seem to change with their being read."""
    told = [one.organization_of(sides.account) is not None for one in (sides.old_around, sides.new_around)]
    if all(told):
        return sides.old_around, sides.new_around
    if any(told):
        side = Side.OLD if told[1] else Side.NEW
        sides.note(side, f"organisation policies: not read in the {side.value} one, so they count at neither point")
    return NOTHING_AROUND, NOTHING_AROUND


def _ways(field: Field, only: Iterable[Identity], *, found: bool) -> dict[str, dict[str, tuple[bool, str]]]:
    if not found:
        return {}
    ways: dict[str, dict[str, tuple[bool, str]]] = {}
    walked = escalations(field)
    chosen = {identity.arn for identity in only}
    for way in walked:
        if not chosen or way.identity.arn in chosen:
            ways.setdefault(way.identity.arn, {})[way.path.id] = (not way.conditions, _way_words(way))
    for chain in hops(field, walked):
        if not chosen or chain.identity.arn in chosen:
            sure = len(chain.roles) == 1 and chain.last is None
            ways.setdefault(chain.identity.arn, {})["sts:AssumeRole"] = (sure, _chain_words(chain))
    return ways


def _way_words(way: Escalation) -> str:
    when = f" when {way.conditions}" if way.conditions else ""
    unseen = f" (not seen here: {'; '.join(way.unseen)})" if way.unseen else ""
    return f"can become {way.ends_as}: {way.path.title}{when}{unseen}"


def _chain_words(chain: Hops) -> str:
    return f"ends as an administrator by assuming {' → '.join(role.name for role in chain.roles)}"


def _unread(pair: Pair[Any], old: Field, new: Field) -> list[tuple[Side, str]]:
    """Policies and groups of an identity that were not read, at either point: what they give is not known."""
    holes = []
    for side, item, field in ((Side.OLD, pair.old, old), (Side.NEW, pair.new, new)):
        held = field.around.get(item.arn) if item is not None else None
        holes += [(side, name) for name in (held.unread if held is not None else ())]
    return holes


def _administers(sides: Sides, pair: Pair[Any], old: _Standing, new: _Standing) -> Iterator[Difference]:
    was = pair.old is not None and pair.old.arn in old.field.admins
    is_now = pair.new is not None and pair.new.arn in new.field.admins
    if was is is_now or (isinstance(pair.one, Role) and pair.one.service_linked):
        return
    if is_now:
        yield sides.of(
            pair,
            What.ADMIN,
            Turn.ADDED,
            Severity.CRITICAL,
            "is an administrator now",
            grows=True,
            after="administrator",
            gained=(EVERYTHING,),
        )
        return
    again = list(new.ways.get(pair.new.arn, {}).values()) if pair.new is not None else []
    words = f"is no administrator any more{', and ' + again[0][1] if again else ''}"
    lines = tuple(words for _, words in again)
    yield sides.of(pair, What.ADMIN, Turn.REMOVED, Severity.LOW, words, before="administrator", lost=(EVERYTHING,), lines=lines)


def _escalates(sides: Sides, pair: Pair[Any], old: _Standing, new: _Standing) -> Iterator[Difference]:
    """Ways of one who is an administrator at neither point."""
    if (pair.old is not None and pair.old.arn in old.field.admins) or (pair.new is not None and pair.new.arn in new.field.admins):
        return
    before = old.ways.get(pair.old.arn, {}) if pair.old is not None else {}
    after = new.ways.get(pair.new.arn, {}) if pair.new is not None else {}
    if before == after:
        return
    for turn, one, other in ((Turn.ADDED, after, before), (Turn.REMOVED, before, after)):
        more = {path: told for path, told in one.items() if path not in other or (told[0] and not other[path][0])}
        if not more:
            continue
        certain = [words for sure, words in more.values() if sure]
        lines = (*certain, *(words for sure, words in more.values() if not sure))
        others = len(lines) - 1
        words = lines[0] + (f", and {others} other {'way' if others == 1 else 'ways'}" if others else "")
        added = turn is Turn.ADDED
        severity = (Severity.HIGH if certain else Severity.MEDIUM) if added else Severity.LOW
        shown = ", ".join(sorted(more))
        yield sides.of(
            pair,
            What.ESCALATION,
            turn,
            severity,
            words if added else f"no longer {words}",
            grows=added,
            before="" if added else shown,
            after=shown if added else "",
            lines=lines,
        )


# -- effective access ------------------------------------------------------------------------------------------------


def _given_alike(pair: Pair[Any]) -> bool:
    """Whether an identity has the same policies, groups and boundary by name; what those say is told where they are told."""
    old, new = pair.old, pair.new
    if old is None or new is None:
        return False
    parts = ["attached", "inline"] + ([] if isinstance(new, Group) else ["boundary"]) + (["groups"] if isinstance(new, User) else [])
    return all(getattr(old, part) == getattr(new, part) for part in parts)


def _effective(
    sides: Sides,
    changed: list[Pair[Any]],
    were: set[str],
    are: set[str],
    arounds: tuple[Surroundings, Surroundings],
    cancelled: Callable[[], bool],
) -> Iterator[Difference]:
    known: dict[object, EffectiveAccess] = {}
    left = 0
    for pair in changed:
        was_admin, is_admin = pair.old is not None and pair.old.arn in were, pair.new is not None and pair.new.arn in are
        if was_admin or is_admin or (isinstance(pair.one, Role) and pair.one.service_linked):
            continue  # that it administers, or does no more, says all
        if cancelled():
            return
        held = [
            (item, snapshot, around(item, snapshot), surroundings) if item is not None else None
            for item, snapshot, surroundings in ((pair.old, sides.old, arounds[0]), (pair.new, sides.new, arounds[1]))
        ]
        keys = [_key(*one) if one is not None else None for one in held]
        if keys[0] == keys[1] or any(one is not None and one[2].unread for one in held):
            continue
        if len(known) >= MOST_COMPARED and any(key is not None and key not in known for key in keys):
            left += 1
            continue
        answers = []
        for one, key in zip(held, keys, strict=True):
            if one is None or key is None:
                answers.append(EffectiveAccess((), ()))
                continue
            if key not in known:
                known[key] = effective_access(one[0], one[1], one[3])
            answers.append(known[key])
        gained, lost = more(*answers), more(answers[1], answers[0])
        if gained or lost:
            yield _told(sides, pair, gained, lost)
    if left:
        sides.note(Side.BOTH, f"access of {left:,} more identities with other policies was not worked out (the first {MOST_COMPARED} were)")


def _key(identity: Identity, snapshot: Snapshot, found: Around, surroundings: Surroundings) -> tuple[object, ...]:
    """What decides an identity's access; who it is only where its policies ask."""
    texts = tuple(sorted(one.text for one in found.layers.identity))
    limits = tuple(one.text for one in found.layers.boundary) if found.layers.boundary is not None else None
    return texts, limits, identity.arn if found.personal else type(identity), id(surroundings)


def _told(sides: Sides, pair: Pair[Any], gained: tuple[Access, ...], lost: tuple[Access, ...]) -> Difference:
    from .identities import reached

    turn = Turn.CHANGED if gained and lost else Turn.ADDED if gained else Turn.REMOVED
    grave = any(one.level == _GRAVE for one in gained)
    severity = (Severity.HIGH if grave else Severity.MEDIUM) if gained else Severity.LOW
    parts = [f"may do more: {access_words(gained)}"] if gained else []
    parts += [f"may do less: {access_words(lost)}"] if lost else []
    return sides.of(
        pair, What.ACCESS, turn, severity, "; ".join(parts), grows=bool(gained), gained=gained, lost=lost, reaches=reached(pair.one, sides)
    )


def more(one: EffectiveAccess, other: EffectiveAccess) -> tuple[Access, ...]:
    """What the other access has beyond the one: actions, or the same on more resources or under fewer conditions."""
    mine = one.actions()
    found: dict[tuple[object, ...], list[str]] = {}
    for action, lines in other.actions().items():
        before = mine.get(action, ())
        for line in lines:
            if not any(_takes_in(held, line) for held in before):
                found.setdefault((line.service, line.level, line.resources, line.excepted, _only_if(line), bool(before)), []).append(action)
    return tuple(
        Access(
            service,  # type: ignore[arg-type]
            level,  # type: ignore[arg-type]
            tuple(actions),
            resources,  # type: ignore[arg-type]
            excepted,  # type: ignore[arg-type]
            conditions,  # type: ignore[arg-type]
            "effective access",
            "on other resources, or under fewer conditions" if known else "not allowed on the other side",
        )
        for (service, level, resources, excepted, conditions, known), actions in found.items()
    )


def _only_if(line: Line) -> tuple[str, ...]:
    return tuple(part for part in (line.conditions, line.within) if part)


def _takes_in(wider: Line, line: Line) -> bool:
    """Whether a line of access takes in all of another one."""
    if wider.conditions not in ("", line.conditions) or wider.within not in ("", line.within):
        return False
    if wider.resources == ("*",) and not wider.excepted:
        return True
    if wider.excepted or line.excepted:
        return wider.excepted is line.excepted and set(wider.resources) <= set(line.resources)
    from ...policy.arns import arn_test, tokens

    return all(
        any(one == part or ("${" not in one and arn_test(tokens(one, False))(part)) for one in wider.resources) for part in line.resources
    )
