"""The server and its operations."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from . import shapes
from .accounts import ACCOUNT, large_account, report_of
from .engines import Engines

DENIED = ("AccessDenied", "User is not authorized to perform this", 403)
THROTTLED = ("Throttling", "Rate exceeded", 400)


class Fault(NamedTuple):
    """What to answer instead: AWS error code, message, HTTP status; for the first `times` calls (None for ever)."""

    code: str = "AccessDenied"
    message: str = "User is not authorized to perform this"
    status: int = 403
    times: int | None = None
    region: str = ""
    delay: float = 0.0


class AwsError(Exception):
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message or code, status


_LISTS = (
    ("User", "UserDetailList"),
    ("Group", "GroupDetailList"),
    ("Role", "RoleDetailList"),
    ("LocalManagedPolicy", "Policies"),
    ("AWSManagedPolicy", "Policies"),
)


class AwsTestServer:
    """`with AwsTestServer(account=…) as server: server.url`. Listens on loopback only, on a free port.

    account:  GAAD as dict (all lists); events: CloudTrail records, any order
    page:     most items an answer of GAAD holds, whatever MaxItems says; delay: seconds before such an answer
    faults:   operation name -> Fault or list of faults
    last_accessed: ARN -> ServicesLastAccessed entries; used_by: `ARN#service` -> EntityDetailsList; granting: `ARN#service` -> Policies
    most_jobs: jobs in progress above which one more is throttled; `highest` tells how many there were
    failing_jobs: ARN -> how many of its jobs fail; gone: ARNs that do not exist; refused: ARNs nobody may ask about
    analyzers: Region -> analyzers; analyzer_findings: ARN of an analyzer -> whole findings (GetFindingV2)
    config:   Region -> `recorders`, `status` (as AWS lists them) and `items` (resource id -> Config items, newest first, 1 a page)
    last_accessed: ARN -> ServicesLastAccessed entries
    engines:  Athena and CloudTrail Lake, where a test wants them
    calls:    every operation answered, in order, with its Region (for assertions)
    """

    def __init__(
        self,
        account: dict[str, Any] | None = None,
        events: Iterable[dict[str, Any]] = (),
        *,
        report: bytes | None = None,
        page: int = 100,
        delay: float = 0.0,
        faults: dict[str, Fault | list[Fault]] | None = None,
        last_accessed: dict[str, list[dict[str, Any]]] | None = None,
        keys: dict[str, list[dict[str, Any]]] | None = None,
        report_ready_after: int = 2,
        job_ready_after: int = 2,
        now: datetime | None = None,
        rate: float = 2.0,
        port: int = 0,
        most_jobs: int = 5,
        failing_jobs: dict[str, int] | None = None,
        gone: Iterable[str] = (),
        refused: Iterable[str] = (),
        used_by: dict[str, list[dict[str, Any]]] | None = None,
        granting: dict[str, list[dict[str, Any]]] | None = None,
        analyzers: dict[str, list[dict[str, Any]]] | None = None,
        analyzer_findings: dict[str, list[dict[str, Any]]] | None = None,
        config: dict[str, dict[str, Any]] | None = None,
        engines: Engines | None = None,
    ) -> None:
        self.account = account if account is not None else large_account(3, 3, 1)
        self.events = sorted(events, key=lambda e: str(e.get("eventTime", "")), reverse=True)
        self.report = report if report is not None else report_of(self.account)
        self.page, self.delay, self.rate = page, delay, rate
        self.faults = {name: list(f) if isinstance(f, list) else [f] for name, f in (faults or {}).items()}
        self.last_accessed, self.keys = last_accessed or {}, keys or {}
        self.config = config or {}
        self.now = now or datetime.now(UTC)
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self._report_asked, self._report_ready_after, self._job_ready_after = -1, report_ready_after, job_ready_after
        self._jobs: dict[str, list[Any]] = {}
        self.most_jobs, self.highest = most_jobs, 0
        self.failing_jobs, self.gone, self.refused = dict(failing_jobs or {}), set(gone), set(refused)
        self.used_by, self.granting = used_by or {}, granting or {}
        self.analyzers, self.analyzer_findings = analyzers or {}, analyzer_findings or {}
        self._signer = threading.local()
        self._tokens: dict[str, tuple[str, int]] = {}
        self._lookups: dict[str, list[float]] = {}
        self._fault_counts: dict[int, int] = {}
        self._lock = threading.Lock()
        self._port = port
        self.engines = engines

    # -- life --------------------------------------------------------------------------------------------------------

    def __enter__(self) -> AwsTestServer:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                owner._handle(self)

            def do_GET(self) -> None:
                owner._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", self._port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, operation: str) -> int:
        return sum(1 for name, _, _ in self.calls if name == operation)

    # -- one request -------------------------------------------------------------------------------------------------

    def _handle(self, http: BaseHTTPRequestHandler) -> None:
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0)).decode()
        target = http.headers.get("X-Amz-Target", "")
        scope = http.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        region, service = (scope[2], scope[3]) if len(scope) > 3 else ("us-east-1", "sts")
        address = urlsplit(http.path)
        as_json = bool(target) or address.path != "/"
        operation = target.rpartition(".")[2]
        self._signer.key = scope[0]
        service = {"access-analyzer": "accessanalyzer"}.get(service, service)
        try:
            if address.path != "/":
                operation, parameters = shapes.rest_request(service, http.command, address.path, address.query, body)
            elif as_json:
                parameters = json.loads(body or "{}")
            else:
                operation, parameters = shapes.query_request(body)
            shapes.check_request(service, operation, parameters)
            with self._lock:
                self.calls.append((operation, region, parameters))
            self._fault(operation, region)
            if self.engines is not None and hasattr(self.engines, f"{service}_{operation}"):
                answer = self.engines.answer(service, operation, region, parameters)
            else:
                answer = self._answer(operation, region, parameters)
            payload = shapes.json_answer(service, operation, answer) if as_json else shapes.xml_answer(service, operation, answer)
            status = 200
        except AwsError as error:
            status = error.status
            if as_json:
                payload = json.dumps({"__type": error.code, "message": error.message}).encode()
            else:
                kind = "Sender" if status < 500 else "Receiver"
                payload = (
                    f"<ErrorResponse><Error><Type>{kind}</Type><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
                    "<RequestId>test</RequestId></ErrorResponse>"
                ).encode()
        http.send_response(status)
        if as_json and status >= 400:
            http.send_header("x-amzn-ErrorType", json.loads(payload)["__type"])
        http.send_header("Content-Type", "application/x-amz-json-1.1" if as_json else "text/xml")
        http.send_header("Content-Length", str(len(payload)))
        http.end_headers()
        http.wfile.write(payload)

    def _fault(self, operation: str, region: str) -> None:
        for fault in self.faults.get(operation, []):
            if fault.region and fault.region != region:
                continue
            with self._lock:
                used = self._fault_counts.get(id(fault), 0)
                if fault.times is not None and used >= fault.times:
                    continue
                self._fault_counts[id(fault)] = used + 1
            if fault.delay:
                time.sleep(fault.delay)
            if fault.code:
                raise AwsError(fault.code, fault.message, fault.status)

    def _answer(self, operation: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        method: Callable[[str, dict[str, Any]], dict[str, Any]] | None = getattr(self, f"_{operation}", None)
        if method is None:
            raise AwsError("InvalidAction", f"the test server has no {operation}")
        return method(region, parameters)

    # -- operations --------------------------------------------------------------------------------------------------

    def _GetCallerIdentity(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/tester", "UserId": "AROATEST:tester"}

    def _AssumeRole(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        end = datetime.now(UTC) + timedelta(hours=1)
        credentials = {"AccessKeyId": "ASIAEXAMPLEASSUMED00", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": end}
        return {"Credentials": credentials, "AssumedRoleUser": {"AssumedRoleId": "AROATEST:x", "Arn": f"{p['RoleArn']}/x"}}

    def _AssumeRoleWithWebIdentity(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return self._AssumeRole(region, p)

    def _GetAccountAuthorizationDetails(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        wanted = p.get("Filter") or [name for name, _ in _LISTS]
        flat: list[tuple[str, Any]] = []
        for name, field in _LISTS:
            if name in wanted:
                for entry in self.account.get(field, []):
                    if field != "Policies" or (":iam::aws:" in entry["Arn"]) == (name == "AWSManagedPolicy"):
                        flat.append((field, entry))
        start = int(p.get("Marker") or 0)
        size = min(int(p.get("MaxItems") or 100), self.page)
        if self.delay:
            time.sleep(self.delay)
        answer: dict[str, Any] = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
        for field, entry in flat[start : start + size]:
            answer[field].append(_ready(field, entry))
        answer["IsTruncated"] = start + size < len(flat)
        if answer["IsTruncated"]:
            answer["Marker"] = str(start + size)
        return answer

    def _GenerateCredentialReport(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        self._report_asked = 0
        return {"State": "STARTED", "Description": "No report exists."}

    def _GetCredentialReport(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        if self._report_asked < 0:
            raise AwsError("ReportNotPresent", "No report exists", 410)
        self._report_asked += 1
        if self._report_asked < self._report_ready_after:
            raise AwsError("ReportInProgress", "The report is being made", 404)
        return {"Content": self.report, "ReportFormat": "text/csv", "GeneratedTime": self.now}

    def _GetAccountSummary(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"SummaryMap": {"Users": len(self.account.get("UserDetailList", [])), "AccountMFAEnabled": 1}}

    def _ListAccountAliases(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"AccountAliases": ["test-account"], "IsTruncated": False}

    def _GetAccountPasswordPolicy(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("NoSuchEntity", "The password policy cannot be found", 404)

    def _ListAccessKeys(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"AccessKeyMetadata": self.keys.get(p.get("UserName", ""), []), "IsTruncated": False}

    def _GetAccessKeyLastUsed(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {
            "UserName": "x",
            "AccessKeyLastUsed": {"LastUsedDate": self.now - timedelta(days=3), "Region": "eu-west-1", "ServiceName": "s3"},
        }

    def _DescribeConfigurationRecorders(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"ConfigurationRecorders": self.config.get(region, {}).get("recorders", [])}

    def _DescribeConfigurationRecorderStatus(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"ConfigurationRecordersStatus": self.config.get(region, {}).get("status", [])}

    def _GetResourceConfigHistory(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        """A short page with a token each, and an empty one in between, as AWS does."""
        held = self.config.get(region, {}).get("items", {}).get(p["resourceId"])
        if not self.config.get(region, {}).get("recorders"):
            raise AwsError("NoAvailableConfigurationRecorderException", "there is no recorder")
        if held is None:
            raise AwsError("ResourceNotDiscoveredException", "the resource is unknown or has not been discovered")
        page = int(p.get("nextToken") or 0)
        items = [] if page == 1 else held[page - 1 if page else 0 : (page - 1 if page else 0) + 1]
        more = page < len(held)
        return {"configurationItems": items, **({"nextToken": str(page + 1)} if more else {})}

    def _GetPolicy(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        for entry in self.account.get("Policies", []):
            if entry["Arn"] == p["PolicyArn"]:
                return {"Policy": {k: v for k, v in entry.items() if k != "PolicyVersionList"}}
        raise AwsError("NoSuchEntity", "no such policy", 404)

    def _GetPolicyVersion(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        for entry in self.account.get("Policies", []):
            for version in entry["PolicyVersionList"]:
                if entry["Arn"] == p["PolicyArn"] and version["VersionId"] == p["VersionId"]:
                    return {"PolicyVersion": version}
        raise AwsError("NoSuchEntity", "no such version", 404)

    def _GetRole(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        for entry in self.account.get("RoleDetailList", []):
            if entry["RoleName"] == p["RoleName"]:
                kept = {
                    k: v for k, v in entry.items() if k in ("Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument")
                }
                return {"Role": {**kept, "MaxSessionDuration": 7200, "Description": "told by GetRole"}}
        raise AwsError("NoSuchEntity", "no such role", 404)

    def _ListRoles(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        entries = self.account.get("RoleDetailList", [])
        first = int(p.get("Marker") or 0)
        size = min(int(p.get("MaxItems") or 100), 1000, self.page)
        kept = ("Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument")
        roles = [{**{k: v for k, v in e.items() if k in kept}, "MaxSessionDuration": 7200} for e in entries[first : first + size]]
        answer: dict[str, Any] = {"Roles": roles, "IsTruncated": first + size < len(entries)}
        return {**answer, "Marker": str(first + size)} if answer["IsTruncated"] else answer

    def _GenerateServiceLastAccessedDetails(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        if p["Arn"] in self.gone:
            raise AwsError("NoSuchEntity", f"ARN {p['Arn']} not found.", 404)
        if p["Arn"] in self.refused:
            raise AwsError("AccessDenied", f"not authorized to perform: iam:GenerateServiceLastAccessedDetails on {p['Arn']}", 403)
        with self._lock:
            running = sum(1 for job in self._jobs.values() if job[2] < self._job_ready_after)
            if running >= self.most_jobs:
                raise AwsError(*THROTTLED)
            job = f"job-{len(self._jobs):032}"
            self._jobs[job] = [p["Arn"], p.get("Granularity", "SERVICE_LEVEL"), 0, self._signer.key]
            self.highest = max(self.highest, running + 1)
        return {"JobId": job}

    def forget_jobs(self) -> None:
        """Jobs that were started are not there any more: they have expired, or were another session's."""
        with self._lock:
            for job in self._jobs.values():
                job[3] = "another session"

    def _job(self, p: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """A job of this session, and what its answer begins with; JobStatus is in it once it is not COMPLETED."""
        with self._lock:
            job = self._jobs.get(p["JobId"])
            if job is None or job[3] != self._signer.key:
                raise AwsError("NoSuchEntity", "the job is not yours", 404)
            job[2] += 1
            base: dict[str, Any] = {"JobCreationDate": self.now, "JobCompletionDate": self.now}
            if job[2] < self._job_ready_after:
                return job, {**base, "JobStatus": "IN_PROGRESS"}
            if self.failing_jobs.get(job[0], 0) and job[2] == self._job_ready_after:
                self.failing_jobs[job[0]] -= 1
                job.append("failed")
            if "failed" in job[4:]:
                return job, {**base, "JobStatus": "FAILED", "Error": {"Message": "it broke", "Code": "ServiceFailure"}}
            return job, {**base, "JobStatus": "COMPLETED"}

    def _GetServiceLastAccessedDetails(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        job, base = self._job(p)
        base["JobType"] = job[1]
        if base["JobStatus"] != "COMPLETED":
            return {**base, "ServicesLastAccessed": []}
        return {**base, **_page(self.last_accessed.get(job[0], []), "ServicesLastAccessed", p)}

    def _GetServiceLastAccessedDetailsWithEntities(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        job, base = self._job(p)
        if base["JobStatus"] != "COMPLETED":
            return {**base, "EntityDetailsList": []}
        return {**base, **_page(self.used_by.get(f"{job[0]}#{p['ServiceNamespace']}", []), "EntityDetailsList", p)}

    def _ListPoliciesGrantingServiceAccess(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        names = p["ServiceNamespaces"]
        return {
            "PoliciesGrantingServiceAccess": [{"ServiceNamespace": n, "Policies": self.granting.get(f"{p['Arn']}#{n}", [])} for n in names],
            "IsTruncated": False,
        }

    def _ListAnalyzers(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return _tokens(self.analyzers.get(region, []), "analyzers", p)

    def _ListFindingsV2(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        found = self._of_analyzer(region, p)
        short = [{k: v for k, v in one.items() if k != "findingDetails"} for one in found]
        return _tokens(short, "findings", p)

    def _GetFindingV2(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        for one in self._of_analyzer(region, p):
            if one["id"] == p["id"]:
                details = one.get("findingDetails", [])
                return {**one, **_tokens(details, "findingDetails", p)}
        raise AwsError("ResourceNotFoundException", "no such finding", 404)

    def _of_analyzer(self, region: str, p: dict[str, Any]) -> list[dict[str, Any]]:
        if not any(one["arn"] == p["analyzerArn"] for one in self.analyzers.get(region, [])):
            raise AwsError("ResourceNotFoundException", "no such analyzer here", 404)
        return self.analyzer_findings.get(p["analyzerArn"], [])

    def _LookupEvents(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            recent = [t for t in self._lookups.get(region, []) if time.monotonic() - t < 1.0]
            if self.rate and len(recent) >= self.rate + 1:  # a little burst, as AWS allows
                raise AwsError("ThrottlingException", "Rate exceeded", 400)
            self._lookups[region] = [*recent, time.monotonic()]
        attributes = p.get("LookupAttributes") or []
        if len(attributes) > 1:
            raise AwsError("InvalidLookupAttributesException", "one attribute at a time")
        size = int(p.get("MaxResults") or 50)
        if size > 50:
            raise AwsError("InvalidMaxResultsException", "at most 50")
        request = json.dumps({k: v for k, v in p.items() if k != "NextToken"}, sort_keys=True)
        start = 0
        if p.get("NextToken"):
            asked, start = self._tokens.get(p["NextToken"], ("", 0))
            if asked != request:
                raise AwsError("InvalidNextTokenException", "the token belongs to another request")
        found = [e for e in self.events if self._matches(e, attributes[0] if attributes else None, region, p)]
        answer: dict[str, Any] = {"Events": [_lookup_entry(e) for e in found[start : start + size]]}
        if start + size < len(found):
            token = f"token-{len(self._tokens)}"
            self._tokens[token] = (request, start + size)
            answer["NextToken"] = token
        return answer

    def _matches(self, event: dict[str, Any], attribute: dict[str, str] | None, region: str, p: dict[str, Any]) -> bool:
        if event.get("awsRegion") != region or event.get("managementEvent") is False:
            return False
        when = shapes.stamp(event["eventTime"])
        if when < self.now - timedelta(days=90) or (p.get("StartTime") and when < shapes.stamp(p["StartTime"])):
            return False
        if p.get("EndTime") and when > shapes.stamp(p["EndTime"]):
            return False
        if attribute is None:
            return True
        entry, value = _lookup_entry(event), attribute["AttributeValue"]
        match attribute["AttributeKey"]:
            case "Username":
                return entry.get("Username") == value
            case "ResourceName":
                return any(r["ResourceName"] == value for r in entry["Resources"])
            case "AccessKeyId":
                return entry.get("AccessKeyId") == value
            case "EventName":
                return entry["EventName"] == value
            case "EventId":
                return entry["EventId"] == value
            case "EventSource":
                return entry["EventSource"] == value
        return False


def _page(entries: list[dict[str, Any]], name: str, p: dict[str, Any]) -> dict[str, Any]:
    """A page of IAM's: Marker and IsTruncated."""
    start, size = int(p.get("Marker") or 0), int(p.get("MaxItems") or 100)
    more = start + size < len(entries)
    return {name: entries[start : start + size], "IsTruncated": more, **({"Marker": str(start + size)} if more else {})}


def _tokens(entries: list[dict[str, Any]], name: str, p: dict[str, Any]) -> dict[str, Any]:
    """A page of Access Analyzer's: nextToken."""
    start, size = int(p.get("nextToken") or 0), min(int(p.get("maxResults") or 100), 100)
    more = start + size < len(entries)
    return {name: entries[start : start + size], **({"nextToken": str(start + size)} if more else {})}


_written: dict[int, tuple[Any, shapes.Written]] = {}


def _ready(field: str, entry: Any) -> Any:
    """The entry's XML, made once: a server under measurement should not be the slow part."""
    held = _written.get(id(entry))
    if held is None or held[0] is not entry:
        shape = shapes.model("iam").operation_model("GetAccountAuthorizationDetails").output_shape.members[field].member
        held = _written[id(entry)] = (entry, shapes.Written(shapes.xml_of(shape, entry, field)))
    return held[1]


def _lookup_entry(event: dict[str, Any]) -> dict[str, Any]:
    """One event as LookupEvents gives it. The user name of a session is the session's name."""
    identity = event.get("userIdentity") or {}
    name = identity.get("userName")
    if identity.get("type") == "AssumedRole":
        name = str(identity.get("principalId", "")).partition(":")[2]
    elif identity.get("type") == "Root":
        name = "root"
    request = event.get("requestParameters") or {}
    names = [str(request[k]) for k in ("userName", "roleName", "groupName", "policyArn", "roleArn", "instanceId") if request.get(k)]
    names += [str(r.get("ARN")) for r in event.get("resources") or [] if r.get("ARN")]
    role_arn = str(request.get("roleArn") or "")
    if role_arn:
        names.append(role_arn.rpartition("/")[2])
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": str(event.get("readOnly", False)).lower(),
        "AccessKeyId": identity.get("accessKeyId"),
        "EventTime": event["eventTime"],
        "EventSource": event["eventSource"],
        "Username": name,
        "Resources": [{"ResourceType": "x", "ResourceName": n} for n in dict.fromkeys(names)],
        "CloudTrailEvent": json.dumps(event),
    }
