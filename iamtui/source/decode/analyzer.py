"""Access Analyzer's answers: analyzers, and findings in all the forms they are saved in (ListFindings, ListFindingsV2, GetFinding, GetFindingV2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ...model.analyzer import Analyzer, AnalyzerFinding, AnalyzerKind, Status, UnusedService
from ...model.document import Document, Kind
from ...model.surroundings import Surroundings, UnusedFinding
from .wire import mend, moment, text


def with_analyzers(surroundings: Surroundings, document: Document) -> Surroundings:
    """The surroundings with the analyzers of a Region, or with findings. Raises BROKEN."""
    raw = msgspec.json.decode(mend(document.body))
    if not isinstance(raw, dict):
        raise ValueError("it is no answer of Access Analyzer")
    if document.kind is Kind.ANALYZERS:
        told = {one.arn: one for one in (_analyzer(entry, document.region) for entry in _entries(raw, "analyzers"))}
        region = document.region or next((one.region for one in told.values()), "")
        kept = {arn: one for arn, one in surroundings.analyzers.items() if one.region != region}
        looked = {**surroundings.analyzer_regions, region: ""} if region else surroundings.analyzer_regions
        analyzers = {**kept, **told}
        # what an analyzer found goes with it
        findings = {k: f for k, f in surroundings.findings.items() if not f.analyzer or f.region != region or f.analyzer in analyzers}
        return msgspec.structs.replace(
            surroundings, analyzers=analyzers, analyzer_regions=looked, findings=findings, unused=_unused(findings)
        )
    return _with_findings(surroundings, raw, document)


def _with_findings(surroundings: Surroundings, raw: dict[str, Any], document: Document) -> Surroundings:
    about = raw.get("analyzer")
    analyzer = text(about.get("arn")) if isinstance(about, dict) else ""
    findings = dict(surroundings.findings)
    if (
        analyzer
        and analyzer not in surroundings.analyzers
        and surroundings.analyzer_regions.get(document.region or _region_of(analyzer)) == ""
    ):
        return surroundings  # its Region was asked and does not have it any more
    if analyzer and "findings" in raw:  # the whole of an analyzer: what is not there any more is gone
        findings = {key: one for key, one in findings.items() if one.analyzer != analyzer}
    by_id = {one.id: key for key, one in findings.items()}
    entries = _entries(raw, "findings") or [entry for entry in (raw.get("finding"), raw) if isinstance(entry, dict)][:1]
    for entry in entries:
        one = _finding(entry, analyzer, document.region)
        if one is None:
            continue
        held = findings.pop(by_id[one.id]) if one.id in by_id and (not analyzer or by_id[one.id] in (one.key, f"#{one.id}")) else None
        one = _joined(held, one) if held is not None else one
        findings[one.key] = one
        by_id[one.id] = one.key
    return msgspec.structs.replace(surroundings, findings=findings, unused=_unused(findings))


def _joined(old: AnalyzerFinding, new: AnalyzerFinding) -> AnalyzerFinding:
    """The same finding told twice, say in a list and by itself: the newer word, with the details of whichever has them."""
    newer, older = (
        (new, old) if (new.analyzed or new.updated or 0) == (old.analyzed or old.updated or 0) or _later(new, old) else (old, new)
    )
    whole = newer if newer.detailed or not older.detailed else older
    return msgspec.structs.replace(
        whole,
        analyzer=newer.analyzer or older.analyzer,
        region=newer.region or older.region,
        status=newer.status,
        updated=newer.updated,
        analyzed=newer.analyzed,
    )


def _later(one: AnalyzerFinding, other: AnalyzerFinding) -> bool:
    first, second = one.analyzed or one.updated, other.analyzed or other.updated
    return first is not None and (second is None or first > second)


def _analyzer(entry: dict[str, Any], region: str) -> Analyzer:
    arn, kind = text(entry.get("arn")), text(entry.get("type"))
    configuration = entry.get("configuration")
    unused = configuration.get("unusedAccess") if isinstance(configuration, dict) else None
    days = unused.get("unusedAccessAge") if isinstance(unused, dict) else None
    rule = unused.get("analysisRule") if isinstance(unused, dict) else None
    reason = entry.get("statusReason")
    return Analyzer(
        arn=arn,
        name=text(entry.get("name")),
        region=region or _region_of(arn),
        kind=AnalyzerKind.UNUSED if "UNUSED" in kind else AnalyzerKind.INTERNAL if "INTERNAL" in kind else AnalyzerKind.EXTERNAL,
        organization=kind.startswith("ORGANIZATION"),
        status=text(entry.get("status")),
        reason=text(reason.get("code")) if isinstance(reason, dict) else "",
        created=moment(entry.get("createdAt")),
        analyzed=moment(entry.get("lastResourceAnalyzedAt")),
        days=days if isinstance(days, int) else None,
        excluded=tuple(_excluded(rule)) if isinstance(rule, dict) else (),
    )


def _excluded(rule: dict[str, Any]) -> Iterator[str]:
    for entry in _entries(rule, "exclusions"):
        accounts = [text(one) for one in entry.get("accountIds") or () if one]
        if accounts:
            yield f"accounts {', '.join(accounts)}"
        tags = entry.get("resourceTags")
        for tag in tags if isinstance(tags, list) else ():
            if isinstance(tag, dict):
                yield f"tags {', '.join(f'{text(k)}={text(v)}' for k, v in tag.items())}"


def _finding(entry: dict[str, Any], analyzer: str, region: str) -> AnalyzerFinding | None:
    """One finding; None for what names no resource. One without an id is known by what it claims."""
    resource = text(entry.get("resource"))
    if not resource:
        return None
    kind = text(entry.get("findingType")) or "ExternalAccess"  # version 1 knows no other
    identifier = text(entry.get("id")) or f"{kind} of {resource}"
    parts = [value for one in _entries(entry, "findingDetails") for value in one.values() if isinstance(value, dict)]
    access = next((one for one in parts if "principal" in one or "action" in one or "condition" in one), {})
    told = access or (entry if "principal" in entry or "action" in entry else {})
    status = text(entry.get("status")).lower()
    region = region or _region_of(analyzer) or _region_of(text(entry.get("analyzerArn")))
    permissions = tuple(_service(one) for one in parts if "serviceNamespace" in one)
    return AnalyzerFinding(
        id=identifier,
        analyzer=analyzer or text(entry.get("analyzerArn")),
        kind=AnalyzerKind.UNUSED
        if kind.startswith("Unused")
        else AnalyzerKind.INTERNAL
        if kind.startswith("Internal")
        else AnalyzerKind.EXTERNAL,
        type=kind,
        region=region,
        resource=resource,
        resource_type=text(entry.get("resourceType")),
        owner=text(entry.get("resourceOwnerAccount")),
        status=Status(status) if status in set(Status) else Status.ACTIVE,
        principal=_pairs(told.get("principal")),
        actions=tuple(text(one) for one in told.get("action") or () if one),
        condition=_pairs(told.get("condition")),
        public=told.get("isPublic") if isinstance(told.get("isPublic"), bool) else None,
        sources=tuple(text(one.get("type")) for one in _entries(told, "sources")),
        restricted=tuple(_restrictions(told)),
        unused=permissions,
        access_key=next((text(one.get("accessKeyId")) for one in parts if one.get("accessKeyId")), ""),
        last_used=next((stamp for one in parts if "serviceNamespace" not in one and (stamp := moment(one.get("lastAccessed")))), None),
        created=moment(entry.get("createdAt")),
        updated=moment(entry.get("updatedAt")),
        analyzed=moment(entry.get("analyzedAt")),
        detailed=bool(parts or told),
        error=text(entry.get("error")),
        raw=msgspec.json.encode(entry).decode(),
    )


def _service(one: dict[str, Any]) -> UnusedService:
    actions = tuple(text(action.get("action")).rpartition(":")[2] for action in _entries(one, "actions"))
    return UnusedService(text(one.get("serviceNamespace")).lower(), actions, moment(one.get("lastAccessed")))


def _restrictions(told: dict[str, Any]) -> Iterator[str]:
    for key, name in (("resourceControlPolicyRestriction", "RCP"), ("serviceControlPolicyRestriction", "SCP")):
        value = text(told.get(key))
        if value and value != "NOT_APPLICABLE":
            yield f"{name} {value.lower().replace('_', ' ')}"


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((text(k), text(v)) for k, v in value.items()) if isinstance(value, dict) else ()


def _unused(findings: Mapping[str, AnalyzerFinding]) -> dict[str, tuple[UnusedFinding, ...]]:
    """Active findings of unused access by the identity's ARN; without details a finding names no service."""
    found: dict[str, list[UnusedFinding]] = {}
    for one in findings.values():
        if one.kind is not AnalyzerKind.UNUSED or one.status is not Status.ACTIVE:
            continue
        entries = found.setdefault(one.resource, [])
        if one.type != "UnusedPermission":
            made = [UnusedFinding(one.resource, one.type, last_used=one.last_used, analyzed=one.analyzed)]
        else:
            made = [UnusedFinding(one.resource, one.type, s.service, s.actions, s.last_used, one.analyzed) for s in one.unused if s.service]
        entries += [finding for finding in made if finding not in entries]
    return {arn: tuple(entries) for arn, entries in found.items() if entries}


def _region_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 else ""


def _entries(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
