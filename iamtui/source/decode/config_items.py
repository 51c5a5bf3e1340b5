"""AWS Config's items of IAM resources, in all the spellings they come in, and the state of its recorders.

`GetResourceConfigHistory` and `SelectResourceConfig` write `arn`, `accountId` and the configuration as JSON text; files delivered to S3
(configuration history, snapshots) write `ARN`, `awsAccountId` and the configuration as an object. Policy documents are URL-encoded text,
JSON text, an object, or a list of one. Source: AWS Config Developer Guide, "Components of a configuration item".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.configitem import TYPES, ConfigItem, Recorder
from ...model.document import Document
from ...model.fact import State
from .wire import BROKEN, account_of, document_text, items, mend, moment, reason_of, text

_IAM = b"AWS::IAM::"
_ENVELOPES = ("configurationItems", "ConfigurationItems")


def decode_config_items(document: Document) -> tuple[tuple[ConfigItem, ...], tuple[str, ...]]:
    """(items of IAM resources, what could not be read in words). Items of other resources, of which a snapshot is full, are left out."""
    found: list[ConfigItem] = []
    broken: list[str] = []
    for raw in _raw_items(document.body, broken):
        if _IAM not in raw:
            continue
        try:
            fields = msgspec.json.decode(raw)
            if isinstance(fields, dict) and text(fields.get("resourceType")) in TYPES:
                found.append(_item(fields, document))
        except BROKEN as error:
            broken.append(f"a Config item cannot be read: {reason_of(error)}")
    return tuple(found), tuple(dict.fromkeys(broken))


def _raw_items(body: bytes, broken: list[str]) -> Iterator[bytes]:
    """The items of a history answer, a snapshot or history file, a list, a notification's one item, or a single item."""
    try:
        data = body.lstrip()
        value: Any = msgspec.json.decode(data, type=msgspec.Raw)
        yield from _inside(bytes(value))
    except BROKEN:
        try:
            yield from _inside(mend(body.strip()))
        except BROKEN as error:
            broken.append(f"the Config items cannot be read: {reason_of(error)}")


def _inside(data: bytes) -> Iterator[bytes]:
    if data[:1] == b"[":
        for raw in msgspec.json.decode(data, type=list[msgspec.Raw]):
            yield from _inside(bytes(raw))
        return
    if data[:1] != b"{":
        return
    fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    for name in _ENVELOPES:
        if name in fields:
            for raw in msgspec.json.decode(fields[name], type=list[msgspec.Raw]):
                yield bytes(raw)
            return
    if "configurationItem" in fields:  # a notification or an EventBridge detail
        yield bytes(fields["configurationItem"])
    elif "detail" in fields:
        yield from _inside(bytes(fields["detail"]))
    else:
        yield data


def _item(fields: dict[str, Any], document: Document) -> ConfigItem:
    target = TYPES[text(fields.get("resourceType"))]
    configuration, broken = _configuration(fields.get("configuration"))
    arn = text(fields.get("arn") or fields.get("ARN") or configuration.get("arn") or configuration.get("Arn"))
    name = text(fields.get("resourceName") or _of(configuration, f"{target}Name")) or arn.rpartition("/")[2]
    documents, default, made = _documents(target, configuration)
    groups = configuration.get("groupList") if target == "user" else None
    boundary = configuration.get("permissionsBoundary")
    tags = fields.get("tags")
    return ConfigItem(
        target=target,
        resource_id=text(fields.get("resourceId") or _of(configuration, f"{target}Id")),
        name=name,
        arn=arn,
        account=text(fields.get("accountId") or fields.get("awsAccountId")) or account_of(arn) or document.account,
        captured=moment(fields.get("configurationItemCaptureTime")),
        status=text(fields.get("configurationItemStatus")) or "OK",
        state_id=text(fields.get("configurationStateId")),
        region=document.region or text(fields.get("awsRegion")).replace("global", ""),
        created=moment(fields.get("resourceCreationTime")) or moment(configuration.get("createDate")),
        documents=documents,
        attached=tuple(sorted(filter(None, (text(_of(p, "policyArn")) for p in items(configuration.get("attachedManagedPolicies")))))),
        groups=tuple(sorted(text(g) for g in groups)) if isinstance(groups, list) else None,
        trust=_text_of(configuration.get("assumeRolePolicyDocument")) if target == "role" else "",
        boundary=text(_of(boundary, "permissionsBoundaryArn")) if isinstance(boundary, dict) else text(boundary),
        default=default,
        made=made,
        tags=_tags(tags, configuration.get("tags")),
        related=tuple(text(event) for event in items(fields.get("relatedEvents"))),
        broken=broken,
    )


