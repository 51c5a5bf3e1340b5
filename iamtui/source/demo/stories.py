"""Where each seed story is in the demo account: the identities and the events that answer it."""

from __future__ import annotations

import msgspec

from .breach import FIRST_IP, INSTANCE, SECOND_IP
from .changes import ACCIDENT_INSTANCE
from .grammar import ACCOUNT, role_arn
from .own_policies import LAKE_ARN
from .people import USERS
from .roles import all_roles, sso_role
from .source import SEED
from .tale import event_id


class Story(msgspec.Struct, frozen=True):
    """One of the eighteen questions of the design.

    id:         `S1` … `S18`
    question:   as a person would ask it
    identities: ARNs the answer is about, the most important one first
    events:     names of the events that answer it, oldest first; `event_ids` gives their ids
    facts:      other facts of the answer: addresses, instances, ages in days, ARNs of resources
    """

    id: str
    question: str
    identities: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    facts: dict[str, str] = {}


def _user(name: str) -> str:
    path = next((u.path for u in USERS if u.name == name), "/")
    return f"arn:aws:iam::{ACCOUNT}:user{path}{name}"


def _role(name: str) -> str:
    return role_arn(name, next(role.path for role in all_roles() if role.name == name))


_CENTER = "/aws-reserved/sso.amazonaws.com/eu-central-1/"
_PLATFORM_ADMIN = role_arn(sso_role("PlatformAdmin"), _CENTER)
_BREACH = (
    "breach-first",
    "breach-recon",
    "self-admin",
    "create-user",
    "create-login",
    "breach-admin",
    "breach-key",
    "breach-login",
    "backdoor-trust",
    "breach-assume-admin",
    "breach-assume-reader",
    "exports-first",
    "exports-last",
    "exports-passports",
    "breach-terminate",
    "stop-logging",
    "breach-break-glass",
    "breach-return",
)

