"""Users and groups of the demo account. Ages are days before the demo's midnight."""

from __future__ import annotations

import msgspec

from .grammar import Document, allow, deny, policy


class Password(msgspec.Struct, frozen=True):
    """changed: age in days; used: age in days of the last sign-in, None for never; events may tell a later sign-in."""

    changed: int
    used: int | None = None


class Key(msgspec.Struct, frozen=True):
    """used: age in days, -1 for never; 0 means as the events of the demo tell. `second` is the second of the day it was made."""

    age: int
    active: bool = True
    used: int = 0
    service: str = ""
    region: str = "us-east-1"
    second: int = 34_260


class User(msgspec.Struct, frozen=True):
    name: str
    age: int
    groups: str = ""
    attached: str = ""  # names of policies, separated by blanks
    inline: dict[str, Document] = {}
    boundary: str = ""
    path: str = "/"
    password: Password | None = None
    mfa: bool = False
    keys: tuple[Key, ...] = ()
    tags: str = ""  # name=value, separated by blanks
    second: int = 32_400  # second of the day it was made


def _person(name: str, age: int, groups: str, password: Password, mfa: bool = True, **more: object) -> User:
    return User(name, age, groups, password=password, mfa=mfa, tags=f"kind=person {more.pop('tags', '')}".strip(), **more)  # type: ignore[arg-type]


def _machine(name: str, age: int, *keys: Key, **more: object) -> User:
    tags = f"kind=machine {more.pop('tags', '')}".strip()
    return User(name, age, keys=keys, tags=tags, path=str(more.pop("path", "/")), **more)  # type: ignore[arg-type]


