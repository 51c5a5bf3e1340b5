"""What each practice checks, in words: definition, sources, what it cannot see, and what to do."""

from __future__ import annotations

import msgspec


class PracticeText(msgspec.Struct, frozen=True):
    """`claim` and `good` have `{bad}` and `{of}` in them; see `model.practice.Practice` for the others."""

    id: str
    title: str
    claim: str
    good: str
    definition: str
    sources: tuple[str, ...]
    blind: str
    control: str
    todo: str


TEXTS: tuple[PracticeText, ...] = (
    PracticeText(
        "least-privilege",
        "Least privilege",
        "{bad} of {of} identities may much more than they use, or everything",
        "none of {of} identities is an administrator or leaves most of its services unused",
        "Users and roles that hold policies. One breaks it when the engine finds it allowed every action on everything, or when more than half of "
        "the services Access Advisor lists for it were not used in the tracking period.",
        ("iam:GetAccountAuthorizationDetails", "iam:GetServiceLastAccessedDetails"),
        "Policies of resources and of the organisation beyond what was read; services Access Advisor does not track; rights used less than every 400 days.",
        "1.16",
        "iamtui unused NAME makes its policies smaller, checked by the engine; keep administrators few, and behind MFA",
    ),
    PracticeText(
        "mfa",
        "MFA for root and users",
        "{bad} of {of} sign-ins have no MFA",
        "all {of} sign-ins have MFA",
        "Root, and every IAM user with a console password, has an MFA device in the credential report.",
        ("iam:GetCredentialReport", "iam:GetAccountSummary"),
        "MFA of people who sign in through Identity Center or another identity provider; whether a policy asks for MFA; keys are used without it.",
        "1.5, 1.10",
        "aws iam enable-mfa-device --user-name NAME …; deny without aws:MultiFactorAuthPresent until then",
    ),
    PracticeText(
        "roles-not-users",
        "Roles instead of users",
        "{bad} of {of} users are programs with long-lived keys",
        "none of {of} users is a program with long-lived keys",
        "An IAM user breaks it when it has an active access key and no console password: a program, a pipeline or a server signs with it.",
        ("iam:GetCredentialReport",),
        "People who use their own keys in programs; where a key is stored; keys of other accounts.",
        "1.18",
        "give the workload a role: an instance profile, a pod identity, OIDC for a pipeline, Roles Anywhere for what is outside; then disable the key",
    ),
    PracticeText(
        "no-root",
        "Root is not used",
        "root is used, or can be used by key, in {bad} of {of} accounts",
        "root has no key and was not seen for 90 days in {of} accounts",
        "Root has no active access key, did not sign in within 90 days, and made no call among the events that were read.",
        ("iam:GetCredentialReport", "iam:GetAccountSummary", "CloudTrail events"),
        "Root calls outside the events that were read; who knows the password.",
        "1.4, 1.7",
        "delete root's keys, lock its password away, and set an alarm on its use: iamtui alarms",
    ),
    PracticeText(
        "rotation",
        "Access keys are rotated",
        "{bad} of {of} owners of keys have an old key, or two",
        "all active keys of {of} owners are younger than 90 days and alone",
        "Every active access key was made within 90 days, and no user has two active ones.",
        ("iam:GetCredentialReport",),
        "Keys that were rotated and are stored twice; whether the key of before was deleted.",
        "1.13, 1.14",
        "aws iam create-access-key, put the new one in place, aws iam update-access-key --status Inactive for the old one, watch, then delete it",
    ),
    PracticeText(
        "conditions",
        "Conditions on powerful statements",
        "{bad} of {of} powerful policies and open trusts have no condition",
        "all {of} powerful policies and open trusts have conditions",
        "Statements of the account's own policies that allow, on everything, an action with which a published way to more rights begins; and trust policies "
        "that let another account or anybody in. Each has at least one condition.",
        ("iam:GetAccountAuthorizationDetails",),
        "Whether the condition narrows enough; AWS's own managed policies, which have none (see least privilege); policies of resources (see exposure).",
        "",
        "add aws:MultiFactorAuthPresent, aws:SourceIp, aws:PrincipalOrgID or sts:ExternalId; iamtui preflight OLD NEW shows what changes",
    ),
    PracticeText(
        "unused",
        "What is unused is deleted",
        "{bad} of {of} identities, keys, policies and groups are used by nobody",
        "all {of} identities, keys, policies and groups are in use",
        "Older than 90 days and: a user or role without any sign of use for 90 days, an active key unused for as long, a customer managed policy attached "
        "to nobody, a group without members.",
        ("iam:GetAccountAuthorizationDetails", "iam:GetCredentialReport", "RoleLastUsed"),
        "Uses that happen once a year; uses within the last four hours; a role's use by services that are not tracked.",
        "1.12",
        "mark it, ask its owner, disable first: iamtui review start",
    ),
    PracticeText(
        "monitoring",
        "The account is watched",
        "{bad} of {of} things that should watch the account do not",
        "all {of} things that should watch the account do",
        "A trail of all Regions that logs management events, validates its files and is delivered; AWS Config recording IAM; an Access Analyzer of external "
        "access; and for each of the events the CIS monitoring controls name, an alarm or rule that somebody hears.",
        (
            "cloudtrail:DescribeTrails",
            "cloudwatch:DescribeAlarms",
            "logs:DescribeMetricFilters",
            "events:ListRules",
            "config:DescribeConfigurationRecorders",
        ),
        "Watching done elsewhere: a SIEM that reads the trail's bucket, GuardDuty, another account's alarms.",
        "1.20, 3.1, 3.2, 3.3, 4.1–4.15",
        "iamtui alarms --missing --text cli, iamtui logging",
    ),
    PracticeText(
        "wildcards",
        "No wildcards",
        "{bad} of {of} own policies in use allow whole services on every resource",
        "none of {of} own policies in use allows a whole service on every resource",
        "Customer managed policies attached to somebody, and inline policies: no Allow statement has * or service:* as action (or NotAction) on resource *.",
        ("iam:GetAccountAuthorizationDetails",),
        "AWS's own managed policies; narrower wildcards (s3:Get*); whether an account is production: label accounts in config.toml.",
        "1.16",
        "name the actions that are used: iamtui unused NAME; name the resources by ARN or tag",
    ),
    PracticeText(
        "reviews",
        "Rights are reviewed",
        "the last review is more than six months ago, or there was none",
        "a review was closed within six months",
        "A review campaign in the ledger was closed within the last six months.",
        ("review ledger",),
        "Reviews done elsewhere.",
        "",
        'iamtui review start "2026 Q4"',
    ),
)
