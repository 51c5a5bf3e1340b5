"""Raw answers as they travel from a source: one document is one answer of one API operation, or one file.

Every source (live, evidence, demo) yields `Document | Gap`; everything behind the decoder is the same for
all three.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from .fact import State


class Kind(StrEnum):
    """What an answer is about. The value is its name in caches, bundles and messages."""

    AUTHORIZATION = "authorization-details"  # GetAccountAuthorizationDetails, a page or a whole document
    CREDENTIAL_REPORT = "credential-report"  # CSV of GetCredentialReport
    ACCOUNT_SUMMARY = "account-summary"  # GetAccountSummary
    ACCOUNT_ALIASES = "account-aliases"  # ListAccountAliases
    PASSWORD_POLICY = "password-policy"  # GetAccountPasswordPolicy
    CALLER = "caller-identity"  # sts:GetCallerIdentity
    ACCESS_KEYS = "access-keys"  # {"AccessKeyMetadata": […], "LastUsed": {key id: AccessKeyLastUsed}} of one user
    LAST_ACCESSED = "last-accessed"  # GetServiceLastAccessedDetails, all pages joined, of one ARN
    LAST_ACCESSED_ENTITIES = "last-accessed-entities"  # GetServiceLastAccessedDetailsWithEntities, pages joined; key `ARN#service`
    GRANTING_POLICIES = "granting-policies"  # ListPoliciesGrantingServiceAccess, pages joined; key `ARN#service`
    POLICY_VERSION = "policy-version"  # GetPolicyVersion
    ROLE = "role"  # GetRole, for what GAAD does not tell
    EVENTS = "cloudtrail-events"  # any container of CloudTrail records
    ANALYZERS = "analyzers"  # ListAnalyzers of a Region
    ANALYZER_FINDINGS = "analyzer-findings"  # ListFindingsV2 or ListFindings of an analyzer, or one GetFindingV2 or GetFinding
    CONFIG_ITEMS = "config-items"
    CONFIG_RECORDERS = "config-recorders"  # DescribeConfigurationRecorders and …Status of one Region, joined or each
    RESOURCE_POLICIES = "resource-policies"
    ORGANIZATION = "organization"  # roots, units, accounts and policies of an organisation, joined
    ACCOUNTS = "accounts"  # ListAccounts, or a list of accounts with how a sweep of each went
    GUARDS = "guards"  # trails, metric filters, alarms, topics, rules …; key: the operation, and what it was asked about
    SIMULATION = "simulation"
    OTHER = "other"  # recognised as something that is not account data; `key` says what it looked like


class Origin(msgspec.Struct, frozen=True):
    """Where an answer came from.

    source: `live`, `evidence`, `demo` or `cache`
    name:   API operation (`iam:GetAccountAuthorizationDetails`) or file path as given; may be hostile text
    """

    source: str
    name: str


class Document(msgspec.Struct, frozen=True):
    """One raw answer.

    body:     JSON text of the answer (CSV for the credential report), UTF-8, uncompressed, secrets still in it
    account:  12 digits, "" when only the content can tell
    key:      what it is about within its kind: a GAAD filter (`User`), an ARN, a user name; "" when the kind is the whole
    region:   for Regional answers, else ""
    part:     number of the page, from 0
    complete: False when more pages exist that are not coming
    """

    kind: Kind
    body: bytes
    as_of: datetime
    origin: Origin
    account: str = ""
    key: str = ""
    region: str = ""
    part: int = 0
    complete: bool = True


class Gap(msgspec.Struct, frozen=True):
    """Something that could not be read, by name. Gaps travel with every list and are never dropped silently.

    state:  DENIED, FAILED, NOT_LOADED …
    action: IAM action (`iam:GenerateCredentialReport`) or "" for files
    reason: what happened, as a sentence part; may hold hostile text
    hint:   what to type or to grant next
    """

    kind: Kind
    state: State
    reason: str
    action: str = ""
    account: str = ""
    key: str = ""
    region: str = ""
    hint: str = ""
    origin: Origin | None = None
    at: datetime | None = None
