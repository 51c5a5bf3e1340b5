"""Saved queries: questions of an IAM audit, in Athena's dialect, with the parameters a person fills in.

The same text runs here, on Athena (`cloudtrail_logs` replaced by the account's table) and, the time written as there, on an event
data store. A parameter is put in as a quoted literal of its kind; nothing of a value is ever read as SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ..errors import UsageError


class ParameterKind(StrEnum):
    TEXT = "text"
    DAYS = "days"
    NUMBER = "number"


class Parameter(msgspec.Struct, frozen=True):
    """`default` "" where the person has to say."""

    name: str
    kind: ParameterKind
    default: str
    help: str


class SavedQuery(msgspec.Struct, frozen=True):
    """sql holds `{name}` for each parameter; `title` says what it answers."""

    name: str
    title: str
    sql: str
    parameters: tuple[Parameter, ...] = ()


def _days(default: int) -> Parameter:
    return Parameter("days", ParameterKind.DAYS, str(default), "how many days back")


_SINCE = "from_iso8601_timestamp(eventtime) > date_add('day', -{days}, now())"
_WHO = "coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn, useridentity.invokedby) AS who"
_BY = f"eventtime, {_WHO}, sourceipaddress, eventname, requestparameters, errorcode"


def _events(name: str, title: str, condition: str, days: int = 90, *more: Parameter, columns: str = _BY) -> SavedQuery:
    sql = f"SELECT {columns}\nFROM cloudtrail_logs\nWHERE {condition}\n  AND {_SINCE}\nORDER BY eventtime DESC"
    return SavedQuery(name, title, sql, (*more, _days(days)))


_IN_POLICY = (
    "'AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy', 'PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy', "
    "'CreatePolicyVersion', 'SetDefaultPolicyVersion', 'DeleteUserPermissionsBoundary', 'DeleteRolePermissionsBoundary', "
    "'PutUserPermissionsBoundary', 'PutRolePermissionsBoundary', 'AddUserToGroup'"
)
_LOGGING = (
    "'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'DeleteEventDataStore', 'StopConfigurationRecorder', "
    "'DeleteConfigurationRecorder', 'DeleteDeliveryChannel', 'DeleteDetector', 'UpdateDetector', 'DisassociateFromMasterAccount', "
    "'DeleteFlowLogs', 'DisableAlarmActions', 'DeleteAlarms', 'DeleteAnalyzer', 'DeleteLogGroup', 'DeleteMetricFilter'"
)

QUERIES: tuple[SavedQuery, ...] = (
    _events("trust-changes", "who changed the trust policy of a role", "eventname = 'UpdateAssumeRolePolicy'", 30),
    SavedQuery(
        "iam-by-origin",
        "IAM actions by an IP address or a service",
        f"SELECT eventtime, eventname, {_WHO}, useragent, errorcode\nFROM cloudtrail_logs\nWHERE eventsource = 'iam.amazonaws.com'\n"
        f"  AND sourceipaddress LIKE {{origin}}\n  AND {_SINCE}\nORDER BY eventtime DESC",
        (Parameter("origin", ParameterKind.TEXT, "", "IP address or service name; % stands for anything"), _days(90)),
    ),
    _events(
        "users-created",
        "IAM users created",
        "eventname = 'CreateUser' AND errorcode IS NULL",
        60,
        columns=f"eventtime, json_extract_scalar(requestparameters, '$.userName') AS created, {_WHO}, sourceipaddress",
    ),
    _events(
        "keys-and-passwords",
        "access keys and console passwords made, changed or removed",
        "eventname IN ('CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile', "
        "'DeleteLoginProfile', 'ChangePassword')",
    ),
    _events("policy-changes", "who attached, put or changed policies, boundaries and group members", f"eventname IN ({_IN_POLICY})"),
    _events(
        "root-use",
        "what the root user did",
        "useridentity.type = 'Root' AND useridentity.invokedby IS NULL AND eventtype <> 'AwsServiceEvent'",
    ),
    _events(
        "console-logins-without-mfa",
        "console logins without MFA",
        "eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Success'\n"
        "  AND json_extract_scalar(additionaleventdata, '$.MFAUsed') = 'No'\n"
        "  AND coalesce(useridentity.sessioncontext.attributes.mfaauthenticated, 'false') <> 'true'",
        90,
        columns="eventtime, useridentity.type, useridentity.username, useridentity.arn, sourceipaddress, useragent",
    ),
    _events(
        "failed-logins",
        "console logins that failed",
        "eventname = 'ConsoleLogin' AND (json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure' OR errormessage IS NOT NULL)",
        30,
        columns="eventtime, useridentity.username, sourceipaddress, errormessage, useragent",
    ),
    _events("logging-switched-off", "trails, recorders, detectors and alarms stopped or changed", f"eventname IN ({_LOGGING})"),
    SavedQuery(
        "denied",
        "who is denied what, and how often",
        f"SELECT {_WHO}, eventsource, eventname, count(*) AS calls, min(eventtime) AS first, max(eventtime) AS last,\n"
        "  approx_distinct(sourceipaddress) AS addresses\nFROM cloudtrail_logs\n"
        f"WHERE regexp_like(errorcode, 'AccessDenied|Unauthorized')\n  AND {_SINCE}\nGROUP BY 1, 2, 3\nORDER BY calls DESC",
        (_days(30),),
    ),
    SavedQuery(
        "roles-assumed",
        "which roles were assumed, by whom, from where",
        "SELECT json_extract_scalar(requestparameters, '$.roleArn') AS role,\n"
        "  coalesce(useridentity.arn, useridentity.invokedby, useridentity.principalid) AS caller, sourceipaddress, count(*) AS times,\n"
        "  max(eventtime) AS last\nFROM cloudtrail_logs\nWHERE eventname LIKE 'AssumeRole%' AND errorcode IS NULL\n"
        f"  AND {_SINCE}\nGROUP BY 1, 2, 3\nORDER BY times DESC",
        (_days(30),),
    ),
    SavedQuery(
        "identity-activity",
        "what one identity called, by service and operation",
        "SELECT eventsource, eventname, count(*) AS calls, count_if(errorcode IS NOT NULL) AS failed, min(eventtime) AS first,\n"
        "  max(eventtime) AS last\nFROM cloudtrail_logs\n"
        "WHERE coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) LIKE {identity}\n"
        f"  AND {_SINCE}\nGROUP BY 1, 2\nORDER BY calls DESC",
        (Parameter("identity", ParameterKind.TEXT, "", "its ARN; % stands for anything, as in %/deploy-bot"), _days(90)),
    ),
    SavedQuery(
        "key-activity",
        "what one access key did, and from where",
        "SELECT sourceipaddress, eventsource, eventname, count(*) AS calls, min(eventtime) AS first, max(eventtime) AS last\n"
        f"FROM cloudtrail_logs\nWHERE useridentity.accesskeyid = {{key}}\n  AND {_SINCE}\nGROUP BY 1, 2, 3\nORDER BY last DESC",
        (Parameter("key", ParameterKind.TEXT, "", "access key id, AKIA… or ASIA…"), _days(90)),
    ),
    SavedQuery(
        "on-resource",
        "calls that name a resource, data events among them",
        f"SELECT eventtime, {_WHO}, eventname, r.arn, sourceipaddress, errorcode\n"
        "FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r)\n"
        f"WHERE r.arn LIKE {{resource}}\n  AND {_SINCE}\nORDER BY eventtime DESC",
        (Parameter("resource", ParameterKind.TEXT, "", "its ARN; % stands for anything, as in %my-bucket%"), _days(30)),
    ),
    SavedQuery(
        "new-addresses",
        "addresses an identity used in the last days and never in the days before them",
        f"SELECT {_WHO}, sourceipaddress, min(eventtime) AS first, count(*) AS calls\nFROM cloudtrail_logs\n"
        "WHERE sourceipaddress NOT LIKE '%.amazonaws.com'\n"
        "  AND from_iso8601_timestamp(eventtime) > date_add('day', -{days} - {before}, now())\nGROUP BY 1, 2\n"
        "HAVING from_iso8601_timestamp(min(eventtime)) > date_add('day', -{days}, now())\nORDER BY first DESC",
        (_days(7), Parameter("before", ParameterKind.DAYS, "365", "how many days before them count as before")),
    ),
    _events(
        "cross-account",
        "calls made from another account",
        "useridentity.accountid <> recipientaccountid AND useridentity.type <> 'AWSService'",
        30,
        columns="eventtime, useridentity.accountid AS from_account, useridentity.arn, eventsource, eventname, recipientaccountid, errorcode",
    ),
    _events("instances-ended", "who stopped or terminated instances", "eventname IN ('TerminateInstances', 'StopInstances')", 90),
    SavedQuery(
        "by-day",
        "calls by day, with those that change something and those that failed",
        "SELECT date_format(from_iso8601_timestamp(eventtime), '%Y-%m-%d') AS day, count(*) AS calls,\n"
        "  count_if(readonly = 'false') AS writes, count_if(errorcode IS NOT NULL) AS failed\n"
        f"FROM cloudtrail_logs\nWHERE {_SINCE}\nGROUP BY 1\nORDER BY day DESC",
        (_days(30),),
    ),
)

_NAMED = {query.name: query for query in QUERIES}


def named(name: str) -> SavedQuery:
    """A saved query by its name or an unambiguous beginning of it. Raises UsageError."""
    found = [query for query in QUERIES if query.name.startswith(name)] if name not in _NAMED else [_NAMED[name]]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{name} could be {', '.join(query.name for query in found)}", "write more of the name")
    raise UsageError(f"There is no saved query {name}", "iamtui sql --list names them")


def fill(query: SavedQuery, given: Mapping[str, str]) -> str:
    """The query's text with its parameters in place. Raises UsageError on a parameter that is missing, unknown or of another kind."""
    known = {parameter.name for parameter in query.parameters}
    for name in given:
        if name not in known:
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise UsageError(f"{query.name} has no parameter {name}: {has}", f"iamtui sql --list tells the parameters of {query.name}")
    values = {parameter.name: _literal(query, parameter, given.get(parameter.name, parameter.default)) for parameter in query.parameters}
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), query.sql)


def draft(query: SavedQuery) -> str:
    """The query's text to go on with: defaults in place, `{name}` left where a person has to say."""
    values = {p.name: _literal(query, p, p.default) for p in query.parameters if p.default}
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), query.sql)


def _literal(query: SavedQuery, parameter: Parameter, value: str) -> str:
    if not value:
        raise UsageError(f"{query.name} needs {parameter.name}: {parameter.help}", f"iamtui sql -q {query.name} -p {parameter.name}=…")
    if parameter.kind is ParameterKind.TEXT:
        return "'" + value.replace("'", "''") + "'"
    if not re.fullmatch(r"\d{1,6}", value, re.ASCII):
        raise UsageError(f"{parameter.name} of {query.name} is a whole number, not {value}", f"{parameter.help}: -p {parameter.name}=30")
    return value
