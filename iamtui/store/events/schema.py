"""Columns of a segment, and how DuckDB reads them out of a record.

The first columns are those of the table AWS's Athena documentation gives for CloudTrail (same names, same nesting, parameters
as JSON text), so that a query runs here as it runs there. Names that begin with an underscore are our own and are not part of
that table:

_time         when the event happened, UTC; from eventTime, else from the field `_time_from` names; NULL when there is none
_id           what makes an event the same event: its eventID, or a hash of its text where it has none
_origin       file or answer it was read from
_actor_kind   userIdentity.type
_actor_arn    the identity behind the call: the session issuer for a session, else userIdentity.arn; NULL when not told
_actor_name   its name
_session      role session name
_handed_out   temporary key in the answer of an AssumeRole* or Get*Token call
_outcome      success, denied, failed, unknown
_record       the record as JSON text, secrets dropped
"""

from __future__ import annotations

import json
from typing import Any

from ...model.event import DENIED_CODES, OTHER_TIMES

_TEXT = "VARCHAR"
_IDENTITY: dict[str, Any] = {
    "type": _TEXT,
    "principalId": _TEXT,
    "arn": _TEXT,
    "accountId": _TEXT,
    "invokedBy": _TEXT,
    "accessKeyId": _TEXT,
    "userName": _TEXT,
    "identityProvider": _TEXT,
    "credentialId": _TEXT,
    "onBehalfOf": {"userId": _TEXT, "identityStoreArn": _TEXT},
    "sessionContext": {
        "attributes": {"mfaAuthenticated": _TEXT, "creationDate": _TEXT},
        "sessionIssuer": {"type": _TEXT, "principalId": _TEXT, "arn": _TEXT, "accountId": _TEXT, "userName": _TEXT},
        "ec2RoleDelivery": _TEXT,
        "ec2IssuedInVpc": _TEXT,
        "webIdFederationData": {"federatedProvider": _TEXT, "attributes": "MAP(VARCHAR, VARCHAR)"},
        "sourceIdentity": _TEXT,
        "assumedRoot": _TEXT,
    },
}
_RECORD: dict[str, Any] = {
    "eventVersion": _TEXT,
    "userIdentity": _IDENTITY,
    "eventTime": _TEXT,
    "eventSource": _TEXT,
    "eventName": _TEXT,
    "awsRegion": _TEXT,
    "sourceIPAddress": _TEXT,
    "userAgent": _TEXT,
    "errorCode": _TEXT,
    "errorMessage": _TEXT,
    "requestParameters": _TEXT,
    "responseElements": _TEXT,
    "additionalEventData": _TEXT,
    "requestID": _TEXT,
    "eventID": _TEXT,
    "readOnly": _TEXT,
    "resources": [{"ARN": _TEXT, "accountId": _TEXT, "type": _TEXT}],
    "eventType": _TEXT,
    "apiVersion": _TEXT,
    "recipientAccountId": _TEXT,
    "serviceEventDetails": _TEXT,
    "sharedEventID": _TEXT,
    "vpcEndpointId": _TEXT,
    "vpcEndpointAccountId": _TEXT,
    "eventCategory": _TEXT,
    "managementEvent": _TEXT,
    "addendum": {"reason": _TEXT, "updatedFields": _TEXT, "originalRequestID": _TEXT, "originalEventID": _TEXT},
    "sessionCredentialFromConsole": _TEXT,
    "edgeDeviceDetails": _TEXT,
    "tlsDetails": {"tlsVersion": _TEXT, "cipherSuite": _TEXT, "clientProvidedHostHeader": _TEXT},
}
COLUMNS: tuple[str, ...] = tuple(name.lower() for name in _RECORD)
"""Columns of `cloudtrail_logs`, in the order of AWS's table."""

FIELDS: tuple[str, ...] = (
    *COLUMNS,
    *(f"useridentity.{name.lower()}" for name in _IDENTITY if name not in ("onBehalfOf", "sessionContext")),
    "useridentity.sessioncontext.attributes.mfaauthenticated",
    "useridentity.sessioncontext.attributes.creationdate",
    *(f"useridentity.sessioncontext.sessionissuer.{name.lower()}" for name in _IDENTITY["sessionContext"]["sessionIssuer"]),
    "useridentity.sessioncontext.sourceidentity",
    *(f"tlsdetails.{name.lower()}" for name in _RECORD["tlsDetails"]),
)
"""Columns with the nested fields worth completing."""

_HANDS_OUT = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken", "GetFederationToken")


def _path(field: str) -> str:
    return f'$."{field}"'


