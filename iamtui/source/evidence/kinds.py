"""What a text is, told by its content: the keys of its JSON, the header of its CSV, its first bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from ...model.document import Kind
from ..base import EventFile
from ..containers import PLAIN_TRAIL
from ..decode.wire import BROKEN, account_of, mend, moment, reason_of, text

Fields = Mapping[str, msgspec.Raw]


class Recognised(msgspec.Struct, frozen=True):
    """One answer found in a text.

    key:     as in `Document.key`; for OTHER what it looks like, as a noun phrase
    account: digits when the content tells whose it is
    as_of:   date told by the content
    body:    when the answer is not the text itself (a part of a list, a report inside JSON)
    """

    kind: Kind
    key: str = ""
    account: str = ""
    as_of: datetime | None = None
    body: bytes | None = None


class Unreadable(msgspec.Struct, frozen=True):
    """A text that begins as JSON and is broken. `reason` names the line."""

    reason: str


def recognise(body: bytes) -> tuple[Recognised, ...] | Unreadable:
    """The answers in one file's text. At least one, of kind OTHER when it is nothing of an account."""
    start = body[3:].lstrip() if body[:3] == b"\xef\xbb\xbf" else body.lstrip()
    if not start:
        return (_other("an empty file"),)
    if start[:1] in (b"{", b"["):
        return _json(body, start)
    head = _first_line(start)
    if head.startswith((b"user,arn,", b'"user","arn",')):
        return (Recognised(Kind.CREDENTIAL_REPORT, account=_report_account(start)),)
    return (_other(_looks_like(start, head)),)


def _json(body: bytes, start: bytes) -> tuple[Recognised, ...] | Unreadable:
    try:
        return _answers(start)
    except BROKEN as first:
        error: BaseException = first
    mended = mend(start)
    if mended != start:
        try:
            return _answers(mended)
        except BROKEN as second:
            error = second
    lines = _lines(start)
    if lines is not None:
        return lines
    if not re.match(rb'(?:\[\s*[\[{"\]0-9tfn-]|\{\s*["}])', start):
        return (_other("plain text"),)
    if _CLOUDTRAIL.match(start) and b'"eventSource"' in start and b'"eventName"' in start:
        return (Recognised(Kind.EVENTS),)  # the decoder takes the records before the break, and says so
    return Unreadable(where(error, body))


def _answers(data: bytes) -> tuple[Recognised, ...]:
    return (_told(_fields(data), data),) if data[:1] == b"{" else _array(msgspec.json.decode(data, type=list[msgspec.Raw]))


def _fields(data: bytes | msgspec.Raw) -> Fields:
    return msgspec.json.decode(data, type=dict[str, msgspec.Raw])


_CLOUDTRAIL = re.compile(rb'\{\s*"Records"\s*:\s*\[\s*\{|\[\s*\{')


def where(error: BaseException, body: bytes) -> str:
    """A decoder's complaint with the line it is about instead of a byte offset."""
    reason = reason_of(error)
    found = re.search(r"\(byte (\d+)\)", reason)
    if "truncated" in reason:
        line = body.rstrip().count(b"\n") + 1
        return f"broken JSON: the text ends in the middle, at line {line}"
    if found:
        offset = int(found[1])
        line = body.count(b"\n", 0, offset) + 1
        reason = reason.replace(found[0], "").replace("JSON is malformed: ", "").strip()
        return f"broken JSON: {reason} at line {line} (byte {offset})"
    return f"broken JSON: {reason}"


def _lines(start: bytes) -> tuple[Recognised, ...] | None:
    """JSON lines: the first line is a value of its own. One broken line is for the decoder to name."""
    first, _, rest = start.partition(b"\n")
    if not rest.strip() or first.rstrip()[-1:] != b"}":
        return None
    told = None
    for line in start.split(b"\n", 20)[:20]:
        try:
            told = _told(_fields(mend(line.strip())), line)
            break
        except BROKEN:
            continue
    if told is None or told.kind is Kind.EVENTS:
        return None if told is None else (told,)
    found: list[Recognised] = []
    for line in start.split(b"\n"):
        if not line.strip():
            continue
        try:
            told = _told(_fields(mend(line.strip())), line)
        except BROKEN:
            return None
        found.append(msgspec.structs.replace(told, body=told.body or line))
    return tuple(found)


