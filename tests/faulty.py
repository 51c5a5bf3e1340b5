"""A source some of whose answers do not come, to see the fact states on screen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from iamtui.model.document import Document, Gap, Kind
from iamtui.model.event import Window, WindowState
from iamtui.model.fact import State
from iamtui.source.base import Cancelled, EventQuery, Item, Source, never_cancelled

DENIED_BY = {
    Kind.CREDENTIAL_REPORT: "iam:GenerateCredentialReport",
    Kind.LAST_ACCESSED: "iam:GenerateServiceLastAccessedDetails",
    Kind.ACCESS_KEYS: "iam:ListAccessKeys",
    Kind.PASSWORD_POLICY: "iam:GetAccountPasswordPolicy",
    Kind.POLICY_VERSION: "iam:GetPolicyVersion",
}


class Faulty:
    """Another source with gaps.

    denied:         kinds that are refused
    denied_region:  Region whose events are refused ("" for none)
    throttled_page: whether the last page of the roles is throttled away (a third of them is missing then)
    """

    def __init__(
        self,
        source: Source,
        denied: frozenset[Kind] = frozenset({Kind.CREDENTIAL_REPORT, Kind.LAST_ACCESSED}),
        denied_region: str = "eu-central-1",
        *,
        throttled_page: bool = True,
    ) -> None:
        self.source = source
        self.denied = denied
        self.denied_region = denied_region
        self.throttled_page = throttled_page
        self.info = source.info

    def _pass(self, items: Iterator[Item]) -> Iterator[Item]:
        for item in items:
            if isinstance(item, Document) and item.kind in self.denied:
                action = DENIED_BY.get(item.kind, "")
                reason = f"AccessDenied: the caller is not authorized to perform {action}"
                yield Gap(
                    item.kind, State.DENIED, reason, action, item.account, item.key, item.region, f"grant {action}", item.origin, item.as_of
                )
            elif isinstance(item, Document) and item.kind is Kind.AUTHORIZATION and self.throttled_page:
                answer = json.loads(item.body)
                roles = answer["RoleDetailList"]
                answer["RoleDetailList"] = roles[: len(roles) * 2 // 3]
                answer["IsTruncated"], answer["Marker"] = True, "EXAMPLE"
                yield msgspec.structs.replace(item, body=json.dumps(answer).encode(), complete=False)
                yield Gap(
                    item.kind, State.FAILED, "Throttling: Rate exceeded after 8 tries; the last page of the roles is missing",
                    "iam:GetAccountAuthorizationDetails", item.account, "Role", hint="press r to read again", origin=item.origin, at=item.as_of,
                )  # fmt: skip
            else:
                yield item

    def account(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        yield from self._pass(self.source.account(cancelled))

    def events(self, query: EventQuery, cancelled: Cancelled = never_cancelled) -> Iterator[Item | Window]:
        for item in self.source.events(query, cancelled):
            if isinstance(item, Window) and item.region == self.denied_region:
                yield Window(item.region, WindowState.DENIED, item.since, item.until, "AccessDenied: cloudtrail:LookupEvents")
            elif isinstance(item, Document) and self.denied_region:
                kept = [r for r in json.loads(item.body)["Records"] if r["awsRegion"] != self.denied_region]
                yield msgspec.structs.replace(item, body=json.dumps({"Records": kept}).encode())
            else:
                yield item
        if self.denied_region:
            reason = f"AccessDenied in {self.denied_region}"
            yield Gap(
                Kind.EVENTS,
                State.DENIED,
                reason,
                "cloudtrail:LookupEvents",
                region=self.denied_region,
                hint="grant cloudtrail:LookupEvents",
            )

    def surroundings(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        yield from self._pass(self.source.surroundings(cancelled))  # type: ignore[attr-defined]

    def last_accessed(self, arn: str, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        yield from self._pass(self.source.last_accessed(arn, granularity, cancelled))

    def access_keys(self, user_name: str, user_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        yield from self._pass(self.source.access_keys(user_name, user_arn, cancelled))

    def policy_version(self, policy_arn: str, version_id: str = "", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        yield from self._pass(self.source.policy_version(policy_arn, version_id, cancelled))
