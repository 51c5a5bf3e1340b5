"""The questions people come with, asked on the demo account: by keys on 80x24 in at most six steps, and by one command.

A step is one key, or one line typed after `:` or `/`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
MOST_STEPS = 6


class Asked(NamedTuple):
    """`seen`: expressions found on the screen after the steps; `told`: expressions found in the command's answer; `code`: its exit code."""

    steps: tuple[str, ...]
    seen: tuple[str, ...]
    command: str
    told: tuple[str, ...]
    code: int = 0


STORIES: dict[str, Asked] = {
    "S1 a new user with console access": Asked(
        (":events svc-monitoring Create",),
        (r"ci-runner +CreateUser +svc-monitoring +success", r"ci-runner +CreateLoginPr"),
        "events svc-monitoring Create",
        ("CreateUser", "CreateLoginProfile", "ci-runner", r"203\.0\.113\.\d+"),
    ),
    "S2 who was given full admin lately": Asked(
        ("down", "enter"),
        (r"user t\.dubois +attached Admini", r"user svc-monito\S* +attached Admini"),
        "summary --format csv",
        (r"admin-grants,Now,found,critical,\d,yes,.*by ci-runner \(IAM user\)",),
        4,
    ),
    "S2 who gave full admin to this user": Asked(
        (":events AttachUserPolicy t.dubois", "enter"),
        (r"policy/AdministratorAccess", r"behind it +k\.meyer@acme\.example \(person\)", r"actor +iam-admin"),
        "events AttachUserPolicy t.dubois --format json",
        ("AdministratorAccess", r"k\.meyer@acme\.example", "iam-admin"),
    ),
    "S2 since when is this user an administrator, and by whom": Asked(
        (":changes t.dubois", "enter"),
        (r"what +attached AdministratorAccess", r"who +k\.meyer@acme\.example \(person\)", r"the identity became an administrator"),
        "changes t.dubois",
        (
            r"Administrator since 2026-\d\d-\d\d .*AdministratorAccess, by k\.meyer@acme\.example \(person\)",
            "the call was made by iam-admin",
        ),
    ),
    "S3 who read the bucket": Asked(
        (":events GetObject acme-customer-exports", "enter"),
        (r"actor +\S+", r"GetObject +\(s3\.amazonaws\.com\)", "acme-customer-exports"),
        "events GetObject acme-customer-exports --format csv",
        ("acme-customer-exports", "GetObject"),
    ),
    "S4 who rotated a key": Asked(
        (":events deploy-bot AccessKey",),
        ("CreateAccessK", "UpdateAccessK", "DeleteAccessK"),
        "events deploy-bot AccessKey",
        ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"),
    ),
    "S5 an instance was deleted": Asked(
        (":events TerminateInstances i-0c9d", "enter"),
        (r"actor +prod-operator", r"session +p\.novak", "i-0c9dEXAMPLE51e72"),
        "events TerminateInstances i-0c9d",
        ("prod-operator", "i-0c9dEXAMPLE51e72"),
    ),
    "S6 what one actor did": Asked(
        (":svc-monitoring", "right", "right", "right", "right"),
        ("AssumeRole", "DeleteTrail", r"UpdateAssumeR\S*", "ConsoleLogin"),
        "story svc-monitoring",
        ("AssumeRole", "UpdateAssumeRolePolicy", "ConsoleLogin", r"test-migration/\S+ +DeleteTrail"),
    ),
    "S7 policy tampering": Asked(
        (":events PutRolePolicy|AttachUserPolicy|AttachRolePolicy|PutUserPolicy",),
        (r"PutRolePolicy|PutUserPolicy", "denied", "success"),
        "events PutRolePolicy|AttachUserPolicy|AttachRolePolicy|PutUserPolicy",
        ("PutRolePolicy", "AttachUserPolicy"),
    ),
    "S8 who changed a trust policy in the last 30 days": Asked(
        (":events UpdateAssumeRolePolicy since:30d",),
        (r"svc-monitoring +UpdateAssumeR\S* +support-readon",),
        "events UpdateAssumeRolePolicy --since 30d",
        ("svc-monitoring", "support-readonly"),
    ),
    "S9 IAM actions from an address": Asked(
        (":events service:iam origin:203.0.113.77",),
        (r"\d+ of 20,\d+", r"ci-runner|svc-monitoring"),
        "events service:iam origin:203.0.113.77",
        ("CreateUser", r"203\.0\.113\.77"),
    ),
    "S10 users created in the last 60 days": Asked(
        (":events event:CreateUser since:60d",),
        (r"CreateUser +svc-monitoring", "tmp-loadtest"),
        "events event:CreateUser --since 60d",
        ("svc-monitoring", "tmp-loadtest"),
    ),
    "S11 a role that holds ec2:* and has only ever described": Asked(
        (":inventory-scanner", "right", "right", "enter"),
        (r"DescribeInstances +\d+ h", r"AllocateAddress +unseen", "yes"),
        "identity inventory-scanner --last-used --format json",
        ("DescribeInstances",),
    ),
    "S12 a role open to another account": Asked(
        (":role/vendor-datapeek", "left"),
        ("777788889999", "another account may use it without an external id"),
        "identity role/vendor-datapeek",
        (r"external id",),
    ),
    "S12 what is open to others": Asked(
        (":exposure",),
        (r"critical +s3 acme-public-assets", "open to everybody", r"role/support-readonly|vendor-datapeek"),
        "exposure --format csv",
        (
            r"critical,arn:aws:s3:::acme-public-assets,",
            r"high,arn:aws:s3:::acme-settlements,",
            r"medium,arn:aws:iam::\d+:role/ci-terraform",
        ),
    ),
    "S13 Glue has not been used for six months": Asked(
        (":User1", "right", "right"),
        (r"(?i)glue", r"\b[67] mo|\b2\d\d d|\b[67] m\b"),
        "identity User1 --last-used",
        (r"(?i)glue",),
    ),
    "S11 what the role's policy becomes": Asked(
        (":unused inventory-scanner", "pagedown"),
        (r'- +"Action": "ec2:\*"', r"\+ .*DescribeInstances"),
        "unused inventory-scanner --format markdown",
        (r"`inventory-scanner`", r"ec2:DescribeInstances"),
    ),
    "S12 what AWS says of it, and we": Asked(
        (":analyzer", "down", "enter"),
        (r"both +external access +arn:aws:s3:::acme-public-assets", r"iamtui says +open to everybody", r"principal +AWS \*"),
        "analyzer --format csv",
        (r"both,external,active,arn:aws:s3:::acme-settlements,", r"only AWS,unused,active,\S+test-migration"),
    ),
    "S13 who still uses Glue": Asked(
        (":matrix glue users", "/glue:>90d", "enter"),
        (r"user User1: glue", r"given by \(AWS\) +AWSGlueConsole"),
        "matrix glue --kind users",
        (r"User1 +user +\d+ d", r"i\.santos +user +\d+"),
    ),
    "S14 a managed policy was edited": Asked(
        (":policy/data-lake-access", "right", "enter", "d"),
        ("v5 → v6", r"action removed: s3:\*", "KeepPersonalDataOut"),
        "events CreatePolicyVersion data-lake-access",
        (r"CreatePolicyVersion",),
    ),
    "S14 when, by whom, what, and back": Asked(
        (":changes data-lake-access", "down", "down", "down", "enter"),
        (
            r"what +v5 made and in force",
            r"who +n\.haddad@acme\.example \(person\)",
            r"\+ s3 permissions management",
        ),
        "changes data-lake-access kind:version by:k.meyer since:12d --rollback cli",
        (r"aws iam set-default-policy-version --policy-arn arn:aws:iam::123456789012:policy/data-lake-access --version-id v5",),
    ),
    "S15 who deleted a user": Asked(
        (":events event:DeleteUser",),
        (r"DeleteUser +tmp-loadtest",),
        "events event:DeleteUser",
        ("DeleteUser", "tmp-loadtest"),
    ),
    "S15 is there an alarm on DeleteUser, and who gets the mail": Asked(
        (":alarms DeleteUser",),
        (r"DeleteUser +nobody hears", r"✗ broken +topic +identity-reviews nobody has confirmed", r"security@acme\.example"),
        "alarms DeleteUser",
        (
            r"DeleteUser +nobody hears",
            r"identity-reviews nobody has confirmed: email security@acme\.example",
            "no trail delivers to it",
            "us-east-1 only",
        ),
        1,
    ),
    "S15 and on a user who grants itself admin": Asked(
        (":alarms AttachUserPolicy PutUserPolicy", "enter"),
        (r"who hears +on-call@acme\.example, https https://events\.pager\.example", r"✓ ok +filter +iam-changes finds it"),
        "alarms AttachUserPolicy PutUserPolicy",
        (r"AttachUserPolicy +heard", r"When grants itself admin", r"on-call@acme\.example"),
    ),
    "S15 from the event itself": Asked(
        (":events event:DeleteUser", "a"),
        (r"Who hears of DeleteUser", r"is told to +nobody", "identity-reviews"),
        "alarms --states iam-changes",
        (r"iam-changes +OK", r"OK → ALARM", r"AttachUserPolicy success +ci-runner → ci-runner"),
    ),
    "S16 a test role with high privileges": Asked(
        (":roles test-", "down", "enter", "right"),
        ("test-migration", "AdministratorAccess"),
        "identity test-migration",
        ("AdministratorAccess",),
    ),
    "S16 a quarterly review: the queue, and who left": Asked(
        (":review", "/kowalski", "enter"),
        (r"d\.kowalski +user", "tagged as left", r"last seen +2026", "through group ops", r"open · 1 of \d+"),
        "review queue",
        (
            r"d\.kowalski +user.*tagged as left",
            r"test-migration +role.*administrator; its owner d\.kowalski left; named like something temporary",
        ),
    ),
    "S16 a quarterly review: the test role, decided": Asked(
        (":review", "/test-migration", "enter", "X", "escape"),
        (r"test-migration +role +remove",),
        "review decide remove test-migration",
        ("remove: 1",),
    ),
    "S18 people with a console and without MFA": Asked(
        (":users mfa:no console:yes",),
        (r"\d+ of 41",),
        "list users mfa:no console:yes",
        (r"svc-monitoring",),
    ),
}