def _array(entries: list[msgspec.Raw]) -> tuple[Recognised, ...]:
    if not entries:
        return (_other("an empty JSON list"),)
    head: Fields = {}
    for raw in entries[:20]:
        if bytes(raw)[:1] == b"{":
            head = _fields(raw)
            break
    if not head:
        return (_other(f"a JSON list of {len(entries):,} plain values"),)
    if _is_record(head):
        return (Recognised(Kind.EVENTS),)
    if "Resource" in head and "Policy" in head:
        return (Recognised(Kind.RESOURCE_POLICIES),)
    if "configurationItemStatus" in head:
        return (Recognised(Kind.CONFIG_ITEMS),)
    inner = _told(head, bytes(entries[0]))
    if inner.kind is Kind.EVENTS:
        return (Recognised(Kind.EVENTS),)
    if inner.kind is not Kind.OTHER and len(entries) <= 10_000:
        found: list[Recognised] = []
        for raw in entries:
            data = bytes(raw)
            if data[:1] == b"{":
                told = _told(_fields(data), data)
                found.append(msgspec.structs.replace(told, body=told.body or data))
        return tuple(found)
    return (_other(f"a JSON list of {len(entries):,} objects with keys {_names(head)}"),)


def _is_record(fields: Fields) -> bool:
    if "CloudTrailEvent" in fields:
        return True
    if "detail" in fields and ("detail-type" in fields or "source" in fields):
        return _is_record(_try_fields(fields["detail"]))
    return ("eventName" in fields or "eventSource" in fields) and any(
        name in fields for name in ("eventVersion", "eventID", "userIdentity", "eventTime", "requestID")
    )


def _try_fields(raw: msgspec.Raw | None) -> Fields:
    if raw is None or bytes(raw)[:1] != b"{":
        return {}
    try:
        return _fields(raw)
    except BROKEN:
        return {}


def _first(raw: msgspec.Raw | None) -> Fields:
    """The first object of a list."""
    if raw is None or bytes(raw)[:1] != b"[":
        return {}
    entries = msgspec.json.decode(raw, type=list[msgspec.Raw])
    return _try_fields(entries[0]) if entries else {}


def _word(fields: Fields, name: str) -> str:
    raw = fields.get(name)
    return text(msgspec.json.decode(raw)) if raw is not None and bytes(raw)[:1] == b'"' else ""


_LARGE = 1 << 20
_IDENTITY_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList")


def _told(fields: Fields, body: bytes) -> Recognised:
    if any(name in fields for name in _IDENTITY_LISTS) or "PolicyVersionList" in _first(fields.get("Policies")):
        return Recognised(Kind.AUTHORIZATION, account=_home(body))
    if "Records" in fields:
        return _records(fields["Records"])
    if _is_record(fields):
        return Recognised(Kind.EVENTS)
    if "Events" in fields and (_is_record(_first(fields["Events"])) or bytes(fields["Events"]).strip() == b"[]"):
        return Recognised(Kind.EVENTS)
    if "digestStartTime" in fields or "digestS3Object" in fields:
        return _other("a CloudTrail digest (hashes of log files, no events)")
    if "Content" in fields and ("ReportFormat" in fields or "GeneratedTime" in fields):
        return _report_in_json(fields)
    if "EntityDetailsList" in fields:
        arn, service = _arn(fields), _word(fields, "ServiceNamespace")
        return Recognised(
            Kind.LAST_ACCESSED_ENTITIES,
            f"{arn}#{service}" if arn and service else "",
            account_of(arn),
            moment(_word(fields, "JobCompletionDate")),
        )
    if "PoliciesGrantingServiceAccess" in fields:
        arn = _arn(fields)
        return Recognised(Kind.GRANTING_POLICIES, arn, account_of(arn))
    if "ServicesLastAccessed" in fields or ("JobStatus" in fields and "JobCreationDate" in fields):
        arn = _arn(fields) or _only_entity(body)
        stamp = moment(_word(fields, "JobCompletionDate")) or moment(_word(fields, "JobCreationDate"))
        return Recognised(Kind.LAST_ACCESSED, key=arn, account=account_of(arn), as_of=stamp)
    if "AccessKeyMetadata" in fields:
        owner = _word(_first(fields["AccessKeyMetadata"]), "UserName")
        return Recognised(Kind.ACCESS_KEYS, key=_arn(fields) or owner)
    if "SummaryMap" in fields:
        return Recognised(Kind.ACCOUNT_SUMMARY)
    if "AccountAliases" in fields:
        return Recognised(Kind.ACCOUNT_ALIASES)
    if "PasswordPolicy" in fields:
        return Recognised(Kind.PASSWORD_POLICY)
    if {"UserId", "Account", "Arn"} <= fields.keys():
        return Recognised(Kind.CALLER, account=_word(fields, "Account"))
    if "PolicyVersion" in fields and "VersionId" in _try_fields(fields["PolicyVersion"]):
        return _policy_version(fields)
    if "Role" in fields and "RoleName" in _try_fields(fields["Role"]):
        arn = _word(_try_fields(fields["Role"]), "Arn")
        return Recognised(Kind.ROLE, key=arn, account=account_of(arn))
    return _guards(fields) or _shown_later(fields)