STORIES: tuple[Story, ...] = (
    Story(
        "S1",
        "Someone created a new user with console access: who, and from where?",
        (_user("svc-monitoring"), _user("ci-runner")),
        ("create-user", "create-login"),
        {"ip": FIRST_IP, "by": "ci-runner"},
    ),
    Story(
        "S2",
        "Who gave full admin to this user?",
        (_user("t.dubois"), _role("iam-admin"), _PLATFORM_ADMIN),
        ("give-admin",),
        {"human": "k.meyer@acme.example", "policy": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    Story(
        "S3",
        "Which identity read the leaking S3 bucket?",
        (_role("customer-exports-reader"), _role("data-pipeline"), _user("data-export")),
        ("exports-first", "exports-last", "exports-passports"),
        {"bucket": "acme-customer-exports", "not logged": "acme-data-lake", "ip": SECOND_IP},
    ),
    Story(
        "S4",
        "Who rotated a key or changed a password?",
        (_user("deploy-bot"), _user("a.fischer"), _user("l.nguyen")),
        (
            "forgotten-1",
            "forgotten-2",
            "forgotten-3",
            "reset-password",
            "rotate-create",
            "rotate-disable",
            "rotate-delete",
            "change-password",
        ),
        {"rotated by": "k.meyer@acme.example", "reset by": "ops-admin"},
    ),
    Story(
        "S5",
        "An EC2 instance was deleted: who, when, on what?",
        (_role("prod-operator"), _user("p.novak")),
        ("accident-assume", "terminate"),
        {"instance": ACCIDENT_INSTANCE, "human": "p.novak"},
    ),
    Story(
        "S6",
        "Reconstruct the breach over keys, sessions and roles",
        (_user("ci-runner"), _user("svc-monitoring"), _role("test-migration"), _role("customer-exports-reader"), _role("support-readonly")),
        _BREACH,
        {"ips": f"{FIRST_IP} {SECOND_IP}", "instance": INSTANCE},
    ),
    Story(
        "S7",
        "Where was a policy tampered with, and where was admin granted?",
        (_role("image-resize"), _role("data-admin"), _user("t.dubois"), _user("svc-monitoring"), _user("ci-runner")),
        ("contractor-self-admin", "give-admin", "kiosk-inline", "tamper-role", "tamper-self", "self-admin", "breach-admin"),
        {
            "admin granted": "give-admin tamper-role self-admin breach-admin",
            "refused": "contractor-self-admin tamper-self",
            "human": "n.haddad",
        },
    ),
    Story(
        "S8",
        "Who performed iam:UpdateAssumeRolePolicy in the past 30 days?",
        (_role("support-readonly"), _role("ci-deploy"), _role("audit-external")),
        ("trust-audit-external", "trust-ci-deploy", "backdoor-trust"),
        {"older": "trust-partner"},
    ),
    Story(
        "S9",
        "Which IAM actions came from an IP address or a service?",
        (_user("ci-runner"), _role("ci-terraform")),
        ("stack-role", "create-user"),
        {"ip": FIRST_IP, "service": "cloudformation.amazonaws.com"},
    ),
    Story(
        "S10",
        "Which IAM users were created in the last 60 days?",
        (_user("b.jones"), _user("tmp-loadtest"), _user("intern-summer"), _user("kiosk-upload"), _user("svc-monitoring")),
        ("create-contractor", "create-temporary", "create-intern", "create-kiosk", "create-user"),
        {"gone again": "tmp-loadtest"},
    ),
    Story(
        "S11",
        "A role holds ec2:* and has only ever used DescribeInstances",
        (_role("inventory-scanner"),),
        (),
        {"policy": "inventory-scan"},
    ),
    Story(
        "S12",
        "Which buckets or roles are open to another account or the public?",
        (_role("vendor-datapeek"), _role("legacy-open"), _role("support-readonly"), _role("ci-terraform"), _role("partner-ingest")),
        ("backdoor-trust",),
        {
            "public": "arn:aws:s3:::acme-public-assets",
            "other account": "arn:aws:s3:::acme-settlements",
            "forgotten": "arn:aws:s3:::acme-legacy-ftp",
        },
    ),
    Story(
        "S13",
        "User1 has not used Glue for six months; an account nobody uses",
        (_user("User1"), _user("legacy-ftp"), _user("h.schmidt"), _role("old-reporting")),
        (),
        {"glue last used": "217", "grants": "AWSGlueConsoleFullAccess through data-analysts"},
    ),
    Story(
        "S14",
        "A managed policy was edited: when, by whom, what?",
        (LAKE_ARN, _role("data-admin")),
        ("lake-v3", "lake-v4", "lake-v5", "lake-v6"),
        {"roll back to": "v4"},
    ),
    Story(
        "S15",
        "Is there an alarm on DeleteUser and on a user granting itself admin?",
        (_user("ci-runner"), _user("b.jones")),
        ("metric-filter", "alarm", "alarm-silenced", "delete-user", "contractor-self-admin", "self-admin"),
        {"silenced": "root-sign-in", "unconfirmed": "security@acme.example"},
    ),
    Story(
        "S16",
        "Quarterly review: a test role with high privileges, a person who left",
        (_role("test-migration"), _user("d.kowalski"), _role("sandbox-d.kowalski")),
        ("breach-assume-admin",),
        {"age": "183"},
    ),
    Story(
        "S17",
        "Test a policy before it is applied",
        (f"arn:aws:iam::{ACCOUNT}:policy/deploy-base", _user("deploy-bot"), _role("ci-deploy")),
        (),
        {"gains": "iam:PassRole to any role", "loses": "lambda:PublishVersion"},
    ),
    Story(
        "S18",
        "The ten best practices",
        (f"arn:aws:iam::{ACCOUNT}:root", _user("s.rossi"), _user("jenkins"), _user("h.schmidt")),
        ("root-login",),
        {"two active keys": "jenkins s.rossi", "without MFA": "s.rossi d.kowalski h.schmidt b.jones svc-monitoring"},
    ),
)


def story(story_id: str) -> Story:
    """Raises KeyError for a story that does not exist."""
    return {s.id: s for s in STORIES}[story_id]


def event_ids(told: Story, seed: int = SEED) -> dict[str, str]:
    """Ids of a story's events by name, for an account of that seed."""
    return {name: event_id(seed, name) for name in told.events}