_NAMES = {
    " ": "space", ":": "colon", "/": "slash", "-": "minus", "_": "underscore", "=": "equals_sign", ".": "full_stop", "|": "vertical_line",
    ",": "comma", "*": "asterisk", "@": "at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


async def settle(pilot: Any) -> None:
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause(0.05)


async def take(pilot: Any, step: str) -> None:
    if len(step) > 1 and step[0] in ":/":
        await pilot.press(_NAMES[step[0]])
        await settle(pilot)
        await pilot.press(*(_NAMES.get(char, char) for char in step[1:]), "enter")
    else:
        await pilot.press(step)
    await settle(pilot)


def shown(app: IamtuiApp) -> str:
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize("asked", STORIES.values(), ids=STORIES)
async def test_by_keys(asked: Asked) -> None:
    assert len(asked.steps) <= MOST_STEPS
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    app = IamtuiApp(session, Settings(), first="summary")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.explorer.on_summary
        for step in asked.steps:
            await take(pilot, step)
        screen = shown(app)
        for expression in asked.seen:
            assert re.search(expression, screen), f"{expression}\n{screen}"


@pytest.mark.parametrize("asked", STORIES.values(), ids=STORIES)
def test_by_command(asked: Asked) -> None:
    result = CliRunner().invoke(cli, ["--demo", *asked.command.split()])
    assert result.exit_code == asked.code, result.output
    for expression in asked.told:
        assert re.search(expression, result.stdout), f"{expression}\n{result.stdout[:3000]}"