_GUARD_LISTS = {
    "trailList": "cloudtrail:DescribeTrails",
    "EventSelectors": "cloudtrail:GetEventSelectors",
    "AdvancedEventSelectors": "cloudtrail:GetEventSelectors",
    "metricFilters": "logs:DescribeMetricFilters",
    "logGroups": "logs:DescribeLogGroups",
    "MetricAlarms": "cloudwatch:DescribeAlarms",
    "CompositeAlarms": "cloudwatch:DescribeAlarms",
    "AlarmHistoryItems": "cloudwatch:DescribeAlarmHistory",
    "EventBuses": "events:ListEventBuses",
    "ConfigurationRecorders": "config:DescribeConfigurationRecorders",
    "ConfigurationRecordersStatus": "config:DescribeConfigurationRecorderStatus",
    "analyzers": "access-analyzer:ListAnalyzers",
}


def _guards(fields: Fields) -> Recognised | None:
    """Answers about what watches over an account, as the AWS CLI saves them. Key: the operation, and what it is about where
    that stands beside it."""
    for name, operation in _GUARD_LISTS.items():
        if name in fields and bytes(fields[name])[:1] == b"[":
            return Recognised(Kind.GUARDS, operation)
    if "IsLogging" in fields:
        return Recognised(Kind.GUARDS, "cloudtrail:GetTrailStatus")
    if "TrailARN" in _try_fields(fields.get("Trail")):
        trail = bytes(fields["Trail"])
        return Recognised(Kind.GUARDS, "cloudtrail:DescribeTrails", body=b'{"trailList":[' + trail + b"]}")
    if "Subscriptions" in fields and ("TopicArn" in fields or "SubscriptionArn" in _first(fields["Subscriptions"])):
        return Recognised(Kind.GUARDS, "sns:ListSubscriptionsByTopic")
    empty = fields.keys() == {"Rules"} and bytes(fields["Rules"]).strip() == b"[]"
    if empty or ":events:" in _word(_first(fields.get("Rules")), "Arn"):
        return Recognised(Kind.GUARDS, "events:ListRules")
    if "EventPattern" in fields and ":events:" in _word(fields, "Arn"):
        return Recognised(Kind.GUARDS, "events:DescribeRule")
    target = _first(fields.get("Targets"))
    if "Id" in target and "Arn" in target:
        return Recognised(Kind.GUARDS, "events:ListTargetsByRule")
    return None


def _shown_later(fields: Fields) -> Recognised:
    """Kinds that are recognised so that they are not mistaken for anything else."""
    if any(name in fields for name in ("findings", "finding", "findingDetails")):
        return Recognised(Kind.ANALYZER_FINDINGS)
    if "analyzers" in fields and "arn" in _first(fields["analyzers"]):
        return Recognised(Kind.ANALYZERS)
    if "configurationItems" in fields:
        return _config_items(fields["configurationItems"])
    if any(name in fields for name in ("configurationItem", "configurationItemStatus")) or "configurationItem" in _try_fields(
        fields.get("detail")
    ):
        return Recognised(Kind.CONFIG_ITEMS, account=_word(fields, "accountId") or _word(fields, "awsAccountId"))
    if "ConfigurationRecorders" in fields or "ConfigurationRecordersStatus" in fields:
        return Recognised(Kind.CONFIG_RECORDERS)
    if "EvaluationResults" in fields:
        return Recognised(Kind.SIMULATION)
    if "Accounts" in fields and "Roots" not in fields and ":organizations:" in _word(_first(fields["Accounts"]), "Arn"):
        return Recognised(Kind.ACCOUNTS)
    if ":organizations:" in _word(fields, "Arn") or any(name in fields for name in ("Organization", "OrganizationalUnits", "Roots")):
        return Recognised(Kind.ORGANIZATION)
    if "Policy" in fields and (bytes(fields["Policy"])[:2] == b'"{' or "Resource" in fields):
        return Recognised(Kind.RESOURCE_POLICIES, key=_word(fields, "Resource"))
    if "Statement" in fields:
        return _other("a policy document by itself")
    return _other(f"a JSON object with keys {_names(fields)}" if fields else "an empty JSON object")


def _config_items(raw: msgspec.Raw) -> Recognised:
    """A snapshot holds every resource of an account: of a large one only what is about IAM is kept."""
    head = _first(raw)
    account = _word(head, "accountId") or _word(head, "awsAccountId")
    if len(bytes(raw)) <= _LARGE:
        return Recognised(Kind.CONFIG_ITEMS, account=account)
    kept = [one for one in msgspec.json.decode(raw, type=list[msgspec.Raw]) if b"AWS::IAM::" in bytes(one)]
    return Recognised(Kind.CONFIG_ITEMS, account=account, body=msgspec.json.encode({"configurationItems": kept}))


