"""The live source: an account behind credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ...errors import AwsError
from ...model.coverage import Covered
from ...model.document import Kind
from ...model.event import Window
from ..base import Cancelled, EventQuery, Item, PolicyRemark, SourceInfo, never_cancelled
from .calls import Caller
from .connection import Connection, LiveOptions, configuration_changed, fingerprint, region_words

if TYPE_CHECKING:
    from .athena import Athena
    from .lake import Lake


class LiveSource:
    """Reads the account that the credentials lead to. Refusals are gaps; only what ends all reading is raised."""

    def __init__(self, options: LiveOptions, mfa_prompt: Callable[[str], str] | None = None, *, through: Connection | None = None) -> None:
        self.options = options
        self.info = SourceInfo(
            kind="live",
            connection=fingerprint(options),
            profile=options.profile,
            regions=region_words(options),
            role_arn=options.role_arn,
            endpoint_url=options.endpoint_url,
            changed=configuration_changed(),
            days=options.lookup_days,
        )
        self.connection = Connection(options, mfa_prompt, through=through)
        self._caller = Caller(self.connection)

    def account(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        from .inventory import read_account

        yield from read_account(self._caller, cancelled)

    def events(self, query: EventQuery, cancelled: Cancelled = never_cancelled) -> Iterator[Item | Window | Covered]:
        from .trail import read_events

        self._know_account()
        regions = query.regions or self.connection.regions()
        yield from read_events(self._caller, query, regions, self.options.lookup_days, cancelled)

    def last_accessed(self, arn: str, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        from .usage import read_last_accessed

        self._know_account()
        yield from read_last_accessed(self._caller, arn, granularity, cancelled)

    def service_entities(self, arn: str, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        from .usage import read_entities

        self._know_account()
        yield from read_entities(self._caller, arn, service, cancelled)

    def granting_policies(self, arn: str, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        from .usage import read_granting

        self._know_account()
        yield from read_granting(self._caller, arn, service, cancelled)

    def analyzers(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Access Analyzer in the chosen Regions, where IAM's own Region is always among them."""
        from .analyzer import read_analyzers

        self._know_account()
        yield from read_analyzers(self._caller, self.connection.regions(), cancelled)

    def analyzer_finding(self, analyzer: str, finding: str) -> Iterator[Item]:
        """The details of one finding."""
        from .analyzer import read_finding

        self._know_account()
        yield from read_finding(self._caller, analyzer, finding)

    def access_keys(self, user_name: str, user_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        self._know_account()
        client = self.connection.client("iam")
        keys: list[dict[str, Any]] = []
        marker: dict[str, str] = {}
        try:
            while not cancelled():
                answer = client.list_access_keys(UserName=user_name, **marker)
                keys.extend(answer.get("AccessKeyMetadata") or [])
                if not answer.get("IsTruncated"):
                    break
                marker = {"Marker": answer["Marker"]}
        except Exception as error:
            yield self._caller.gap(Kind.ACCESS_KEYS, "iam:ListAccessKeys", error, key=user_arn)
            return
        used: dict[str, Any] = {}
        for key in keys:
            if cancelled():
                return
            try:
                used[key["AccessKeyId"]] = client.get_access_key_last_used(AccessKeyId=key["AccessKeyId"]).get("AccessKeyLastUsed") or {}
            except Exception as error:
                gap = self._caller.gap(Kind.ACCESS_KEYS, "iam:GetAccessKeyLastUsed", error, key=user_arn)
                used[key["AccessKeyId"]] = {"denied": gap.reason}
                yield gap
        yield self._caller.document(Kind.ACCESS_KEYS, "iam:ListAccessKeys", {"AccessKeyMetadata": keys, "LastUsed": used}, key=user_arn)

    def policy_version(self, policy_arn: str, version_id: str = "", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        self._know_account()
        client = self.connection.client("iam")
        action = "iam:GetPolicy"
        try:
            if not version_id:
                version_id = client.get_policy(PolicyArn=policy_arn)["Policy"]["DefaultVersionId"]
            action = "iam:GetPolicyVersion"
            answer = client.get_policy_version(PolicyArn=policy_arn, VersionId=version_id)
        except Exception as error:
            yield self._caller.gap(Kind.POLICY_VERSION, action, error, key=policy_arn)
            return
        yield self._caller.document(Kind.POLICY_VERSION, action, answer, key=f"{policy_arn}:{version_id}")

    def surroundings(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Policies of resources in the chosen Regions. The organisation is asked by itself, and less often."""
        from .resources import read_resource_policies

        self._know_account()
        yield from read_resource_policies(self._caller, self.connection.regions(), cancelled)

    def organization(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Levels, accounts and policies of the organisation, as one document; a gap where the account is in none, or may not know."""
        from .organization import read_organization

        self._know_account()
        yield from read_organization(self._caller, cancelled)

    def members(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The organisation's accounts."""
        from .organization import list_accounts

        self._know_account()
        yield from list_accounts(self._caller, cancelled)

    def guards(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Trails, filters, alarms, topics, rules, recorders and analyzers of the chosen Regions, or of all there are."""
        from .guards import read_guards

        self._know_account()
        yield from read_guards(self._caller, self.connection.every_region(), cancelled)

    def alarm_history(self, name: str, region: str) -> Iterator[Item]:
        """Changes of one alarm."""
        from .guards import read_alarm_history

        self._know_account()
        yield from read_alarm_history(self._caller, name, region)

    def resource_policy(self, arn: str) -> Iterator[Item]:
        """The policy of one resource."""
        from .resources import read_resource_policy

        self._know_account()
        yield from read_resource_policy(self._caller, arn)

    def validate_policy(self, document: str, kind: str) -> tuple[PolicyRemark, ...]:
        """What Access Analyzer's ValidatePolicy says. `kind`: IDENTITY_POLICY, RESOURCE_POLICY. Raises AwsError."""
        client = self.connection.client("accessanalyzer")
        found: list[PolicyRemark] = []
        more: dict[str, str] = {}
        try:
            while True:
                answer = client.validate_policy(policyDocument=document, policyType=kind, **more)
                found.extend(_remark(one) for one in answer.get("findings") or ())
                if not answer.get("nextToken"):
                    return tuple(found)
                more = {"nextToken": answer["nextToken"]}
        except Exception as error:
            gap = self._caller.gap(Kind.OTHER, "access-analyzer:ValidatePolicy", error)
            raise AwsError(f"AWS did not validate the policy: {gap.reason}", gap.hint, action=gap.action) from error

    def config_history(
        self, target: str, unique_id: str, arn: str, regions: tuple[str, ...] = (), cancelled: Cancelled = never_cancelled
    ) -> Iterator[Item]:
        """What AWS Config recorded of one IAM resource, over the chosen Regions."""
        from .config import read_config_history

        self._know_account()
        yield from read_config_history(self._caller, target, unique_id, regions or self.connection.regions(), cancelled)

    def athena(self) -> Athena:
        """Athena of this account, for SQL. Blocks for a moment: who we are is asked once."""
        from .athena import Athena

        self._know_account()
        return Athena(self._caller)

    def lake(self) -> Lake:
        """CloudTrail Lake of this account, for SQL."""
        from .lake import Lake

        self._know_account()
        return Lake(self._caller)

    def regions(self) -> tuple[str, ...]:
        """Regions that were chosen; the one that is asked first leads."""
        return tuple(dict.fromkeys((self.connection.region, *self.connection.regions())))

    def role(self, role_name: str, role_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """GetRole of one role, ListRoles of all: the maximum session and the description, which GAAD does not tell."""
        self._know_account()
        if not role_name:
            yield from self._all_roles(cancelled)
            return
        try:
            answer = self.connection.client("iam").get_role(RoleName=role_name)
        except Exception as error:
            yield self._caller.gap(Kind.ROLE, "iam:GetRole", error, key=role_arn)
            return
        yield self._caller.document(Kind.ROLE, "iam:GetRole", answer, key=role_arn)

    def _all_roles(self, cancelled: Cancelled) -> Iterator[Item]:
        marker: dict[str, str] = {}
        part = 0
        while not cancelled():
            try:
                answer = self.connection.client("iam").list_roles(MaxItems=1000, **marker)
            except Exception as error:
                yield self._caller.gap(Kind.ROLE, "iam:ListRoles", error)
                return
            more = bool(answer.get("IsTruncated") and answer.get("Marker"))
            marker = {"Marker": answer["Marker"]} if more else {}
            yield self._caller.document(Kind.ROLE, "iam:ListRoles", answer, part=part)
            part += 1
            if not more:
                return

    def _know_account(self) -> None:
        """The account's number, once: budgets and cache are kept by it."""
        if not self._caller.account:
            from .inventory import who_am_i

            who_am_i(self._caller)


def _remark(finding: dict[str, Any]) -> PolicyRemark:
    spans = [span for place in finding.get("locations") or () if (span := place.get("span"))]
    where = f"line {spans[0]['start']['line']}" if spans and "start" in spans[0] else ""
    return PolicyRemark(
        str(finding.get("findingType") or ""), str(finding.get("issueCode") or ""), str(finding.get("findingDetails") or ""), where
    )
