"""The demo account as a source: AWS's answers, made up on the spot, the same for the same day and seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ...model.document import Document, Gap, Kind, Origin
from ...model.event import Window, WindowState
from ...model.fact import State
from ..base import Cancelled, EventQuery, Item, SourceInfo, Step, never_cancelled
from .account import Account
from .clock import DAYS, clock
from .grammar import ACCOUNT, REGIONS
from .people import USERS
from .plan import Plan
from .touched import touch
from .work import all_works

if TYPE_CHECKING:
    from .daily import Daily
    from .storybook import Storybook
    from .usage import Advisor

SEED = 20_061_114
_DAYS_BETWEEN_WINDOWS = 15


class DemoSource:
    """Implements `Source` for the account acme-prod. Nothing blocks and nothing is asked of a network.

    now:  the demo's present; its day decides all dates
    seed: another seed gives other ids and another daily noise, the same people and stories
    """

    def __init__(self, now: datetime | None = None, seed: int = SEED) -> None:
        self.now = (now or datetime.now(UTC)).astimezone(UTC)
        self.seed = seed
        self.clock = clock(self.now)
        self.info = SourceInfo(kind="demo", connection="demo", regions=REGIONS)

    @cached_property
    def _account(self) -> Account:
        return Account(self.clock, self.seed, touch(self._plan.recent(), self.clock, self.seed))

    @cached_property
    def _plan(self) -> Plan:
        return Plan(self.clock, self.seed, all_works())

    @cached_property
    def _stories(self) -> Storybook:
        from .storybook import Storybook

        return Storybook(self._daily)

    @cached_property
    def _advisor(self) -> Advisor:
        from .usage import Advisor

        return Advisor(self._account, self._daily, self._stories)

    @cached_property
    def _daily(self) -> Daily:
        from .daily import Daily

        return Daily(self.clock, self.seed, self._plan)

    def _document(self, kind: Kind, operation: str, body: bytes, key: str = "", region: str = "", part: int = 0) -> Document:
        return Document(kind, body, self.now, Origin("demo", operation), ACCOUNT, key, region, part)

    def account(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """All lists of the account, GAAD first."""
        account = self._account
        yield self._document(Kind.AUTHORIZATION, "iam:GetAccountAuthorizationDetails", account.authorization())
        yield self._document(Kind.CREDENTIAL_REPORT, "iam:GetCredentialReport", account.credential_report())
        yield self._document(Kind.ACCOUNT_SUMMARY, "iam:GetAccountSummary", account.summary())
        yield self._document(Kind.ACCOUNT_ALIASES, "iam:ListAccountAliases", account.aliases())
        yield self._document(Kind.PASSWORD_POLICY, "iam:GetAccountPasswordPolicy", account.password_policy())
        yield self._document(Kind.CALLER, "sts:GetCallerIdentity", account.caller())

    def events(self, query: EventQuery, cancelled: Cancelled = never_cancelled) -> Iterator[Item | Window]:
        """Events of the last 90 days, newest first, a document for every day."""
        from .daily import container

        regions = query.regions or REGIONS
        first = self._day_of(query.until, 1)
        last = self._day_of(query.since, DAYS)
        until = min(query.until or self.now, self.now)
        for day in range(first, last + 1):
            if cancelled():
                return
            records = [*self._stories.by_day.get(day, ()), *self._daily.day(day, query.actor_name)]
            yield self._document(Kind.EVENTS, "cloudtrail:LookupEvents", container(records), self.clock.date(day))
            if day == last or not (day - first + 1) % _DAYS_BETWEEN_WINDOWS:
                state = WindowState.COVERED if day == last else WindowState.RUNNING
                since = self.clock.midnight - timedelta(days=day)
                for region in regions:
                    yield Window(region, state, since, until)

    def _day_of(self, moment: datetime | None, fallback: int) -> int:
        return min(max(self.clock.place(int(moment.timestamp()))[0], 1), DAYS) if moment else fallback

    def last_accessed(self, arn: str, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Access Advisor's answer about one ARN."""
        yield Step("GenerateServiceLastAccessedDetails", 0, 1)
        if cancelled():
            return
        body = self._advisor.answer(arn, granularity, self.now.isoformat(timespec="seconds"))
        yield Step("GetServiceLastAccessedDetails", 1, 1)
        if body is None:
            action = "iam:GenerateServiceLastAccessedDetails"
            yield Gap(Kind.LAST_ACCESSED, State.FAILED, f"NoSuchEntity: {arn} is not in this account", action, ACCOUNT, arn, at=self.now)
            return
        yield self._document(Kind.LAST_ACCESSED, "iam:GetServiceLastAccessedDetails", body, arn)

    def service_entities(self, arn: str, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Who used a service by way of an ARN."""
        operation = "iam:GetServiceLastAccessedDetailsWithEntities"
        body = self._advisor.entities(arn, service, self.now.isoformat(timespec="seconds"))
        if body is None:
            yield Gap(
                Kind.LAST_ACCESSED_ENTITIES,
                State.FAILED,
                f"NoSuchEntity: {arn} is not in this account",
                operation,
                ACCOUNT,
                arn,
                at=self.now,
            )
            return
        yield self._document(Kind.LAST_ACCESSED_ENTITIES, operation, body, f"{arn}#{service}")

    def granting_policies(self, arn: str, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The policies that give an identity a service."""
        operation = "iam:ListPoliciesGrantingServiceAccess"
        body = self._advisor.granting(arn, service)
        if body is None:
            yield Gap(
                Kind.GRANTING_POLICIES, State.FAILED, f"NoSuchEntity: {arn} is not in this account", operation, ACCOUNT, arn, at=self.now
            )
            return
        yield self._document(Kind.GRANTING_POLICIES, operation, body, f"{arn}#{service}")

    def surroundings(self, cancelled: Cancelled = never_cancelled) -> Iterator[Document]:
        """Organisation, resource policies, analyzer findings and Config items; not part of `account`, nothing on the first screen needs them."""
        from .surroundings import documents

        for kind, operation, body, key, region in documents(self.clock, self.seed):
            yield self._document(kind, operation, body, key, region)

    def guards(self, cancelled: Cancelled = never_cancelled) -> Iterator[Document]:
        """Trails, filters, alarms, topics, rules, recorders and analyzers: what would be noticed, and by whom."""
        from .guards import documents

        for operation, about, body, region in documents(self.clock, self.now):
            yield self._document(Kind.GUARDS, operation, body, f"{operation} {about}".strip(), region)

    def alarm_history(self, name: str, region: str) -> Iterator[Document]:
        """What became of one alarm."""
        from .guards import history

        yield self._document(
            Kind.GUARDS, "cloudwatch:DescribeAlarmHistory", history(self.clock, name), f"cloudwatch:DescribeAlarmHistory {name}", region
        )

    def access_keys(self, user_name: str, user_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Keys of one user with their last use."""
        user = next((u for u in USERS if u.name == user_name), None)
        if user is None:
            yield Gap(Kind.ACCESS_KEYS, State.FAILED, f"there is no user {user_name}", "iam:ListAccessKeys", ACCOUNT, user_arn or user_name)
            return
        yield self._document(Kind.ACCESS_KEYS, "iam:ListAccessKeys", self._account.access_keys(user), user_arn or user_name)

    def config_history(
        self, target: str, unique_id: str, arn: str, regions: tuple[str, ...] = (), cancelled: Cancelled = never_cancelled
    ) -> Iterator[Item]:
        """Nothing more: Config's items are among the surroundings."""
        return iter(())

    def role(self, role_name: str, role_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """GetRole of one role, ListRoles of all: the maximum session and the description."""
        body = self._account.role(role_name)
        if body is None:
            yield Gap(Kind.ROLE, State.FAILED, f"there is no role {role_name}", "iam:GetRole", ACCOUNT, role_arn or role_name)
            return
        yield self._document(Kind.ROLE, "iam:GetRole" if role_name else "iam:ListRoles", body, role_arn or role_name)

    def policy_version(self, policy_arn: str, version_id: str = "", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """One stored version of a policy."""
        body = self._account.policy_version(policy_arn, version_id)
        key = f"{policy_arn}:{version_id}"
        if body is None:
            yield Gap(Kind.POLICY_VERSION, State.FAILED, f"{policy_arn} has no version {version_id}", "iam:GetPolicyVersion", ACCOUNT, key)
            return
        yield self._document(Kind.POLICY_VERSION, "iam:GetPolicyVersion", body, key)