def _records(raw: msgspec.Raw) -> Recognised:
    data = bytes(raw)
    if data[:1] != b"[":
        return _other("a JSON object with keys Records (not a list)")
    insights = data.count(b'"insightDetails"')
    if insights and insights >= data.count(b'"eventVersion"'):
        return _other("CloudTrail Insights (unusual rates, no events)")
    head = _first(raw)
    if head and (not _is_record(head) or _word(head, "eventSource") == "aws:s3"):
        return _other(f"Records that are no CloudTrail events, with keys {_names(head)}")
    return Recognised(Kind.EVENTS)


def _policy_version(fields: Fields) -> Recognised:
    arn = _arn(fields) or _word(fields, "PolicyArn")
    if not arn:
        return _other("a GetPolicyVersion answer that does not tell its policy (put the policy's ARN beside it as Arn)")
    version = _word(_try_fields(fields["PolicyVersion"]), "VersionId")
    return Recognised(Kind.POLICY_VERSION, key=f"{arn}:{version}", account=account_of(arn))


def _report_in_json(fields: Fields) -> Recognised:
    """GetCredentialReport as the AWS CLI saves it: the CSV in base64."""
    import base64
    import binascii

    try:
        report = base64.b64decode(_word(fields, "Content"), validate=True)
    except (binascii.Error, ValueError):
        report = _word(fields, "Content").encode()
    if not report.startswith(b"user,"):
        return _other("a JSON object with keys Content, ReportFormat, but no credential report in it")
    return Recognised(Kind.CREDENTIAL_REPORT, "", _report_account(report), moment(_word(fields, "GeneratedTime")), report)


_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?:\d{12}|aws):(?:user|role|group|policy)/\S+\Z")
_OWN_ARN = re.compile(rb'"Arn"\s*:\s*"arn:aws[a-z-]*:iam::(\d{12}):')
_ENTITY = re.compile(rb'"LastAuthenticatedEntity"\s*:\s*"(arn:aws[a-z-]*:iam::\d{12}:(?:user|role)/[^"\\]+)"')


def _arn(fields: Fields) -> str:
    arn = _word(fields, "Arn")
    return arn if _ARN.match(arn) else ""


def _only_entity(body: bytes) -> str:
    """Answers of Access Advisor do not say whom they are about; the one identity that used anything does."""
    found = set(_ENTITY.findall(body))
    return found.pop().decode("utf-8", "replace") if len(found) == 1 else ""


def _home(body: bytes) -> str:
    """The account of most items of an inventory; "" when they belong to none."""
    counted: dict[bytes, int] = {}
    for number in _OWN_ARN.findall(body):
        counted[number] = counted.get(number, 0) + 1
    return max(counted, key=lambda number: counted[number]).decode() if counted else ""


def _report_account(report: bytes) -> str:
    found = re.search(rb"arn:aws[a-z-]*:iam::(\d{12}):", report[:4096])
    return found[1].decode() if found else ""


def _other(words: str) -> Recognised:
    return Recognised(Kind.OTHER, words)


def _names(fields: Fields) -> str:
    names = [name if len(name) <= 40 else name[:39] + "…" for name in list(fields)[:6]]
    return ", ".join(names) + (" …" if len(fields) > 6 else "")


def _first_line(start: bytes) -> bytes:
    return start[:4096].partition(b"\n")[0].rstrip(b"\r")


_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "an ELF binary"),
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"#!", "a script"),
    (b"<?xml", "XML"),
    (b"<", "HTML or XML"),
)


def _looks_like(start: bytes, head: bytes) -> str:
    for magic, words in _MAGIC:
        if start.startswith(magic):
            return words
    if start[257:262] == b"ustar":
        return "a tar archive"
    sample = start[:4096]
    if b"\0" in sample or sum(byte < 9 or 13 < byte < 32 for byte in sample) > len(sample) // 10:
        return "binary data"
    if head.count(b",") >= 2:
        columns = head.decode("utf-8", "replace").split(",")
        return f"a CSV table with columns {', '.join(c.strip()[:40] for c in columns[:6])}{' …' if len(columns) > 6 else ''}"
    return "plain text"


def event_file(name: str, mark: tuple[int, ...], body: bytes) -> EventFile:
    """The events of a file or object whose text is known, for the event store."""
    if PLAIN_TRAIL.match(body):
        return EventFile(name, mark, body)
    found = recognise(body)
    if isinstance(found, Unreadable):
        return EventFile(name, mark, reason=found.reason)
    bodies = [told.body if told.body is not None else body for told in found if told.kind is Kind.EVENTS]
    return EventFile(name, mark, b"\n".join(bodies) if bodies else None)
