"""Unused access as Access Analyzer tells it beside last uses as they were read: roles, passwords, keys, permissions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ..model.account import Snapshot
from ..model.analyzer import Analyzer, AnalyzerFinding, AnalyzerKind, Status
from ..model.fact import Fact, State
from ..model.identity import Identity, Role, User
from ..model.surroundings import Surroundings
from .claims import ARCHIVED, Compared, Known, Verdict, by_claim, day
from .unused import idle_words, signs

DEFAULT_DAYS = 90


def unused_claims(known: Known, findings: Sequence[AnalyzerFinding]) -> list[Compared]:
    identities: dict[str, tuple[Identity, Snapshot]] = {}
    for snapshot in known.snapshots:
        everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles)
        for identity in everyone:
            identities[identity.arn] = (identity, snapshot)
    rows: list[Compared] = []
    told: set[str] = set()
    for same in by_claim(one for one in findings if one.kind is AnalyzerKind.UNUSED).values():
        finding, regions = same[0], tuple(dict.fromkeys(one.region for one in same if one.region))
        if finding.type != "UnusedPermission":
            told.add(finding.resource)
        days = _days(known.surroundings, finding)
        if finding.status is Status.RESOLVED:
            why = f"over since {day(finding.updated)}, by AWS"
            rows.append(_row(Verdict.RESOLVED, finding, "", why, regions))
            continue
        held = identities.get(finding.resource)
        if held is None:
            rows.append(_row(Verdict.NOT_JUDGED, finding, "", "it is not in what was read; it may be deleted", regions))
        elif finding.type == "UnusedPermission":
            rows.append(_permission(known, finding, days, regions))
        else:
            rows.append(_idle(known, finding, *held, days, regions))
    analyzers = [one for one in known.surroundings.analyzers.values() if one.kind is AnalyzerKind.UNUSED and one.status in ("ACTIVE", "")]
    for arn, (identity, snapshot) in identities.items():
        if (isinstance(identity, Role) and identity.service_linked) or arn in told:
            continue
        days = next((one.days for one in analyzers if one.days), DEFAULT_DAYS)
        if identity.created is not None and identity.created > known.now - timedelta(days=days):
            continue
        idle = idle_words(identity, signs(identity, snapshot, ()), known.now, days)
        if idle:
            what = "the whole role" if isinstance(identity, Role) else "password and keys"
            rows.append(Compared(Verdict.ONLY_HERE, AnalyzerKind.UNUSED, arn, what, idle, (_why_no_unused(known, analyzers, days),)))
    return rows


def _row(verdict: Verdict, finding: AnalyzerFinding, ours: str, why: str, regions: tuple[str, ...]) -> Compared:
    archived = (ARCHIVED,) if finding.status is Status.ARCHIVED else ()
    return Compared(
        verdict, finding.kind, finding.resource, unused_words(finding), ours, (*archived, *((why,) if why else ())), finding, None, regions
    )


def unused_words(finding: AnalyzerFinding) -> str:
    """What is unused, in words."""
    match finding.type:
        case "UnusedIAMRole":
            return "the whole role"
        case "UnusedIAMUserPassword":
            return "the password"
        case "UnusedIAMUserAccessKey":
            return f"key {finding.access_key}" if finding.access_key else "an access key"
    if not finding.unused:
        return "permissions, details not read"
    parts = [f"{one.service}: {', '.join(one.actions) if one.actions else 'all of it'}" for one in finding.unused]
    return "; ".join(parts)


def _idle(known: Known, finding: AnalyzerFinding, identity: Identity, snapshot: Snapshot, days: int, regions: tuple[str, ...]) -> Compared:
    """A role, a password or a key as a whole, by RoleLastUsed and the credential report."""
    facts = [fact for label, fact in signs(identity, snapshot, ()) if _is_about(finding, identity, label)]
    cutoff = known.now - timedelta(days=days)
    unread = [fact for fact in facts if fact.state in (State.NOT_LOADED, State.DENIED, State.FAILED)]
    dates = [fact.value for fact in facts if fact.is_known and fact.value is not None]
    recent = [date for date in dates if date >= cutoff]
    if not facts or (unread and not dates):
        why = "nothing was read here that tells its last use" + (f" ({unread[0].state.value})" if unread else "")
        return _row(Verdict.NOT_JUDGED, finding, "", why, regions)
    if finding.type == "UnusedIAMUserAccessKey" and len(facts) > 1 and recent and len(recent) < len(dates):
        recent = []  # one of two keys is idle; which of them is this one, the report does not tell
    if not recent:
        seen = f"last used {day(max(dates))}" if dates else "never seen used"
        return _row(Verdict.BOTH, finding, f"{seen}; unused after {days} days", "", regions)
    last = max(recent)
    looked = finding.analyzed or finding.updated
    if looked is not None and last > looked:
        why = f"it was used on {day(last)}, after AWS looked ({day(looked)})"
    else:
        why = f"it was used on {day(last)} by what was read here; AWS's period is {days} days"
    return _row(Verdict.ONLY_AWS, finding, "", why, regions)


def _is_about(finding: AnalyzerFinding, identity: Identity, label: str) -> bool:
    if isinstance(identity, User):
        return label.startswith("password" if finding.type == "UnusedIAMUserPassword" else "key") or label == "password and keys"
    return True


def _permission(known: Known, finding: AnalyzerFinding, days: int, regions: tuple[str, ...]) -> Compared:
    """Services and actions, by last-accessed details on hand."""
    usage = known.usage(finding.resource)
    if not finding.unused:
        return _row(Verdict.NOT_JUDGED, finding, "", "AWS's details were not read", regions)
    if not usage.is_known or usage.value is None:
        why = f"last-accessed details are {usage.state.value}: iamtui sweep last-used asks for them"
        return _row(Verdict.NOT_JUDGED, finding, "", why, regions)
    cutoff = known.now - timedelta(days=days)
    services = {service.namespace.lower(): service for service in usage.value.services}
    used: list[str] = []
    unseen: list[str] = []
    for one in finding.unused:
        service = services.get(one.service)
        if service is None:
            unseen.append(one.service)
            continue
        tracked = {action.name.lower(): action.last_used for action in service.actions}
        if not one.actions:
            used += [f"{one.service} on {day(service.last_used.value)}"] if _recent(service.last_used, cutoff) else []
        elif _recent(service.last_used, cutoff):
            for name in one.actions:
                fact = tracked.get(name.lower())
                if fact is None:
                    unseen.append(f"{one.service}:{name}")
                elif _recent(fact, cutoff):
                    used.append(f"{one.service}:{name} on {day(fact.value)}")
    if used:
        return _row(Verdict.ONLY_AWS, finding, "", f"last-accessed details say used: {', '.join(used[:4])}", regions)
    why = f"not in last-accessed details: {', '.join(unseen[:4])}" if unseen else ""
    told = f"not used in {days} days by last-accessed details of {day(usage.value.completed)}"
    return _row(Verdict.BOTH if not unseen else Verdict.NOT_JUDGED, finding, told if not unseen else "", why, regions)


def _recent(fact: Fact[datetime], cutoff: datetime) -> bool:
    return fact.is_known and fact.value is not None and fact.value >= cutoff


def _days(surroundings: Surroundings, finding: AnalyzerFinding) -> int:
    analyzer = surroundings.analyzers.get(finding.analyzer)
    return analyzer.days if analyzer is not None and analyzer.days else DEFAULT_DAYS


def _why_no_unused(known: Known, analyzers: Sequence[Analyzer], days: int) -> str:
    if not analyzers:
        looked = known.surroundings.analyzer_regions
        return "there is no unused-access analyzer in what was read" if looked else "Access Analyzer was not asked"
    left_out = [words for one in analyzers for words in one.excluded]
    if left_out:
        return f"the analyzer leaves out {'; '.join(left_out)}"
    return f"the analyzer's period is {days} days, and it has not called this unused: it may be excluded, or AWS counts a use not told here"
