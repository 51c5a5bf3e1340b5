"""What Access Analyzer says and what our own analyses say, side by side: where they agree, and why where they do not.

The two do not look at the same things: an analyzer sees its Region, the kinds of resource it supports and what is outside its zone of trust;
we see what was read. So a difference is told with the reason that the facts carry, and as not known where they carry none. Unused access
has a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from ..model.analyzer import Analyzer, AnalyzerFinding, AnalyzerKind, Status
from ..model.event import Event
from ..model.surroundings import Surroundings
from .analyzing_unused import unused_claims
from .claims import ARCHIVED, Compared, Known, Verdict, by_claim, day
from .exposure import Exposure

# https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html, as services of ARNs
AWS_LOOKS_AT = frozenset(
    ("s3", "s3express", "iam", "kms", "lambda", "sqs", "secretsmanager", "sns", "ec2", "rds", "ecr", "elasticfilesystem", "dynamodb")
)
WE_READ = frozenset(("s3", "iam", "kms", "lambda", "sqs", "secretsmanager", "sns", "ecr"))


def compared(known: Known) -> tuple[Compared, ...]:
    """Everything either side claims: what AWS alone says first, then the gravest, what is archived or over last."""
    findings = list(known.surroundings.findings.values())
    rows = [*_external(known, findings), *unused_claims(known, findings)]
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
    for same in by_claim(one for one in findings if one.kind is not AnalyzerKind.UNUSED).values():
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


def _paired(known: Known, finding: AnalyzerFinding, ours: Exposure | None, what: str, regions: tuple[str, ...]) -> Compared:
    def row(verdict: Verdict, *why: str) -> Compared:
        told = tuple(one for one in why if one)
        return Compared(verdict, finding.kind, finding.resource, what, ours.why if ours else "", told, finding, ours, regions)

    archived = ARCHIVED if finding.status is Status.ARCHIVED else ""
    if finding.status is Status.RESOLVED:
        if ours is None:
            return row(Verdict.RESOLVED, f"over since {day(finding.updated)}, by AWS; nothing here says otherwise")
        return row(Verdict.ONLY_HERE, f"AWS calls it resolved since {day(finding.updated)}; the policy that was read still lets it in")
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
        return f"; {event.name} changed it on {day(event.time)}, after AWS looked ({day(looked)})"
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
        return [f"{event.name} changed it on {day(event.time)}, after AWS looked ({day(looked)})"]
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


__all__ = ["Compared", "Known", "Verdict", "cause", "compared", "principal_words", "tally"]