GROUPS: dict[str, tuple[int, str, dict[str, Document]]] = {
    "admins": (1480, "AdministratorAccess require-mfa", {}),
    "ops": (1320, "ops-base ops-iam-helpdesk ReadOnlyAccess manage-own-credentials require-mfa deny-other-regions", {}),
    "developers": (
        1300,
        "developer-base developer-s3-artifacts CloudWatchReadOnlyAccess AmazonEC2ReadOnlyAccess manage-own-credentials",
        {},
    ),
    "data-analysts": (
        1010,
        "analyst-queries analyst-quicksight AWSGlueConsoleFullAccess AmazonAthenaFullAccess manage-own-credentials",
        {},
    ),
    "data-engineers": (
        1010,
        "data-lake-access data-lake-admin glue-developer manage-own-credentials",
        {"assume-data-admin": policy(allow("sts:AssumeRole", "arn:aws:iam::123456789012:role/data-admin"))},
    ),
    "auditors": (880, "SecurityAudit ViewOnlyAccess assume-audit-roles", {}),
    "billing": (1250, "Billing billing-read manage-own-credentials", {}),
    "support": (900, "SupportUser support-console", {}),
    "contractors": (
        610,
        "contractor-limited IAMUserChangePassword",
        {
            "office-hours-only": policy(
                deny("*", Condition={"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}, "Bool": {"aws:ViaAWSService": "false"}})
            )
        },
    ),
    "legacy-ftp-users": (1390, "legacy-ftp-bucket", {}),
}

USERS: tuple[User, ...] = (
    User(
        "ops-admin",
        1475,
        "admins ops",
        "manage-own-credentials",
        password=Password(61),
        mfa=True,
        keys=(Key(203),),
        tags="kind=shared owner=platform",
    ),
    _person("k.meyer", 1302, "ops", Password(44), tags="team=platform"),
    _person("e.larsson", 1180, "ops auditors", Password(71), tags="team=security"),
    _person("p.novak", 930, "ops", Password(88), tags="team=platform", keys=(Key(131),)),
    _person("a.fischer", 1102, "developers", Password(6), tags="team=shop", keys=(Key(76),)),
    _person("j.tanaka", 760, "developers", Password(52), tags="team=shop"),
    _person("m.okafor", 702, "developers data-engineers", Password(33), tags="team=data", keys=(Key(98),)),
    _person("s.rossi", 655, "developers", Password(29), mfa=False, tags="team=shop", keys=(Key(402), Key(64))),
    _person("l.nguyen", 610, "support", Password(15), tags="team=support"),
    _person("t.dubois", 540, "developers", Password(40), attached="AdministratorAccess", tags="team=payments", keys=(Key(57),)),
    _person("n.haddad", 480, "data-engineers", Password(77), tags="team=data"),
    _person("c.moreau", 1001, "billing", Password(83, 3), tags="team=finance"),
    _person("i.santos", 350, "data-analysts", Password(58), tags="team=data"),
    _person("User1", 820, "data-analysts", Password(210), tags="team=data", keys=(Key(231),)),
    _person(
        "d.kowalski",
        890,
        "developers ops",
        Password(264, 128),
        mfa=False,
        tags="team=platform status=left",
        keys=(Key(512),),
        inline={"migration": policy(allow("sts:AssumeRole", "arn:aws:iam::123456789012:role/test-migration"))},
    ),
    _person("h.schmidt", 1090, "billing", Password(1090), mfa=False, tags="team=finance"),
    _person("f.weber", 420, "developers", Password(66), tags="team=shop", boundary="team-boundary"),
    _person("y.kim", 300, "developers", Password(81), tags="team=mobile", boundary="team-boundary"),
    _person("b.jones", 54, "contractors", Password(54), mfa=False, tags="team=migration company=contractor", second=34_062),
    User(
        "intern-summer",
        33,
        "developers",
        boundary="team-boundary",
        password=Password(33),
        mfa=True,
        tags="kind=person team=shop",
        second=30_725,
    ),
    User(
        "break-glass-1", 1200, "admins", password=Password(365, 365), mfa=True, path="/break-glass/", tags="kind=emergency owner=security"
    ),
    User("break-glass-2", 1200, "admins", password=Password(365), mfa=True, path="/break-glass/", tags="kind=emergency owner=security"),
    # machines
    _machine("deploy-bot", 1034, Key(8, second=36_618), attached="deploy-base", boundary="ci-boundary", tags="team=platform owner=k.meyer"),
    _machine(
        "ci-runner", 905, Key(543), attached="ci-runner-access AdministratorAccess", path="/ci/", tags="team=platform owner=d.kowalski"
    ),
    _machine("jenkins", 1420, Key(1420), Key(388), attached="PowerUserAccess", path="/ci/"),
    _machine(
        "terraform-local",
        780,
        Key(780, active=False, used=266, service="ec2", region="eu-central-1"),
        attached="terraform-apply terraform-state",
    ),
    _machine("backup-agent", 700, Key(172), attached="backup-write", tags="team=platform"),
    _machine("grafana-reader", 640, Key(300), attached="metrics-read CloudWatchReadOnlyAccess"),
    _machine("ses-smtp-mailer", 870, Key(870), attached="ses-send"),
    _machine(
        "es-snapshots",
        620,
        Key(620),
        inline={
            "snapshots": policy(
                allow(
                    "s3:PutObject s3:GetObject s3:ListBucket s3:GetBucketLocation",
                    "arn:aws:s3:::acme-es-snapshots arn:aws:s3:::acme-es-snapshots/*",
                )
            )
        },
    ),
    _machine(
        "data-export",
        505,
        Key(240),
        inline={"exports": policy(allow("s3:GetObject s3:ListBucket", "arn:aws:s3:::acme-customer-exports*"), allow("kms:Decrypt"))},
    ),
    _machine("metrics-exporter", 470, Key(119), attached="metrics-read"),
    _machine("legacy-ftp", 1390, Key(1390, used=395, service="s3", region="eu-west-1"), groups="legacy-ftp-users"),
    _machine("partner-upload", 290, Key(290), attached="partner-upload-write", path="/partners/"),
    _machine("vendor-datapeek", 421, Key(421), attached="datapeek-integration", path="/vendors/", tags="vendor=datapeek"),
    _machine("cost-reporter", 330, Key(330, used=-1), attached="billing-read"),
    _machine(
        "queue-relay", 390, Key(390, active=False, used=201, service="sqs", region="eu-west-1"), Key(202), attached="AmazonSQSFullAccess"
    ),
    _machine(
        "kiosk-upload",
        17,
        Key(17, second=41_402),
        inline={"upload": policy(allow("s3:PutObject s3:GetBucketLocation", "arn:aws:s3:::acme-kiosk arn:aws:s3:::acme-kiosk/*"))},
        second=41_331,
    ),
    _machine("svc-glue-dev", 515, Key(515, used=377, service="glue", region="us-east-1"), attached="AWSGlueConsoleFullAccess"),
    User(
        "svc-monitoring",
        6,
        attached="AdministratorAccess",
        password=Password(6),
        keys=(Key(6, second=8_672),),
        second=8_449,
    ),
)
