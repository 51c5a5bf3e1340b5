"""Who a role's trust policy, or the policy of a resource, lets in now and did not before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...model.finding import Severity
from ...model.surroundings import Surroundings
from ..diff import diff_documents
from ..documents import same_document
from ..exposure import Exposure, document_exposures
from ..trust import Trustee, summarize_trust
from .difference import Difference, Side, Turn, What
from .pairing import Pair
from .sides import Sides

_MOST = 6


def changed_trust(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    """A role that is there at both points."""
    was, is_now = pair.both
    old, new = was.trust, is_now.trust
    if same_document(old, new):
        return
    if not old or not new:
        side = Side.NEW if old else Side.OLD
        sides.note(side, f"trust policy of {pair.one.name}: its text was not read in the {side.value} one")
        return
    yield sides.of(pair, What.TRUST, Turn.CHANGED, **_changed(old, new, sides, pair.one.account or sides.account))


def new_trust(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    """A role that came or went: only what it opens or opened to the outside, its coming and going is told by itself."""
    role = pair.one
    if role.service_linked or not role.trust:
        return
    came = pair.old is None
    found = document_exposures(role.trust, role.account or sides.account, sides.new_around if came else sides.old_around)
    if not found:
        return
    yield sides.of(
        pair,
        What.TRUST,
        Turn.ADDED if came else Turn.REMOVED,
        _gravest(found) if came else Severity.LOW,
        f"{'lets in' if came else 'no longer lets in'} {_listed(one.who for one in found)}",
        grows=came,
        old_document="" if came else role.trust,
        new_document=role.trust if came else "",
        lines=tuple(_opening(one) for one in found),
    )


def resources(sides: Sides) -> Iterator[Difference]:
    """Policies of resources that were read at both points. Of others nobody knows whether they were not there or not read."""
    before, after = _of_account(sides.old_around, sides.account), _of_account(sides.new_around, sides.account)
    if not before and not after:
        return
    if not before or not after:
        side = Side.OLD if not before else Side.NEW
        sides.note(side, f"policies of resources: not read in the {side.value} one", partial=False)
        return
    since, until = sides.since, sides.until
    for arn in sorted(before.keys() & after.keys()):
        old, new = before[arn].document, after[arn].document
        if same_document(old, new):
            continue
        kind = arn.split(":")[2] if arn.count(":") >= 5 else "resource"
        told = _changed(old, new, sides, before[arn].account or sides.account)
        yield Difference(
            What.RESOURCE, Turn.CHANGED, kind, arn.split(":", 5)[-1], arn, sides.account, since=since, until=until, **told
        )  # fmt: skip
    for side, only in ((Side.NEW, before.keys() - after.keys()), (Side.OLD, after.keys() - before.keys())):
        if only:
            sides.note(side, f"policies of {len(only):,} resources are missing in the {side.value} one: taken off, or not read")


def _of_account(around: Surroundings, account: str) -> dict[str, Any]:
    return {arn: one for arn, one in around.resources.items() if one.account in ("", account)}


def _changed(old: str, new: str, sides: Sides, account: str) -> dict[str, Any]:
    """What a changed document lets in and does not any more, how grave that is, and in words."""
    before, after = summarize_trust(old, account).trustees, summarize_trust(new, account).trustees
    came = [one for one in after if not any(_as_open(other, one) for other in before)]
    went = [one for one in before if not any(_as_open(other, one) for other in after)]
    let_in = [one for one in came if one.effect == "Allow"]
    shut_out = [one for one in went if one.effect == "Allow"]
    undenied = [one for one in went if one.effect == "Deny"]
    known = {(one.who, one.actions, one.only_if) for one in document_exposures(old, account, sides.old_around)}
    opened = [one for one in document_exposures(new, account, sides.new_around) if (one.who, one.actions, one.only_if) not in known]
    grows = bool(let_in or undenied)
    parts = [
        f"{words} {_listed(map(told, found))}"
        for words, told, found in (
            ("lets in", _who, [one for one in let_in if not _named(one, before)]),
            ("lets in otherwise than before:", _who, [one for one in let_in if _named(one, before)]),
            ("no longer lets in", _who, [one for one in shut_out if not _named(one, after)]),
            ("no longer lets in as before, only under more conditions:", _plain, _narrowed(shut_out, let_in, after)),
        )
        if found
    ]
    if undenied:
        parts.append(f"no longer denies {_listed(map(_who, undenied))}")
    if not parts:
        changes = diff_documents(old, new).changes
        parts = [f"{change.label}: {', '.join(change.words)}" for change in changes[:_MOST]] or ["written otherwise, and means the same"]
    lines = [f"now: {one.sentence}" for one in came]
    lines += [f"no longer: {one.sentence}" for one in went]
    lines += [_opening(one) for one in opened] if grows else []
    severity = (_gravest(opened) if opened else Severity.MEDIUM) if grows else Severity.LOW
    return {
        "severity": min(severity, Severity.MEDIUM, key=lambda one: one.rank) if grows else severity,
        "words": "; ".join(parts),
        "grows": grows,
        "old_document": old,
        "new_document": new,
        "lines": tuple(lines),
    }


def _as_open(one: Trustee, other: Trustee) -> bool:
    """Whether a principal of one document lets in (or keeps out) at least whom and when one of the other does."""
    same = one.principal == other.principal and one.kind == other.kind and one.effect == other.effect and one.excepted is other.excepted
    return same and set(other.actions) <= set(one.actions) and set(one.conditions) <= set(other.conditions)


def _named(one: Trustee, others: Iterable[Trustee]) -> bool:
    """Whether a principal is let in by the other document as well, if otherwise."""
    return any(one.principal == other.principal and one.kind == other.kind and other.effect == "Allow" for other in others)


def _narrowed(shut_out: Iterable[Trustee], let_in: Iterable[Trustee], after: Iterable[Trustee]) -> list[Trustee]:
    """Principals that are still let in, and by no statement that is wider than before in any way."""
    return [one for one in shut_out if _named(one, after) and not _named(one, let_in)]


def _plain(one: Trustee) -> str:
    return one.words


def _who(one: Trustee) -> str:
    return one.words + (f" if {' and '.join(one.conditions)}" if one.conditions else "")


def _opening(one: Exposure) -> str:
    return f"{one.severity.value}: {one.who}, {one.why}"


def _gravest(found: Iterable[Exposure]) -> Severity:
    return min((one.severity for one in found), key=lambda severity: severity.rank)


def _listed(words: Iterable[str]) -> str:
    held = list(dict.fromkeys(words))
    return ", ".join(held[:_MOST]) + (f" and {len(held) - _MOST} more" if len(held) > _MOST else "")