def _of(value: Any, name: str) -> Any:
    """A field of an object, whatever letter it begins with."""
    if not isinstance(value, dict):
        return None
    return value.get(name, value.get(name[:1].upper() + name[1:]))


def _configuration(value: Any) -> tuple[dict[str, Any], str]:
    if isinstance(value, str) and value.strip():
        try:
            value = msgspec.json.decode(value)
        except BROKEN as error:
            return {}, f"its configuration is no JSON: {reason_of(error)}"
    return (value, "") if isinstance(value, dict) else ({}, "")


def _text_of(value: Any) -> str:
    """A policy document as JSON text; a list of one is the one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and "%7B" in value[:20].upper() and "+" in value:
        value = value.replace("+", "%20")  # form encoding writes blanks so; a plus of the document itself is %2B
    return document_text(value)


def _documents(target: str, configuration: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], str, Any]:
    """(inline policies or versions by name, version in force, when that was made)."""
    if target != "policy":
        entries = items(_of(configuration, f"{target}PolicyList"))
        told = ((text(_of(e, "policyName")), _text_of(_of(e, "policyDocument"))) for e in entries if isinstance(e, dict))
        return tuple(sorted(told)), "", None
    default, made = text(_of(configuration, "defaultVersionId")), None
    versions = []
    for entry in items(_of(configuration, "policyVersionList")):
        version = text(_of(entry, "versionId"))
        if not version:
            continue
        in_force = _of(entry, "isDefaultVersion")
        if in_force is True or (version == default and in_force is not False):
            default, made = default or version, moment(_of(entry, "createDate"))
        versions.append((version, _text_of(_of(entry, "document"))))
    return tuple(sorted(versions)), default, made


def _tags(told: Any, inside: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(told, dict) and told:
        return tuple(sorted((text(key), text(value)) for key, value in told.items()))
    entries = (entry for entry in items(inside) if isinstance(entry, dict))
    return tuple(sorted((text(_of(entry, "key")), text(_of(entry, "value"))) for entry in entries))


# -- recorders ---------------------------------------------------------------------------------------------------------


def decode_recorders(document: Document) -> tuple[Recorder, ...]:
    """Recorders of one answer of DescribeConfigurationRecorders, of …Status, or of both joined. Raises BROKEN."""
    raw = msgspec.json.decode(mend(document.body))
    if not isinstance(raw, dict):
        return ()
    found: dict[tuple[str, str], Recorder] = {}

    def held(entry: dict[str, Any]) -> Recorder:
        region = document.region or (text(entry.get("arn")).split(":") + [""] * 4)[3]
        name = text(entry.get("name")) or "default"
        account = document.account or account_of(entry.get("arn"))
        return found.get((region, name)) or Recorder(region, State.KNOWN, account, name)

    for entry in items(raw.get("ConfigurationRecorders")):
        if isinstance(entry, dict):
            one = msgspec.structs.replace(held(entry), iam=_records_iam(entry))
            found[one.region, one.name] = one
    for entry in items(raw.get("ConfigurationRecordersStatus")):
        if isinstance(entry, dict):
            error = text(entry.get("lastErrorMessage") or entry.get("lastErrorCode"))
            one = msgspec.structs.replace(
                held(entry),
                on=entry.get("recording") if isinstance(entry.get("recording"), bool) else None,
                started=moment(entry.get("lastStartTime")),
                stopped=moment(entry.get("lastStopTime")),
                reason=error if text(entry.get("lastStatus")).upper() == "FAILURE" else "",
            )
            found[one.region, one.name] = one
    if not found and "ConfigurationRecorders" in raw and document.region:
        return (Recorder(document.region, State.NOT_APPLICABLE, document.account, reason="there is no configuration recorder"),)
    return tuple(found.values())


def _records_iam(entry: dict[str, Any]) -> bool | None:
    """Whether all four IAM types are recorded. `useOnly` decides where it is told; before it there were the two switches alone."""
    group = entry.get("recordingGroup")
    if not isinstance(group, dict):
        return None
    strategy = group.get("recordingStrategy")
    use = text(strategy.get("useOnly")) if isinstance(strategy, dict) else ""
    if use == "EXCLUSION_BY_RESOURCE_TYPES":
        excluded = group.get("exclusionByResourceTypes")
        return not set(TYPES) & set(items(excluded.get("resourceTypes") if isinstance(excluded, dict) else None))
    if use == "INCLUSION_BY_RESOURCE_TYPES" or not group.get("allSupported"):
        return bool(set(TYPES) & set(items(group.get("resourceTypes"))))
    return bool(group.get("includeGlobalResourceTypes"))


__all__ = ["decode_config_items", "decode_recorders"]