def _is_date(words: str) -> str:
    """A date of at least eight characters that begins with a year, in UTC; words that DuckDB would take for a date are none.
    CloudTrail's own spelling needs no time zones to be read, which is five times faster."""
    return (
        f"CASE WHEN strlen({words}) = 20 AND suffix({words}, 'Z') THEN try_cast({words} AS TIMESTAMP) "
        f"WHEN strlen({words}) >= 8 AND regexp_matches({words}, '^[0-9]{{4}}') "
        f"THEN try_cast({words} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END"
    )


def _fallback_time(what: str) -> str:
    """The first other timestamp a record without eventTime has; numbers are epoch seconds, or milliseconds."""
    cases = []
    for field in OTHER_TIMES:
        words = f"json_extract_string(j, '{_path(field)}')"
        number = f"try_cast({words} AS DOUBLE)"
        moment = (
            f"CASE json_type(j, '{_path(field)}') WHEN 'VARCHAR' THEN {_is_date(words)} WHEN 'BOOLEAN' THEN NULL "
            f"ELSE try(make_timestamp(CAST(CASE WHEN abs({number}) > 1e11 THEN {number} * 1e3 ELSE {number} * 1e6 END AS BIGINT))) END"
        )
        cases.append(moment if what == "time" else f"CASE WHEN ({moment}) IS NOT NULL THEN '{field}' END")
    return f"coalesce({', '.join(cases)})"


NO_EVENT = "eventtype IS NOT DISTINCT FROM 'AwsCloudTrailInsight' OR (coalesce(eventname, '') = '' AND coalesce(eventsource, '') = '')"
"""Rows of a segment just written that are no events. They are left out afterwards: to filter the records while they are taken apart
costs half as much again."""


def select(source: str) -> str:
    """The SELECT that turns JSON lines into the columns of a segment. `source`: a relation with `j` (JSON text) and `o` (origin)."""
    shape = json.dumps(_RECORD).replace("'", "''")
    issuer = "s.userIdentity.sessionContext.sessionIssuer"
    arn = "s.userIdentity.arn"
    kind = "s.userIdentity.type"
    is_role = f"coalesce({kind} = 'AssumedRole' OR contains({arn}, ':assumed-role/'), false)"
    is_federated = f"coalesce({kind} = 'FederatedUser' AND {issuer}.type IN ('IAMUser', 'Root'), false)"
    stamp = _is_date("s.eventTime")
    tail = f"split_part({arn}, ':assumed-role/', 2)"
    hands_out = ", ".join(f"'{name}'" for name in _HANDS_OUT)
    names = ", ".join(f's."{name}" AS {name.lower()}' for name in _RECORD)
    denied = f"regexp_matches(s.errorCode, '(?i){DENIED_CODES}')"
    return f"""
    SELECT {names},
        coalesce({stamp}, CASE WHEN ({stamp}) IS NULL THEN {_fallback_time("time")} END) AS _time,
        CASE WHEN ({stamp}) IS NULL THEN {_fallback_time("name")} END AS _time_from,
        CASE WHEN s.eventID <> '' THEN s.eventID ELSE 'text:' || md5(j) || o END AS _id,
        o AS _origin,
        CASE WHEN {is_role} THEN 'AssumedRole' ELSE {kind} END AS _actor_kind,
        nullif(CASE WHEN {is_role} OR {is_federated} THEN {issuer}.arn ELSE {arn} END, '') AS _actor_arn,
        CASE WHEN {is_role} THEN coalesce({issuer}.userName, split_part({tail}, '/', 1))
             WHEN {is_federated} THEN coalesce({issuer}.userName, 'root')
             WHEN {kind} = 'Root' THEN 'root'
             ELSE coalesce(s.userIdentity.userName, s.userIdentity.invokedBy, nullif(split_part({arn}, '/', -1), ''), s.userIdentity.accountId)
        END AS _actor_name,
        CASE WHEN {is_role} THEN coalesce(nullif(split_part(s.userIdentity.principalId, ':', 2), ''), split_part({tail}, '/', 2))
             WHEN {is_federated} THEN coalesce(s.userIdentity.userName, split_part({arn}, '/', -1)) END AS _session,
        CASE WHEN s.eventName IN ({hands_out}) AND json_valid(s.responseElements)
             THEN json_extract_string(s.responseElements, '$.credentials.accessKeyId') END AS _handed_out,
        CASE WHEN s.errorCode <> '' THEN CASE WHEN {denied} THEN 'denied' ELSE 'failed' END
             WHEN s.errorMessage <> '' OR (s.eventName = 'ConsoleLogin' AND contains(lower(s.responseElements), 'failure')) THEN 'failed'
             WHEN s.eventName IS NOT NULL AND s.userIdentity IS NOT NULL THEN 'success' ELSE 'unknown' END AS _outcome,
        j AS _record
    FROM (SELECT j, o, json_transform(j, '{shape}') AS s FROM {source})
    """
