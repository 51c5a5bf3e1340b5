"""What stands around an account's identities: policies of resources, and the organisation above."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from .analyzer import Analyzer, AnalyzerFinding


class ResourcePolicy(msgspec.Struct, frozen=True):
    """The policy of one resource. `document` is JSON text; `account` "" when nothing told whose the resource is."""

    arn: str
    account: str
    document: str


class OrganizationPolicy(msgspec.Struct, frozen=True):
    """One policy attached at a level. `kind` as AWS calls it: SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY."""

    name: str
    kind: str
    document: str
    target: str = ""


class Organization(msgspec.Struct, frozen=True):
    """An organisation as far as it was read.

    id:         `o-…`, "" when nothing told
    management: account whose principals and resources organisation policies do not bind
    paths:      account -> ids of the levels from the root down to the account itself
    policies:   id of a level -> policies attached there
    names:      id of a level or account -> its name
    unread:     kind of policy -> why those were not read; what they deny is in no answer
    """

    management: str = ""
    paths: Mapping[str, tuple[str, ...]] = {}
    policies: Mapping[str, tuple[OrganizationPolicy, ...]] = {}
    names: Mapping[str, str] = {}
    unread: Mapping[str, str] = {}
    id: str = ""

    def levels(self, account: str, kind: str) -> tuple[tuple[OrganizationPolicy, ...], ...]:
        """Policies of one kind for an account, a tuple a level; () when none of that kind is known to bind it."""
        if account == self.management or account not in self.paths:
            return ()
        levels = tuple(tuple(p for p in self.policies.get(level, ()) if p.kind == kind) for level in self.paths[account])
        return levels if any(levels) else ()


class UnusedFinding(msgspec.Struct, frozen=True):
    """One active finding of Access Analyzer about unused access of a user or role.

    kind:    `UnusedPermission`, `UnusedIAMRole`, `UnusedIAMUserPassword`, `UnusedIAMUserAccessKey`
    service: prefix it is about, "" for all; actions: names without prefix, () for the whole service
    analyzed: when the analyzer last looked; the period it looks back over is the analyzer's, and not in the finding
    """

    arn: str
    kind: str
    service: str = ""
    actions: tuple[str, ...] = ()
    last_used: datetime | None = None
    analyzed: datetime | None = None


class Surroundings(msgspec.Struct, frozen=True, eq=False):
    """`resources` by ARN; `unused`: what an analyzer of unused access found, by the identity's ARN.

    analyzers:        by ARN; findings: by `AnalyzerFinding.key`, of all kinds and states
    analyzer_regions: Regions that were asked for analyzers -> "" when the answer came, else why it did not
    """

    resources: Mapping[str, ResourcePolicy] = {}
    organizations: tuple[Organization, ...] = ()
    unused: Mapping[str, tuple[UnusedFinding, ...]] = {}
    analyzers: Mapping[str, Analyzer] = {}
    findings: Mapping[str, AnalyzerFinding] = {}
    analyzer_regions: Mapping[str, str] = {}

    def with_organization(self, told: Organization) -> Surroundings:
        """With an organisation as it was read last, instead of what was known of it before."""
        accounts = {*told.paths, told.management} - {""}
        same = [one for one in self.organizations if not accounts.isdisjoint((*one.paths, one.management))]
        if not told.paths and any(one.paths for one in same):
            return self  # DescribeOrganization alone tells less
        return msgspec.structs.replace(self, organizations=(*(one for one in self.organizations if one not in same), told))

    def principal_context(self, account: str) -> dict[str, str]:
        """What AWS puts into requests of an account's principals about its organisation, as far as it is known."""
        organization = self.organization_of(account)
        if organization is None or not organization.id:
            return {}
        context = {"aws:PrincipalOrgID": organization.id}
        if path := organization.paths.get(account):
            context["aws:PrincipalOrgPaths"] = "/".join((organization.id, *path[:-1], ""))
        return context

    def resource_context(self, account: str) -> dict[str, str]:
        """The same of requests for an account's resources."""
        return {key.replace("Principal", "Resource"): value for key, value in self.principal_context(account).items()}

    def organization_of(self, account: str) -> Organization | None:
        return next((o for o in self.organizations if account in o.paths or account == o.management), None)
