"""The other stories: changes people and pipelines made, some of them better not."""

from __future__ import annotations

import msgspec

from .grammar import ACCOUNT, PAYWISE, allow, policy, trust_aws, trust_github, trust_service
from .own_policies import ADMIN, LAKE_ARN, OWN
from .people import USERS
from .roles import all_roles, sso_role
from .tale import Tale, Who

TERRAFORM_SUBJECT = "repo:acme/infrastructure:ref:refs/heads/main"
ACCIDENT_INSTANCE = "i-0c9dEXAMPLE51e72"
ROOT_IP = "192.0.2.5"


def tell(tale: Tale) -> None:
    _credentials(tale)
    _rotation(tale)
    _people(tale)
    _admin_for_dubois(tale)
    _accident(tale)
    _lake_policy(tale)
    _trusts(tale)
    _pipelines(tale)
    _left_overs(tale)


def _iam_admin(tale: Tale, person: str, day: int, minute: int, ip: str = "192.0.2.70") -> Who:
    """A person through Identity Center, then iam-admin with the person as source identity. `minute` of the day."""
    hour, rest = divmod(minute, 60)
    first = tale.center(person, sso_role("PlatformAdmin"), day, f"{hour:02}:{rest:02}:07", ip)
    name = f"{person}@acme.example"
    return tale.assume(first, "iam-admin", name, day, f"{hour:02}:{rest:02}:48", source=name)


def _credentials(tale: Tale) -> None:
    """Passwords and keys as old as the credential report says were changed by their owners."""
    for number, user in enumerate(USERS):
        ip = f"192.0.2.{100 + number}"
        made_elsewhere = user.name in ("svc-monitoring", "b.jones", "intern-summer", "l.nguyen")
        if user.password is not None and user.password.changed <= 90 and not made_elsewhere:
            who = tale.console(user.name, user.password.changed, "09:23:40", ip, user.mfa)
            tag = "change-password" if user.name == "a.fischer" else ""
            tale.call(who, user.password.changed, 33_912, "iam:ChangePassword", {"userName": user.name}, tag=tag)
        for slot, key in enumerate(user.keys):
            if key.age <= 90 and user.name in ("a.fischer", "s.rossi", "t.dubois"):
                who = tale.console(user.name, key.age, "09:29:15", ip, user.mfa)
                tale.create_key(who, key.age, key.second, user.name, slot)
    for attempt, time in enumerate(("09:12:20", "09:12:51", "09:13:30"), 1):
        tale.failed_login("l.nguyen", 15, time, "192.0.2.117", f"forgotten-{attempt}")
    helper = tale.console("ops-admin", 15, "09:21:12", "192.0.2.110", True)
    tale.call(helper, 15, 33_912, "iam:UpdateLoginProfile", {"userName": "l.nguyen", "passwordResetRequired": False}, tag="reset-password")
    tale.console("l.nguyen", 15, "09:31:44", "192.0.2.117", True)


def _rotation(tale: Tale) -> None:
    """deploy-bot gets a new key, the old one is put out of use and removed the same day."""
    who = _iam_admin(tale, "k.meyer", 8, 601)
    old = tale.key("deploy-bot", 9).name
    tale.create_key(who, 8, 36_618, "deploy-bot", 0, "rotate-create")
    tale.call(
        who,
        8,
        "10:42:03",
        "iam:UpdateAccessKey",
        {"userName": "deploy-bot", "accessKeyId": old, "status": "Inactive"},
        tag="rotate-disable",
    )
    tale.call(who, 8, "10:58:40", "iam:DeleteAccessKey", {"userName": "deploy-bot", "accessKeyId": old}, tag="rotate-delete")


