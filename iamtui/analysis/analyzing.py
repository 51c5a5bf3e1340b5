"""What Access Analyzer says and what our own analyses say, side by side: where they agree, and why where they do not.

The two do not look at the same things: an analyzer sees its Region, the kinds of resource it supports and what is outside its zone of trust;
we see what was read. So a difference is told with the reason that the facts carry, and as not known where they carry none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from ..model.account import Snapshot
from ..model.analyzer import Analyzer, AnalyzerFinding, AnalyzerKind, Status
from ..model.event import Event
from ..model.fact import Fact, State
from ..model.identity import Identity, Role, User
from ..model.surroundings import Surroundings
from ..model.usage import UsageReport
from .exposure import Exposure
from .unused import idle_words, signs

# https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html, as services of ARNs
AWS_LOOKS_AT = frozenset(
    ("s3", "s3express", "iam", "kms", "lambda", "sqs", "secretsmanager", "sns", "ec2", "rds", "ecr", "elasticfilesystem", "dynamodb")
)
WE_READ = frozenset(("s3", "iam", "kms", "lambda", "sqs", "secretsmanager", "sns", "ecr"))
DEFAULT_DAYS = 90


class Verdict(StrEnum):
    BOTH = "both"
    ONLY_AWS = "only AWS"
    ONLY_HERE = "only here"
    NOT_JUDGED = "not judged"
    """AWS says so, and nothing here was read that could tell."""
    RESOLVED = "resolved"
    """AWS calls it over, and nothing here says otherwise."""


class Compared(msgspec.Struct, frozen=True):
    """One claim, by AWS, by us, or both.

    what:     who may reach it, or what is unused, in words
    ours:     our own claim in words, "" when we make none
    why:      why the other side does not say it, or what to know; sentences
    regions:  Regions whose analyzer says it
    arn:      the identity or resource
    """

    verdict: Verdict
    kind: AnalyzerKind
    arn: str
    what: str
    ours: str = ""
    why: tuple[str, ...] = ()
    finding: AnalyzerFinding | None = None
    exposure: Exposure | None = None
    regions: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        return self.finding.status.value if self.finding is not None else ""

    @property
    def name(self) -> str:
        """The last part of the ARN, with its service where it is no identity."""
        parts = self.arn.split(":", 5)
        if len(parts) < 6:
            return self.arn
        return parts[5].rpartition("/")[2] if parts[2] == "iam" else f"{parts[2]} {parts[5]}"


class Known(msgspec.Struct, frozen=True):
    """What the comparison may look at besides the findings.

    usage:   last-accessed details on hand by ARN
    changed: latest write event on a resource or identity among the events read, by ARN
    """

    snapshots: tuple[Snapshot, ...]
    surroundings: Surroundings
    exposures: tuple[Exposure, ...]
    usage: Callable[[str], Fact[UsageReport]]
    changed: Callable[[str], Event | None]
    now: datetime


def compared(known: Known) -> tuple[Compared, ...]:
    """Everything either side claims: what AWS alone says first, then the gravest, what is archived or over last."""
    findings = list(known.surroundings.findings.values())
    rows = [*_external(known, findings), *_unused(known, findings)]
    order = list(Verdict)
    return tuple(sorted(rows, key=lambda row: (_last(row), _weight(row), order.index(row.verdict), row.kind.value, row.arn, row.what)))


def _last(row: Compared) -> bool:
    return row.status == "archived" or row.verdict is Verdict.RESOLVED


def _weight(row: Compared) -> int:
    """What only AWS says, then by severity; unused access between what is open to somebody and what is meant to be."""
    if row.verdict is Verdict.ONLY_AWS:
        return -1
    if row.exposure is not None:
        return row.exposure.severity.rank * 2
    return 3 if row.kind is not AnalyzerKind.UNUSED else 5


# -- external and internal access ------------------------------------------------------------------------------------


def _external(known: Known, findings: Sequence[AnalyzerFinding]) -> list[Compared]:
    rows: list[Compared] = []
    by_resource: dict[str, list[Exposure]] = {}
    for exposure in known.exposures:
        by_resource.setdefault(exposure.resource, []).append(exposure)
    matched: set[int] = set()
    for same in _by_claim(one for one in findings if one.kind is not AnalyzerKind.UNUSED).values():
        finding, regions = same[0], tuple(dict.fromkeys(one.region for one in same if one.region))
        what = principal_words(finding)
        if finding.kind is AnalyzerKind.INTERNAL:
            why = "it is about access from inside the organisation; exposure here looks at outsiders only"
            rows.append(Compared(Verdict.NOT_JUDGED, finding.kind, finding.resource, what, why=(why,), finding=finding, regions=regions))
            continue
        ours = next((one for one in by_resource.get(finding.resource, ()) if _same(finding, one)), None)
        if ours is None and not finding.detailed:
            ours = next((one for one in by_resource.get(finding.resource, ()) if id(one) not in matched), None)
        if ours is not None:
            matched.add(id(ours))
        rows.append(_paired(known, finding, ours, what, regions))
    rows += [
        Compared(Verdict.ONLY_HERE, AnalyzerKind.EXTERNAL, one.resource, one.who, one.why, tuple(_why_not_aws(known, one)), exposure=one)
        for one in known.exposures
        if id(one) not in matched
    ]
    return rows


def _by_claim(findings: Iterable[AnalyzerFinding]) -> dict[tuple[object, ...], list[AnalyzerFinding]]:
    """The same claim is made by the analyzer of every Region where the resource is everywhere, as roles are."""
    found: dict[tuple[object, ...], list[AnalyzerFinding]] = {}
    for one in findings:
        told = one.principal or (("", one.id),)
        found.setdefault((one.resource, one.type, told, one.condition, one.status), []).append(one)
    return found


def _paired(known: Known, finding: AnalyzerFinding, ours: Exposure | None, what: str, regions: tuple[str, ...]) -> Compared:
    def row(verdict: Verdict, *why: str) -> Compared:
        told = tuple(one for one in why if one)
        return Compared(verdict, finding.kind, finding.resource, what, ours.why if ours else "", told, finding, ours, regions)

    archived = "archived: somebody, or an archive rule, calls it meant" if finding.status is Status.ARCHIVED else ""
    if finding.status is Status.RESOLVED:
        if ours is None:
            return row(Verdict.RESOLVED, f"over since {_day(finding.updated)}, by AWS; nothing here says otherwise")
        return row(Verdict.ONLY_HERE, f"AWS calls it resolved since {_day(finding.updated)}; the policy that was read still lets it in")
    if ours is not None:
        return row(Verdict.BOTH, archived, "" if finding.detailed else "AWS's details were not read: matched by the resource alone")
    return row(Verdict.ONLY_AWS if _looked_here(known, finding) else Verdict.NOT_JUDGED, archived, *_why_not_here(known, finding))


def principal_words(finding: AnalyzerFinding) -> str:
    """`anyone`, `account 111122223333`, `SAML …`; that nobody knows where details were not read."""
    if not finding.principal:
        return "anyone" if finding.public else "not told" if finding.detailed else "details not read"
    words = []
    for kind, value in finding.principal:
        if value == "*":
            words.append("anyone")
        elif kind == "AWS":
            words.append(f"account {value}" if value.isdigit() else value.removeprefix("arn:aws:iam::"))
        else:
            words.append(f"{kind.lower()} {value.rpartition('/')[2] or value}")
    return ", ".join(words)


def _same(finding: AnalyzerFinding, ours: Exposure) -> bool:
    """Whether a finding and an exposure of one resource are about the same outsider."""
    if not finding.principal:
        return bool(finding.public) and ours.principal == "anyone"
    for kind, value in finding.principal:
        if value == "*":
            if ours.principal in ("anyone", "organization"):
                return True
        elif kind == "AWS":
            account = value if value.isdigit() else (value.split(":") + [""] * 5)[4]
            if account and account == ours.account:
                return True
        elif kind == "Federated":
            if ours.principal in ("OIDC", "SAML"):
                return True
        elif kind.lower().replace("user", " user") == ours.principal.lower():
            return True
    return False


def _looked_here(known: Known, finding: AnalyzerFinding) -> bool:
    """Whether what the finding rests on was read here."""
    service = finding.resource.split(":")[2] if finding.resource.count(":") >= 5 else ""
    if service not in WE_READ or (finding.sources and "POLICY" not in finding.sources):
        return False
    if service == "iam":
        return any(role.arn == finding.resource for snapshot in known.snapshots for role in snapshot.roles)
    return finding.resource in known.surroundings.resources


def _why_not_here(known: Known, finding: AnalyzerFinding) -> list[str]:
    parts = finding.resource.split(":")
    service = parts[2] if len(parts) > 5 else ""
    if service not in WE_READ:
        return [f"policies of {finding.resource_type or service} are not read here: only AWS looks at them"]
    if finding.sources and "POLICY" not in finding.sources:
        return [f"the access comes by {', '.join(finding.sources)}, which is not read here"]
    if not _looked_here(known, finding):
        what = "the role is not in what was read; it may be deleted" if service == "iam" else "its policy was not read here"
        return [what + _since(known, finding)]
    if not finding.detailed:
        return ["AWS's details were not read, and the policy read here lets nobody from outside in" + _since(known, finding)]
    return ["the policy that was read here does not let this principal in" + _since(known, finding)]


def _since(known: Known, finding: AnalyzerFinding) -> str:
    """That it was changed after AWS looked, when an event says so."""
    event = known.changed(finding.resource)
    if event is None or event.time is None:
        return ""
    looked = finding.analyzed or finding.updated
    if looked is not None and event.time > looked:
        return f"; {event.name} changed it on {_day(event.time)}, after AWS looked ({_day(looked)})"
    return ""


def _why_not_aws(known: Known, ours: Exposure) -> list[str]:
    parts = ours.resource.split(":")
    service, region = (parts[2], parts[3]) if len(parts) > 5 else ("", "")
    analyzers = [one for one in known.surroundings.analyzers.values() if one.kind is AnalyzerKind.EXTERNAL and one.status in ("ACTIVE", "")]
    if ours.principal == "service":
        return ["Access Analyzer does not call AWS services outsiders; the confused deputy is judged here only"]
    if ours.principal == "deleted":
        return ["an id of a deleted identity lets nobody in: AWS says nothing of it"]
    if service not in AWS_LOOKS_AT:
        return [f"Access Analyzer does not look at policies of {service}"]
    if not analyzers:
        return [_no_analyzer(known.surroundings)]
    here = analyzers if not region and service == "iam" else [one for one in analyzers if not region or one.region == region]
    if service == "s3":
        return _bucket_words(known, ours, analyzers)
    if not here:
        refused = known.surroundings.analyzer_regions.get(region)
        if refused:
            return [f"Access Analyzer in {region} could not be read: {refused}"]
        return [f"there is no external-access analyzer in {region}"]
    return _unsaid(known, ours, here)


def _bucket_words(known: Known, ours: Exposure, analyzers: Sequence[Analyzer]) -> list[str]:
    """A bucket's ARN does not tell its Region, and it is looked at by that Region's analyzer alone."""
    regions = ", ".join(one.region for one in analyzers)
    return [f"a bucket is looked at in its own Region; analyzers are in {regions}", *_unsaid(known, ours, analyzers)]


def _unsaid(known: Known, ours: Exposure, analyzers: Sequence[Analyzer]) -> list[str]:
    if any(one.organization for one in analyzers) and (ours.principal == "organization" or "same organisation" in ours.why):
        return ["it is inside the analyzer's zone of trust, the organisation"]
    event = known.changed(ours.resource)
    looked = max((one.analyzed for one in analyzers if one.analyzed), default=None)
    if event is not None and event.time is not None and looked is not None and event.time > looked:
        return [f"{event.name} changed it on {_day(event.time)}, after AWS looked ({_day(looked)})"]
    if ours.only_if:
        return ["AWS weighs the conditions itself, and may find that nobody from outside meets them"]
    return ["why AWS does not say it is not known here: ask again, AWS looks at a change within half an hour and at everything once a day"]


def _no_analyzer(surroundings: Surroundings) -> str:
    looked = surroundings.analyzer_regions
    if not looked:
        return "Access Analyzer was not asked"
    refused = [region for region, reason in looked.items() if reason]
    if len(refused) == len(looked):
        return f"Access Analyzer could not be read ({looked[refused[0]]})"
    return f"there is no external-access analyzer in {', '.join(region for region, reason in looked.items() if not reason)}"


# -- unused access ---------------------------------------------------------------------------------------------------


def _unused(known: Known, findings: Sequence[AnalyzerFinding]) -> list[Compared]:
    identities: dict[str, tuple[Identity, Snapshot]] = {}
    for snapshot in known.snapshots:
        everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles)
        for identity in everyone:
            identities[identity.arn] = (identity, snapshot)
    rows: list[Compared] = []
    told: set[str] = set()
    for same in _by_claim(one for one in findings if one.kind is AnalyzerKind.UNUSED).values():
        finding, regions = same[0], tuple(dict.fromkeys(one.region for one in same if one.region))
        if finding.type != "UnusedPermission":
            told.add(finding.resource)
        days = _days(known.surroundings, finding)
        if finding.status is Status.RESOLVED:
            why = f"over since {_day(finding.updated)}, by AWS"
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
    archived = ("archived: somebody, or an archive rule, calls it meant",) if finding.status is Status.ARCHIVED else ()
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
        seen = f"last used {_day(max(dates))}" if dates else "never seen used"
        return _row(Verdict.BOTH, finding, f"{seen}; unused after {days} days", "", regions)
    last = max(recent)
    looked = finding.analyzed or finding.updated
    if looked is not None and last > looked:
        why = f"it was used on {_day(last)}, after AWS looked ({_day(looked)})"
    else:
        why = f"it was used on {_day(last)} by what was read here; AWS's period is {days} days"
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
            used += [f"{one.service} on {_day(service.last_used.value)}"] if _recent(service.last_used, cutoff) else []
        elif _recent(service.last_used, cutoff):
            for name in one.actions:
                fact = tracked.get(name.lower())
                if fact is None:
                    unseen.append(f"{one.service}:{name}")
                elif _recent(fact, cutoff):
                    used.append(f"{one.service}:{name} on {_day(fact.value)}")
    if used:
        return _row(Verdict.ONLY_AWS, finding, "", f"last-accessed details say used: {', '.join(used[:4])}", regions)
    why = f"not in last-accessed details: {', '.join(unseen[:4])}" if unseen else ""
    told = f"not used in {days} days by last-accessed details of {_day(usage.value.completed)}"
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


# -- joins -----------------------------------------------------------------------------------------------------------


def cause(finding: AnalyzerFinding, changes: Sequence[Event]) -> Event | None:
    """The event that most likely brought a finding about: the last write on the resource in the week before it was made. `changes` are
    write events on that resource."""
    made = finding.created
    if made is None:
        return None
    near = [e for e in changes if e.time is not None and made - timedelta(days=7) <= e.time <= made + timedelta(hours=1)]
    return max(near, key=lambda e: e.time or made, default=None)


def tally(rows: Iterable[Compared]) -> Mapping[Verdict, int]:
    found: dict[Verdict, int] = {}
    for row in rows:
        found[row.verdict] = found.get(row.verdict, 0) + 1
    return found


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else "a day not told"