def _people(tale: Tale) -> None:
    """Who came in the last 60 days, and who was there for two days only."""
    who = tale.console("ops-admin", 54, "09:20:31", "192.0.2.110", True)
    tale.create_user(who, 54, 34_062, "b.jones", "create-contractor")
    tale.create_login(who, 54, 34_080, "b.jones", reset=True)
    tale.call(who, 54, "09:29:10", "iam:AddUserToGroup", {"groupName": "contractors", "userName": "b.jones"})
    who = _iam_admin(tale, "k.meyer", 41, 815)
    tale.create_user(who, 41, "13:37:25", "tmp-loadtest", "create-temporary")
    tale.attach(who, 41, "13:38:02", "User", "tmp-loadtest", "PowerUserAccess")
    who = tale.console("ops-admin", 39, "16:01:30", "192.0.2.110", True)
    tale.call(
        who, 39, "16:04:11", "iam:DetachUserPolicy", {"userName": "tmp-loadtest", "policyArn": "arn:aws:iam::aws:policy/PowerUserAccess"}
    )
    tale.call(who, 39, "16:04:50", "iam:DeleteUser", {"userName": "tmp-loadtest"}, tag="delete-user")
    who = _iam_admin(tale, "k.meyer", 33, 501)
    tale.create_user(who, 33, 30_725, "intern-summer", "create-intern")
    tale.create_login(who, 33, 30_743, "intern-summer")
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundaries/team-boundary"
    tale.call(who, 33, "08:33:10", "iam:PutUserPermissionsBoundary", {"userName": "intern-summer", "permissionsBoundary": boundary})
    tale.call(who, 33, "08:34:02", "iam:AddUserToGroup", {"groupName": "developers", "userName": "intern-summer"})
    kiosk = next(u for u in USERS if u.name == "kiosk-upload")
    who = tale.key("t.dubois", 0, "192.0.2.55")
    tale.create_user(who, 17, kiosk.second, "kiosk-upload", "create-kiosk")
    tale.put_inline(who, 17, "11:29:20", "User", "kiosk-upload", "upload", kiosk.inline["upload"], "kiosk-inline")
    tale.create_key(who, 17, kiosk.keys[0].second, "kiosk-upload", 0)


def _admin_for_dubois(tale: Tale) -> None:
    """Full admin for a developer: the actor is a role, the human is two steps behind it."""
    who = _iam_admin(tale, "k.meyer", 20, 845)
    tale.attach(who, 20, "14:07:33", "User", "t.dubois", "AdministratorAccess", "give-admin")


def _accident(tale: Tale) -> None:
    """p.novak ends the wrong instance."""
    key = tale.key("p.novak", 0, "192.0.2.44")
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/p.novak"
    who = tale.assume(key, "prod-operator", "p.novak", 3, "16:38:02", "accident-assume", mfa=serial)
    tale.call(who, 3, "16:40:55", "ec2:DescribeInstances", region="eu-west-1")
    tale.terminate(who, 3, "16:42:18", ACCIDENT_INSTANCE, "eu-west-1", "terminate")
    tale.call(who, 3, "16:44:31", "ec2:DescribeInstances", region="eu-west-1")
    tale.call(who, 3, "16:49:03", "ec2:RunInstances", region="eu-west-1")


def _lake_policy(tale: Tale) -> None:
    """data-lake-access is edited four times; the third edit drops the deny, the fourth brings back most of it."""
    versions = OWN["data-lake-access"].versions
    who = tale.pipeline("ci-terraform", TERRAFORM_SUBJECT, 34, "10:58:12")
    tale.new_version(who, 34, versions[0][1], "data-lake-access", 3, versions[0][2], "lake-v3")
    first = tale.center("m.okafor", sso_role("DataEngineer"), 27, "13:50:20", "192.0.2.78")
    who = tale.assume(first, "data-admin", "m.okafor@acme.example", 27, "13:51:02")
    tale.new_version(who, 27, versions[1][1], "data-lake-access", 4, versions[1][2], "lake-v4")
    first = tale.center("n.haddad", sso_role("DataEngineer"), 12, "19:33:45", "192.0.2.79")
    who = tale.assume(first, "data-admin", "n.haddad@acme.example", 12, "19:35:10", "tamper-assume")
    tale.new_version(who, 12, versions[2][1], "data-lake-access", 5, versions[2][2], "lake-v5")
    fix = next(r for r in all_roles() if r.name == "image-resize").inline["temporary-fix"]
    tale.put_inline(who, 12, "19:55:09", "Role", "image-resize", "temporary-fix", fix, "tamper-role")
    tale.put_inline(who, 12, "19:58:41", "User", "n.haddad", "self", ADMIN, "tamper-self", refused="")
    who = _iam_admin(tale, "k.meyer", 9, 545)
    for number in (1, 2):
        tale.call(who, 9, f"09:1{number}:40", "iam:DeletePolicyVersion", {"policyArn": LAKE_ARN, "versionId": f"v{number}"})
    tale.new_version(who, 9, versions[3][1], "data-lake-access", 6, versions[3][2], "lake-v6")


def _trusts(tale: Tale) -> None:
    who = tale.pipeline("ci-terraform", TERRAFORM_SUBJECT, 18, "11:30:02")
    tale.trust(who, 18, "11:31:26", "ci-deploy", trust_github("repo:acme/shop:ref:refs/heads/main"), "trust-ci-deploy")
    who = _iam_admin(tale, "k.meyer", 24, 930)
    document = trust_aws(f"arn:aws:iam::{PAYWISE}:root", StringEquals={"sts:ExternalId": "acme-audit-7731"})
    tale.trust(who, 24, "15:33:09", "audit-external", document, "trust-audit-external")
    who = _iam_admin(tale, "k.meyer", 47, 640)
    tale.trust(who, 47, "10:44:50", "partner-ingest", trust_aws("arn:aws:iam::444455556666:root"), "trust-partner")


def _pipelines(tale: Tale) -> None:
    """Roles of yesterday, a stack that came and went, an alarm that was built and one that was silenced."""
    who = tale.pipeline("ci-terraform", TERRAFORM_SUBJECT, 1, "14:05:31")
    for role in all_roles():
        if role.age == 1:
            tale.create_role(who, 1, role.second, role.name, role.path, role.trust, f"create-{role.name}")
            for number, name in enumerate(role.attached.split(), 1):
                tale.attach(who, 1, role.second + number * 4, "Role", role.name, name)
    stack = tale.pipeline("ci-terraform", TERRAFORM_SUBJECT, 44, "08:10:40")
    service = "cloudformation.amazonaws.com"
    trust = trust_service("lambda")
    asked = {"roleName": "shop-canary-9K2EXAMPLE", "assumeRolePolicyDocument": msgspec.json.encode(trust).decode(), "path": "/"}
    tale.call(
        stack,
        44,
        "08:14:02",
        "iam:CreateRole",
        asked,
        {"role": {"roleName": "shop-canary-9K2EXAMPLE", "path": "/"}},
        invoked_by=service,
        tag="stack-role",
    )
    inline = {
        "roleName": "shop-canary-9K2EXAMPLE",
        "policyName": "canary",
        "policyDocument": msgspec.json.encode(policy(allow("logs:*"))).decode(),
    }
    tale.call(stack, 44, "08:14:09", "iam:PutRolePolicy", inline, invoked_by=service)
    tale.call(
        stack, 44, "08:51:17", "iam:DeleteRolePolicy", {"roleName": "shop-canary-9K2EXAMPLE", "policyName": "canary"}, invoked_by=service
    )
    tale.call(stack, 44, "08:51:20", "iam:DeleteRole", {"roleName": "shop-canary-9K2EXAMPLE"}, invoked_by=service)
    who = tale.pipeline("ci-terraform", TERRAFORM_SUBJECT, 71, "12:20:15")
    tale.call(
        who,
        71,
        "12:22:40",
        "logs:PutMetricFilter",
        {"filterName": "iam-changes", "logGroupName": "acme-organization-trail"},
        tag="metric-filter",
    )
    tale.call(who, 71, "12:22:52", "cloudwatch:PutMetricAlarm", {"alarmName": "iam-changes", "actionsEnabled": True}, tag="alarm")
    first = tale.center("p.novak", sso_role("PlatformAdmin"), 40, "07:58:20", "192.0.2.71")
    tale.call(
        first,
        40,
        "08:02:33",
        "cloudwatch:DisableAlarmActions",
        {"alarmNames": ["root-sign-in"]},
        region="eu-central-1",
        tag="alarm-silenced",
    )


def _left_overs(tale: Tale) -> None:
    """The root user, and a contractor who tries."""
    root = tale.root(23, "21:14:08", ROOT_IP, "root-login")
    tale.call(root, 23, "21:16:40", "iam:GetAccountSummary")
    tale.call(
        root, 23, "21:18:55", "account:PutAlternateContact", {"alternateContactType": "SECURITY", "name": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    )
    who = tale.console("b.jones", 31, "10:06:20", "192.0.2.118", False)
    tale.put_inline(who, 31, "10:09:47", "User", "b.jones", "more", ADMIN, "contractor-self-admin", refused="")
